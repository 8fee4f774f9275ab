package routines

import (
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
)

// Pattern is the phases of one breath, or of one rep, in samples. The phases of a rep are named move, hold, back and
// wait.
type Pattern struct {
	In    int // inhale
	Again int // a second, short inhale on top of it
	Hold  int // with full lungs
	Out   int // exhale
	Wait  int // with empty lungs
}

// Len is the length of the whole breath or rep.
func (p Pattern) Len() int { return p.In + p.Again + p.Hold + p.Out + p.Wait }

// Phase is one part of a breath or rep.
type Phase struct {
	Name string
	At   int // from the start of the breath or rep
	Len  int
}

// The names of the phases in files, topics and language data, in the order of Pattern's fields.
var (
	breathPhases = []string{"in", "again", "hold", "out", "wait"}
	repPhases    = []string{"move", "again", "hold", "back", "wait"}
)

// phases lists the phases longer than zero. names holds the five names, in the order of Pattern's fields.
func (p Pattern) phases(names []string) iter.Seq[Phase] {
	return func(yield func(Phase) bool) {
		at := 0
		for i, n := range [...]int{p.In, p.Again, p.Hold, p.Out, p.Wait} {
			if n > 0 && !yield(Phase{Name: names[i], At: at, Len: n}) {
				return
			}
			at += n
		}
	}
}

// countPhases is the number of phases longer than zero.
func (p Pattern) countPhases() int {
	count := 0
	for _, n := range [...]int{p.In, p.Again, p.Hold, p.Out, p.Wait} {
		if n > 0 {
			count++
		}
	}
	return count
}

// parsePattern reads IN-OUT, IN-HOLD-OUT or IN-HOLD-OUT-HOLD in seconds. IN may be a+b, a double inhale.
func parsePattern(s string) (Pattern, error) {
	want := fmt.Errorf(`%q is not a pattern; write seconds as "4-6" (in, out), "4-4-6" (in, hold, out) or "4-4-4-4" (in, hold, out, hold)`, s)
	parts := strings.Split(strings.ReplaceAll(NormalizeText(s), " ", ""), "-")
	if len(parts) < 2 || len(parts) > 4 {
		return Pattern{}, want
	}
	first, again, double := strings.Cut(parts[0], "+")
	parts[0] = first
	if !double {
		again = "0"
	}
	seconds := make([]int, 0, 5)
	for _, part := range append(parts, again) {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil || strings.ContainsAny(part, "eExXpP_") {
			return Pattern{}, want
		}
		if !(f >= 0 && f <= 60) {
			return Pattern{}, fmt.Errorf("%q: a phase lasts from 0 to 60 seconds", s)
		}
		seconds = append(seconds, int(math.Round(f*Rate)))
	}
	p := Pattern{In: seconds[0], Again: seconds[len(seconds)-1]}
	switch len(parts) {
	case 2:
		p.Out = seconds[1]
	case 3:
		p.Hold, p.Out = seconds[1], seconds[2]
	case 4:
		p.Hold, p.Out, p.Wait = seconds[1], seconds[2], seconds[3]
	}
	if p.In < Rate/2 || p.Out < Rate/2 || double && p.Again == 0 {
		return Pattern{}, fmt.Errorf("%q: a breath needs at least half a second in and half a second out", s)
	}
	return p, nil
}

// hasPhasesOf reports whether two patterns have the same phases.
func (p Pattern) hasPhasesOf(q Pattern) bool {
	return (p.Again > 0) == (q.Again > 0) && (p.Hold > 0) == (q.Hold > 0) && (p.Wait > 0) == (q.Wait > 0)
}

// combine applies f to each phase of p and q.
func (p Pattern) combine(q Pattern, f func(a, b int) int) Pattern {
	return Pattern{f(p.In, q.In), f(p.Again, q.Again), f(p.Hold, q.Hold), f(p.Out, q.Out), f(p.Wait, q.Wait)}
}

// isWholeSeconds reports whether every phase lasts whole seconds.
func (p Pattern) isWholeSeconds() bool {
	return p.In%Rate == 0 && p.Again%Rate == 0 && p.Hold%Rate == 0 && p.Out%Rate == 0 && p.Wait%Rate == 0
}

// withoutHolds is the pattern without its breath holds.
func (p Pattern) withoutHolds() Pattern {
	p.Hold, p.Wait = 0, 0
	return p
}

// scaled is the pattern with every phase pace times as long.
func (p Pattern) scaled(pace float64) Pattern {
	if pace == 1 {
		return p
	}
	return p.combine(p, func(a, _ int) int { return int(math.Round(float64(a) * pace)) })
}

// ramp is the sequence of breaths in a step: it changes in equal steps from one pattern to another during the first
// breaths and keeps the second pattern from then on. Without a change breaths is 0.
type ramp struct {
	from, to     Pattern
	breaths      int
	wholeSeconds bool // round every phase to whole seconds, so that a count never ends within one
}

// pattern is breath i, counted from 0.
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

// lengths returns a function for the length of the first n breaths in samples.
func (r ramp) lengths() func(n int) int64 {
	var sums []int64 // of the first breaths, from none to all that change
	return func(n int) int64 {
		if sums == nil {
			sums = make([]int64, r.breaths+1)
			for i := range r.breaths {
				sums[i+1] = sums[i] + int64(r.pattern(i).Len())
			}
		}
		n = max(0, n)
		changing := min(n, r.breaths)
		return sums[changing] + int64(n-changing)*int64(r.to.Len())
	}
}

// nearestCount is the number of breaths, at least one, whose length comes nearest to want samples.
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
