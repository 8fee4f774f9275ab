package routines

import "math"

// parseRamp reads how a breath settles from one pattern to another.
func (t *tableReader) parseRamp(s *Step) {
	s.From, s.Over = t.pattern("from", "3-3-4"), t.length("over")
	switch {
	case t.has("over") && !t.has("from"):
		t.problemf("over", `has no meaning without from = "3-3-4", the breath it begins with`)
	case s.From != nil && s.Pattern != nil && !s.From.hasPhasesOf(*s.Pattern):
		t.problemf("from", "has other phases than breathe; give both the same ones, so that one can become the other")
		s.From = nil
	}
}

// hasPhasesOf tells that two patterns have the same phases.
func (p Pattern) hasPhasesOf(q Pattern) bool {
	return (p.Again > 0) == (q.Again > 0) && (p.Hold > 0) == (q.Hold > 0) && (p.Wait > 0) == (q.Wait > 0)
}

// combine makes a pattern of what f makes of each phase of two.
func (p Pattern) combine(q Pattern, f func(a, b int) int) Pattern {
	return Pattern{f(p.In, q.In), f(p.Again, q.Again), f(p.Hold, q.Hold), f(p.Out, q.Out), f(p.Wait, q.Wait)}
}

// isWholeSeconds tells a pattern of whole seconds.
func (p Pattern) isWholeSeconds() bool {
	return p.In%Rate == 0 && p.Again%Rate == 0 && p.Hold%Rate == 0 && p.Out%Rate == 0 && p.Wait%Rate == 0
}

// withoutHolds is the pattern without its breath holds.
func (p Pattern) withoutHolds() Pattern {
	p.Hold, p.Wait = 0, 0
	return p
}

// scaled is the pattern at another pace.
func (p Pattern) scaled(pace float64) Pattern {
	if pace == 1 {
		return p
	}
	return p.combine(p, func(a, _ int) int { return int(math.Round(float64(a) * pace)) })
}

// ramp is how the breaths of a step settle: n of them from one pattern towards another, in equal steps. Where both are
// whole seconds and are counted aloud, so is each breath between them: a count never breaks off within a second.
type ramp struct {
	from, to     Pattern
	breaths      int
	wholeSeconds bool
}

// pattern is breath i, from 0.
func (r ramp) pattern(i int) Pattern {
	if i >= r.breaths {
		return r.to
	}
	return r.from.combine(r.to, func(a, b int) int {
		x := float64(a) + float64(b-a)*float64(i)/float64(r.breaths)
		if r.wholeSeconds {
			return int(math.Round(x/Rate)) * Rate
		}
		return int(math.Round(x))
	})
}

// length is the length of the first n breaths.
func (r ramp) length(n int) int {
	total := max(0, n-r.breaths) * r.to.Len()
	for i := range min(n, r.breaths) {
		total += r.pattern(i).Len()
	}
	return total
}

// nearestCount is the number of breaths, at least one, that comes nearest to a length.
func (r ramp) nearestCount(want int) int {
	at := 0
	for i := range r.breaths {
		n := r.pattern(i).Len()
		if at+n/2 >= want {
			return max(1, i)
		}
		at += n
	}
	return max(1, r.breaths+int(math.Round(float64(want-at)/float64(r.to.Len()))))
}
