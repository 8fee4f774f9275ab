package routines

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// fitTolerance is how far a score may be from the length asked for where rests can take the difference.
const fitTolerance = 5 * Rate

// fitToLength finds how many units (see Step.units) each step must have for the score to last as long as asked: rounds,
// breaths, holds and reps are stretched by the same factor, each within its range, and rests take the difference. It is
// nil without a length.
func fitToLength(r *Routine, measure Measure, o Options) (map[*Step]int, error) {
	if o.For == 0 {
		return nil, nil
	}
	want := int64(Samples(o.For))
	o.For, o.Changes, o.Interactive = 0, nil, false
	own, err := compile(r, measure, o, nil)
	if err != nil {
		return nil, err
	}
	var best *candidate // there is one: the least rounds are never longer than the routine as written
	shortest, longest := int64(math.MaxInt64), int64(0)
	for _, rounds := range roundCandidates(flexibleGroups(r, nil), own.score) {
		c, err := compile(r, measure, o, rounds)
		if err != nil {
			continue // so many rounds are too long
		}
		p := c.newCandidate(rounds)
		if len(p.adjustables) == 0 && len(rounds) == 0 {
			return nil, fmt.Errorf("%s has nothing that could be stretched; start it without a length", r.Name)
		}
		shortest, longest = min(shortest, p.total(0)), max(longest, p.total(math.Inf(1)))
		p.stretchTo(want)
		p.setCost(want, int64(own.score.Len))
		if best == nil || p.cost < best.cost {
			best = p
		}
	}
	if slack := max(fitTolerance, best.smallestChange()/2); want < shortest-slack || want > longest+slack {
		return nil, fmt.Errorf("%s lasts at least %v and at most %v; ask for a length between", r.Name, rounded(shortest), rounded(min(longest, maxLength)))
	}
	if off := abs(want - best.length()); off > max(fitTolerance, best.smallestChange()/2) {
		return nil, fmt.Errorf("%s cannot last %v, as it is made of whole rounds; the nearest is %v", r.Name, rounded(want), rounded(best.length()))
	}
	for _, a := range best.adjustables {
		best.rounds[a.step] = a.units
	}
	return best.rounds, nil
}

// rounded is a length to the nearest second.
func rounded(samples int64) time.Duration {
	return time.Duration(math.Round(float64(samples)/Rate)) * time.Second
}

