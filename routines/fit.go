package routines

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// fitTolerance is how far a whole may lie from the length asked for where rests can take the difference.
const fitTolerance = 5 * Rate

// fitToLength finds what each step must count so that the whole lasts as long as asked: rounds, breaths, holds and reps are
// stretched alike, as far as each may be, and rests take what is left.
func fitToLength(r *Routine, measure Measure, o Options) (map[*Step]int, error) {
	if o.For == 0 {
		return nil, nil
	}
	want := Samples(o.For)
	o.For, o.Changes, o.Waits = 0, nil, false
	own := newCompiler(r, measure, o)
	if err := own.run(); err != nil {
		return nil, err
	}
	var best *candidate
	shortest, longestFit := math.MaxInt, 0
	for _, rounds := range roundCandidates(flexibleGroups(r, nil), own.score) {
		c := newCompiler(r, measure, o)
		c.fitted = rounds
		if c.run() != nil {
			continue // so many rounds are too long
		}
		p := c.newCandidate(rounds)
		if len(p.adjustables) == 0 && len(rounds) == 0 {
			return nil, fmt.Errorf("%s has nothing that could be stretched; start it without a length", r.Name)
		}
		shortest, longestFit = min(shortest, p.total(0)), max(longestFit, p.total(math.Inf(1)))
		p.stretchTo(want)
		p.setCost(want, own.score.Len)
		if best == nil || p.cost < best.cost {
			best = p
		}
	}
	if slack := max(fitTolerance, best.smallestChange()/2); want < shortest-slack || want > longestFit+slack {
		return nil, fmt.Errorf("%s lasts at least %v and at most %v; ask for a length between", r.Name, rounded(shortest), rounded(min(longestFit, maxLength)))
	}
	if off := abs(want - best.length()); off > max(fitTolerance, best.smallestChange()/2) {
		return nil, fmt.Errorf("%s cannot last %v, as it is made of whole rounds; the nearest is %v", r.Name, rounded(want), rounded(best.length()))
	}
	for _, part := range best.adjustables {
		best.rounds[part.step] = part.units
	}
	return best.rounds, nil
}

func rounded(samples int) time.Duration { return Duration(samples).Round(time.Second) }

// flexibleGroups lists the groups whose rounds may be changed.
func flexibleGroups(r *Routine, list []*Step) []*Step {
	var visit func(steps []Step)
	visit = func(steps []Step) {
		for i := range steps {
			s := &steps[i]
			switch {
			case slices.Contains(list, s): // in a routine that is included more than once
				continue
			case s.Kind == Group && s.Fit.Max > 0:
				list = append(list, s)
			case s.Kind == Include:
				visit(s.Routine.Steps)
			}
			visit(s.Steps)
		}
	}
	visit(r.Steps)
	return list
}

// How many ways to choose rounds are looked at one by one: fewer where each takes long to lay out.
const (
	maxCandidates     = 200
	maxCandidateItems = 400_000 // cues and marks in all of them
)

// roundCandidates lists ways to choose the rounds of groups: all of them, or where they are too many, those in which every
// group takes the same share of its range.
func roundCandidates(groups []*Step, own *Score) []map[*Step]int {
	limit := max(4, min(maxCandidates, maxCandidateItems/(len(own.Cues)+len(own.Marks)+1)))
	plans, most := []map[*Step]int{{}}, 1
	for _, g := range groups {
		most *= g.Fit.Max - g.Fit.Min + 1
		if most > limit {
			return evenRounds(groups, limit)
		}
	}
	for _, g := range groups {
		var longer []map[*Step]int
		for _, p := range plans {
			for n := g.Fit.Min; n <= g.Fit.Max; n++ {
				q := map[*Step]int{g: n}
				for k, v := range p {
					q[k] = v
				}
				longer = append(longer, q)
			}
		}
		plans = longer
	}
	return plans
}

func evenRounds(groups []*Step, n int) []map[*Step]int {
	var plans []map[*Step]int
	for i := range n {
		p := map[*Step]int{}
		for _, g := range groups {
			p[g] = g.Fit.Min + (g.Fit.Max-g.Fit.Min)*i/(n-1)
		}
		plans = append(plans, p)
	}
	return plans
}

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
