package routines

import (
	"math"
	"slices"
)

// adjustable is one step that may be changed for a length: what it counts, and how often it is laid out.
type adjustable struct {
	step            *Step
	units, ownUnits int
	Range
	occurrences int
	isRest      bool
	increment   int             // what it counts goes in multiples of this
	length      func(n int) int // samples of one turn
}

// candidate is one choice of rounds, and how long everything in it is.
type candidate struct {
	rounds      map[*Step]int
	fixed       int // samples that cannot be changed
	adjustables []adjustable
	cost        float64
}

// addFlexible notes that a body may be changed for a length asked for.
func (c *compiler) addFlexible(s *Step, length func(n int) int) {
	if s.Kind == Breathe || s.Kind == Rest || s.Fit.Max > 0 {
		c.flexibleSteps = append(c.flexibleSteps, s)
		c.lengthOf[s] = length
	}
}

// newCandidate gathers what may be changed in what was laid out.
func (c *compiler) newCandidate(rounds map[*Step]int) *candidate {
	p := &candidate{rounds: rounds, fixed: c.score.Len}
	for i, s := range c.flexibleSteps {
		if slices.Contains(c.flexibleSteps[:i], s) {
			continue
		}
		own := c.units(s)
		part := adjustable{step: s, units: own, ownUnits: own, Range: s.Fit, isRest: s.Kind == Rest, increment: 1, length: c.lengthOf[s]}
		switch {
		case part.isRest:
			part.increment = Rate / 10
			if s.Fit.Max == 0 {
				part.Range = Range{max(own/2, min(own, (s.Countdown+1)*Rate)), 2 * own}
			}
		case s.Fit.Max == 0:
			part.Range = Range{1, maxLength}
		case s.Pattern == nil && s.For.Samples > 0:
			part.increment = Rate // a hold
		}
		for _, other := range c.flexibleSteps {
			if other == s {
				part.occurrences++
			}
		}
		part.Max = min(part.Max, max(own, maxLength/part.occurrences/part.length(1)))
		p.fixed -= part.occurrences * part.length(own)
		p.adjustables = append(p.adjustables, part)
	}
	return p
}

// unitsAt is what a part counts when all are stretched by a factor.
func (p *adjustable) unitsAt(stretch float64) int {
	if stretch*float64(p.ownUnits) >= float64(p.Max) {
		return p.Max
	}
	return max(p.Min, int(math.Round(stretch*float64(p.ownUnits)/float64(p.increment)))*p.increment)
}

// total is the length of all with every part stretched by a factor, rests too.
func (p *candidate) total(stretch float64) int {
	n := p.fixed
	for i := range p.adjustables {
		n = min(n+p.adjustables[i].occurrences*p.adjustables[i].length(p.adjustables[i].unitsAt(stretch)), 2*maxLength) // an int may have 32 bits
	}
	return n
}

func (p *candidate) length() int {
	n := p.fixed
	for _, part := range p.adjustables {
		n += part.occurrences * part.length(part.units)
	}
	return n
}

// stretchTo makes the whole as long as wanted, as nearly as it can be.
func (p *candidate) stretchTo(want int) {
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
	for i := range p.adjustables {
		p.adjustables[i].units = p.adjustables[i].unitsAt(high)
	}
	p.adjust(want, false)
	p.adjust(want, true)
}

// adjust changes single parts as long as that brings the whole nearer: first what is counted, then the rests.
func (p *candidate) adjust(want int, rests bool) {
	for {
		off := want - p.length()
		best, to, left := -1, 0, abs(off)
		for i := range p.adjustables {
			part := &p.adjustables[i]
			if part.isRest != rests {
				continue
			}
			n := part.units + part.increment
			switch {
			case rests: // as much of the difference as it can take
				n = part.units + off/part.occurrences/part.increment*part.increment
			case off < 0:
				n = part.units - part.increment
			}
			n = max(part.Min, min(n, part.Max))
			if d := abs(off - part.occurrences*(part.length(n)-part.length(part.units))); d < left {
				best, to, left = i, n, d
			}
		}
		if best < 0 {
			return
		}
		p.adjustables[best].units = to
	}
}

// setCost tells how far the plan is from what was wanted, and then from the routine as it is written.
func (p *candidate) setCost(want, own int) {
	off := abs(want - p.length())
	if off > fitTolerance {
		p.cost = 100 * inSeconds(off)
	}
	for _, part := range p.adjustables {
		if !part.isRest {
			p.cost += math.Abs(math.Log(float64(part.units) / float64(part.ownUnits) * float64(own) / float64(want)))
		}
	}
	for step, n := range p.rounds {
		p.cost += math.Abs(math.Log(float64(n) / float64(step.Repeat) * float64(own) / float64(want)))
	}
}

// smallestChange is the smallest change that the plan can make without rests.
func (p *candidate) smallestChange() int {
	least := math.MaxInt / 2
	for _, part := range p.adjustables {
		if !part.isRest {
			least = min(least, part.occurrences*(part.length(part.units+part.increment)-part.length(part.units)))
		}
	}
	if least == math.MaxInt/2 {
		return 0
	}
	return least
}

func abs(n int) int { return max(n, -n) }
