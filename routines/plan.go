package routines

import (
	"math"
	"slices"
)

// part is one step that may be changed for a length: what it counts, and how often it is laid out.
type part struct {
	step   *Step
	n, own int
	Range
	turns int
	rest  bool
	grain int             // what it counts goes in multiples of this
	len   func(n int) int // samples of one turn
}

// plan is one choice of rounds, and how long everything in it is.
type plan struct {
	rounds map[*Step]int
	fixed  int // samples that cannot be changed
	parts  []part
	cost   float64
}

// flexible notes that a body may be changed for a length asked for.
func (l *layout) flexible(s *Step, length func(n int) int) {
	if s.Kind == Breathe || s.Kind == Rest || s.Fit.Most > 0 {
		l.bodies = append(l.bodies, s)
		l.length[s] = length
	}
}

// plan gathers what may be changed in what was laid out.
func (l *layout) plan(rounds map[*Step]int) *plan {
	p := &plan{rounds: rounds, fixed: l.score.Len}
	for i, s := range l.bodies {
		if slices.Contains(l.bodies[:i], s) {
			continue
		}
		own := l.size(s)
		part := part{step: s, n: own, own: own, Range: s.Fit, rest: s.Kind == Rest, grain: 1, len: l.length[s]}
		switch {
		case part.rest:
			part.grain = Rate / 10
			if s.Fit.Most == 0 {
				part.Range = Range{max(own/2, min(own, (s.Countdown+1)*Rate)), 2 * own}
			}
		case s.Fit.Most == 0:
			part.Range = Range{1, longest}
		case s.Pattern == nil && s.For.Samples > 0:
			part.grain = Rate // a hold
		}
		for _, other := range l.bodies {
			if other == s {
				part.turns++
			}
		}
		part.Most = min(part.Most, max(own, longest/part.turns/part.len(1)))
		p.fixed -= part.turns * part.len(own)
		p.parts = append(p.parts, part)
	}
	return p
}

// at is what a part counts when all are stretched by a factor.
func (p *part) at(stretch float64) int {
	if stretch*float64(p.own) >= float64(p.Most) {
		return p.Most
	}
	return max(p.Least, int(math.Round(stretch*float64(p.own)/float64(p.grain)))*p.grain)
}

// total is the length of all with every part stretched by a factor, rests too.
func (p *plan) total(stretch float64) int {
	n := p.fixed
	for i := range p.parts {
		n = min(n+p.parts[i].turns*p.parts[i].len(p.parts[i].at(stretch)), 2*longest) // an int may have 32 bits
	}
	return n
}

func (p *plan) len() int {
	n := p.fixed
	for _, part := range p.parts {
		n += part.turns * part.len(part.n)
	}
	return n
}

// stretch makes the whole as long as wanted, as nearly as it can be.
func (p *plan) stretch(want int) {
	low, high := 0.0, 1.0
	for p.total(high) < want && high < 1e6 {
		high *= 2
	}
	for range 60 {
		if mid := (low + high) / 2; p.total(mid) < want {
			low = mid
		} else {
			high = mid
		}
	}
	for i := range p.parts {
		p.parts[i].n = p.parts[i].at(high)
	}
	p.settle(want, false)
	p.settle(want, true)
}

// settle changes single parts as long as that brings the whole nearer: first what is counted, then the rests.
func (p *plan) settle(want int, rests bool) {
	for {
		off := want - p.len()
		best, to, left := -1, 0, abs(off)
		for i := range p.parts {
			part := &p.parts[i]
			if part.rest != rests {
				continue
			}
			n := part.n + part.grain
			switch {
			case rests: // as much of the difference as it can take
				n = part.n + off/part.turns/part.grain*part.grain
			case off < 0:
				n = part.n - part.grain
			}
			n = max(part.Least, min(n, part.Most))
			if d := abs(off - part.turns*(part.len(n)-part.len(part.n))); d < left {
				best, to, left = i, n, d
			}
		}
		if best < 0 {
			return
		}
		p.parts[best].n = to
	}
}

// rate tells how far the plan is from what was wanted, and then from the routine as it is written.
func (p *plan) rate(want, own int) {
	off := abs(want - p.len())
	if off > near {
		p.cost = 100 * seconds(off)
	}
	for _, part := range p.parts {
		if !part.rest {
			p.cost += math.Abs(math.Log(float64(part.n) / float64(part.own) * float64(own) / float64(want)))
		}
	}
	for step, n := range p.rounds {
		p.cost += math.Abs(math.Log(float64(n) / float64(step.Repeat) * float64(own) / float64(want)))
	}
}

// step is the smallest change that the plan can make without rests.
func (p *plan) step() int {
	least := math.MaxInt / 2
	for _, part := range p.parts {
		if !part.rest {
			least = min(least, part.turns*(part.len(part.n+part.grain)-part.len(part.n)))
		}
	}
	if least == math.MaxInt/2 {
		return 0
	}
	return least
}

func abs(n int) int { return max(n, -n) }
