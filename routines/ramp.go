package routines

import "math"

// parseRamp reads how a breath settles from one pattern to another.
func (t *table) parseRamp(s *Step) {
	s.From, s.Over = t.pattern("from", "3-3-4"), t.amount("over")
	switch {
	case t.has("over") && !t.has("from"):
		t.problem("over", `has no meaning without from = "3-3-4", the breath it begins with`)
	case s.From != nil && s.Pattern != nil && !s.From.like(*s.Pattern):
		t.problem("from", "has other phases than breathe; give both the same ones, so that one can become the other")
		s.From = nil
	}
}

// like tells that two patterns have the same phases.
func (p Pattern) like(q Pattern) bool {
	return (p.Again > 0) == (q.Again > 0) && (p.Hold > 0) == (q.Hold > 0) && (p.Wait > 0) == (q.Wait > 0)
}

// each makes a pattern of what f makes of each phase of two.
func (p Pattern) each(q Pattern, f func(a, b int) int) Pattern {
	return Pattern{f(p.In, q.In), f(p.Again, q.Again), f(p.Hold, q.Hold), f(p.Out, q.Out), f(p.Wait, q.Wait)}
}

// whole tells a pattern of whole seconds.
func (p Pattern) whole() bool {
	return p.In%Rate == 0 && p.Again%Rate == 0 && p.Hold%Rate == 0 && p.Out%Rate == 0 && p.Wait%Rate == 0
}

// without is the pattern without its breath holds.
func (p Pattern) without() Pattern {
	p.Hold, p.Wait = 0, 0
	return p
}

// scaled is the pattern at another pace.
func (p Pattern) scaled(pace float64) Pattern {
	if pace == 1 {
		return p
	}
	return p.each(p, func(a, _ int) int { return int(math.Round(float64(a) * pace)) })
}

// ramp is how the breaths of a step settle: n of them from one pattern towards another, in equal steps. Where both are
// whole seconds and are counted aloud, so is each breath between them: a count never breaks off within a second.
type ramp struct {
	from, to Pattern
	n        int
	whole    bool
}

// at is breath i, from 0.
func (r ramp) at(i int) Pattern {
	if i >= r.n {
		return r.to
	}
	return r.from.each(r.to, func(a, b int) int {
		x := float64(a) + float64(b-a)*float64(i)/float64(r.n)
		if r.whole {
			return int(math.Round(x/Rate)) * Rate
		}
		return int(math.Round(x))
	})
}

// len is the length of the first n breaths.
func (r ramp) len(n int) int {
	total := max(0, n-r.n) * r.to.Len()
	for i := range min(n, r.n) {
		total += r.at(i).Len()
	}
	return total
}

// nearest is the number of breaths, at least one, that comes nearest to a length.
func (r ramp) nearest(want int) int {
	at := 0
	for i := range r.n {
		n := r.at(i).Len()
		if at+n/2 >= want {
			return max(1, i)
		}
		at += n
	}
	return max(1, r.n+int(math.Round(float64(want-at)/float64(r.to.Len()))))
}