// flexibleGroups appends to list the groups whose number of rounds may change.
func flexibleGroups(r *Routine, list []*Step) []*Step {
	var visit func(steps []Step)
	visit = func(steps []Step) {
		for i := range steps {
			s := &steps[i]
			switch {
			case slices.Contains(list, s): // its routine is included more than once
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

// Limits of the candidates that are compiled: fewer where each takes long.
const (
	maxCandidates     = 200
	maxCandidateItems = 400_000 // cues and marks of all candidates
)

// roundCandidates lists numbers of rounds for the groups: every combination, or where these are too many, those in
// which all groups stand at the same part of their range.
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

// evenRounds lists n combinations, from the least rounds of every group to the most.
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

// adjustable is one step whose number of units may change, however often the score has it.
type adjustable struct {
	step            *Step
	units, ownUnits int // as adjusted, and as written
	Range
	occurrences int // how often the score has the step
	isRest      bool
	increment   int               // units changes by multiples of this
	length      func(n int) int64 // samples of one occurrence with n units
}

// candidate is one choice of rounds, with the steps that can be adjusted in it.
type candidate struct {
	rounds      map[*Step]int
	fixed       int64 // samples of everything that cannot be adjusted
	adjustables []adjustable
	cost        float64
}

// addFlexible records a body whose length may change; length is its samples for a number of units.
func (c *compiler) addFlexible(s *Step, length func(n int) int64) {
	if s.Kind == Breathe || s.Kind == Rest || s.Fit.Max > 0 {
		c.flexibleSteps = append(c.flexibleSteps, s)
		c.lengthOf[s] = length
	}
}

// newCandidate collects what may be adjusted in a compiled score.
func (c *compiler) newCandidate(rounds map[*Step]int) *candidate {
	p := &candidate{rounds: rounds, fixed: int64(c.score.Len)}
	for i, s := range c.flexibleSteps {
		if slices.Contains(c.flexibleSteps[:i], s) {
			continue
		}
		own := c.units(s)
		a := adjustable{step: s, units: own, ownUnits: own, Range: s.Fit, isRest: s.Kind == Rest, increment: 1, length: c.lengthOf[s]}
		switch {
		case a.isRest:
			a.increment = Rate / 10
			if s.Fit.Max == 0 {
				a.Range = Range{max(own/2, min(own, (s.Countdown+1)*Rate)), 2 * own}
			}
		case s.Fit.Max == 0:
			a.Range = Range{1, maxLength}
		case s.Pattern == nil && s.For.Samples > 0:
			a.increment = Rate // a hold
		}
		for _, other := range c.flexibleSteps {
			if other == s {
				a.occurrences++
			}
		}
		a.Max = min(a.Max, max(own, maxLength/a.occurrences/int(a.length(1))))
		p.fixed -= a.total(own)
		p.adjustables = append(p.adjustables, a)
	}
	return p
}

// total is the length of all occurrences with n units each.
func (a *adjustable) total(n int) int64 { return int64(a.occurrences) * a.length(n) }

// unitsAt is the number of units when all steps are stretched by a factor.
func (a *adjustable) unitsAt(stretch float64) int {
	if stretch*float64(a.ownUnits) >= float64(a.Max) {
		return a.Max
	}
	return max(a.Min, int(math.Round(stretch*float64(a.ownUnits)/float64(a.increment)))*a.increment)
}

// total is the length of the score with every step stretched by a factor.
func (p *candidate) total(stretch float64) int64 {
	n := p.fixed
	for i := range p.adjustables {
		a := &p.adjustables[i]
		n += a.total(a.unitsAt(stretch))
	}
	return n
}

// length is the length of the score as adjusted.
func (p *candidate) length() int64 {
	n := p.fixed
	for i := range p.adjustables {
		n += p.adjustables[i].total(p.adjustables[i].units)
	}
	return n
}

// stretchTo adjusts the steps so that the score comes as near to want samples as it can.
func (p *candidate) stretchTo(want int64) {
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

// adjust changes single steps, rests or all others, as long as that brings the length nearer to want.
func (p *candidate) adjust(want int64, rests bool) {
	for {
		off := want - p.length()
		best, bestUnits, left := -1, 0, abs(off)
		for i := range p.adjustables {
			a := &p.adjustables[i]
			if a.isRest != rests {
				continue
			}
			n := int64(a.units + a.increment)
			switch {
			case rests: // as much of the difference as it can take; the unit of a rest is a sample
				n = int64(a.units) + off/int64(a.occurrences)/int64(a.increment)*int64(a.increment)
			case off < 0:
				n = int64(a.units - a.increment)
			}
			units := int(max(int64(a.Min), min(n, int64(a.Max))))
			if d := abs(off - (a.total(units) - a.total(a.units))); d < left {
				best, bestUnits, left = i, units, d
			}
		}
		if best < 0 {
			return
		}
		p.adjustables[best].units = bestUnits
	}
}

// setCost rates the candidate: by far the most for its distance from want, then for how unevenly it stretches the
// routine. ownLength is that of the score as written.
func (p *candidate) setCost(want, ownLength int64) {
	if off := abs(want - p.length()); off > fitTolerance {
		p.cost = 100 * (float64(off) / Rate)
	}
	for _, a := range p.adjustables {
		if !a.isRest {
			p.cost += math.Abs(math.Log(float64(a.units) / float64(a.ownUnits) * float64(ownLength) / float64(want)))
		}
	}
	for step, n := range p.rounds {
		p.cost += math.Abs(math.Log(float64(n) / float64(step.Repeat) * float64(ownLength) / float64(want)))
	}
}

// smallestChange is the smallest change of length that is possible without rests; 0 when nothing else can change.
func (p *candidate) smallestChange() int64 {
	smallest := int64(math.MaxInt64)
	for i := range p.adjustables {
		if a := &p.adjustables[i]; !a.isRest {
			smallest = min(smallest, a.total(a.units+a.increment)-a.total(a.units))
		}
	}
	if smallest == math.MaxInt64 {
		return 0
	}
	return smallest
}

func abs(n int64) int64 { return max(n, -n) }
