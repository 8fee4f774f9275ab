package routines

import (
	"fmt"
	"math"
	"math/bits"
	"time"
)

// fitTolerance is how far a score may be from the length asked for where rests can take the difference.
const fitTolerance = 5 * Rate

// plan is how many units (see Step.units) the steps have that were fitted to a length.
type plan struct {
	units map[*Step]int

	// What it was made for.
	routine   *Routine
	length    time.Duration
	atMost    bool
	noHolds   bool
	verbosity Verbosity
}

// suits reports whether the plan, which may be nil, was made for a routine and options.
func (p *plan) suits(r *Routine, o Options) bool {
	return p != nil && p.routine == r && p.length == o.For && p.atMost == o.AtMost && p.noHolds == o.NoHolds && p.verbosity == o.Verbosity
}

// fitToLength finds how many units each step must have for the score to last as long as asked: rounds, breaths, holds and
// reps are stretched by the same factor, each within its range, and rests take the difference. With Options.AtMost the
// score is never longer than that. Without a length the plan has no units. An error that says which lengths there are is a
// LengthError.
func fitToLength(w *work, r *Routine, o Options) (*plan, error) {
	made := &plan{routine: r, length: o.For, atMost: o.AtMost, noHolds: o.NoHolds, verbosity: o.Verbosity}
	if o.For == 0 {
		return made, nil
	}
	want := int64(Samples(o.For))
	o.For, o.Changes, o.Interactive = 0, nil, false
	own, err := layOut(w, r, o, nil, maxLayoutWork)
	if err == nil {
		err = own.checkNotEmpty()
	}
	if err != nil {
		return nil, err
	}
	var best *candidate
	shortest, longest := int64(math.MaxInt64), int64(0)
	choices := newRoundChoices(flexibleGroups(r), own.score)
	limit := w.done + maxFitWork
	for _, i := range choices.order() {
		if best != nil && w.done > limit {
			break
		}
		rounds := choices.rounds(i)
		c, err := layOut(w, r, o, rounds, maxLayoutWork)
		if ended := w.ctx.Err(); ended != nil { // also where this layout was the last to get through
			return nil, fmt.Errorf("compiling %s: %w", r.Name, ended)
		}
		if err != nil {
			continue // so many rounds are too long
		}
		p := c.newCandidate(i, rounds)
		if len(p.adjustables) == 0 && len(rounds) == 0 {
			return nil, rigid(r.Name, int64(own.score.Len))
		}
		shortest, longest = min(shortest, p.total(0)), max(longest, p.total(math.Inf(1)))
		if err := p.stretchTo(w, want, made.atMost); err != nil {
			return nil, fmt.Errorf("compiling %s: %w", r.Name, err)
		}
		p.setCost(choices.groups, want, int64(own.score.Len), made.atMost)
		if best == nil || p.cost < best.cost || p.cost == best.cost && p.index < best.index {
			best = p
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%s is too long to be fitted to a length; start it without one, or repeat less", r.Name)
	}
	below, above := max(fitTolerance, best.smallestChange()/2), max(fitTolerance, best.smallestChange()/2)
	if made.atMost {
		below, above = 0, max(fitTolerance, best.smallestChange())
	}
	switch off := abs(want - best.length()); {
	case want < shortest-below || want > longest+above:
		return nil, outOfRange(r.Name, shortest, min(longest, maxLength))
	case off > max(below, above) && !made.atMost:
		return nil, wholeRounds(r.Name, want, best.length(), shortest, min(longest, maxLength))
	}
	for _, a := range best.adjustables {
		best.rounds[a.step] = a.units
	}
	made.units = best.rounds
	return made, nil
}

// flexibleGroups lists the groups whose number of rounds may change, each once, however often its routine is included.
func flexibleGroups(r *Routine) []*Step {
	var list []*Step
	seen := map[*Routine]bool{}
	var visit func(steps []Step)
	visit = func(steps []Step) {
		for i := range steps {
			s := &steps[i]
			switch {
			case s.Kind == Group && s.Fit.Max > 0:
				list = append(list, s)
			case s.Kind == Include && !seen[s.Routine]:
				seen[s.Routine] = true
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

// roundChoices is numbers of rounds for some groups: every combination, or where these are too many, those in which all
// groups stand at the same part of their range.
type roundChoices struct {
	groups []*Step
	n      int  // choices
	even   bool // all groups at the same part
}

func newRoundChoices(groups []*Step, own *Score) roundChoices {
	limit := max(4, min(maxCandidates, maxCandidateItems/(len(own.Cues)+len(own.Marks)+1)))
	n := 1
	for _, g := range groups {
		if n *= g.Fit.Max - g.Fit.Min + 1; n > limit {
			return roundChoices{groups, limit, true}
		}
	}
	return roundChoices{groups, n, false}
}

// rounds is choice i: the first has the least rounds of every group, the last the most.
func (c roundChoices) rounds(i int) map[*Step]int {
	rounds := make(map[*Step]int, len(c.groups))
	for k := len(c.groups) - 1; k >= 0; k-- {
		g := c.groups[k]
		if c.even {
			rounds[g] = g.Fit.Min + (g.Fit.Max-g.Fit.Min)*i/(c.n-1)
			continue
		}
		each := g.Fit.Max - g.Fit.Min + 1
		rounds[g] = g.Fit.Min + i%each
		i /= each
	}
	return rounds
}

// order lists the choices: the first, the last, and then each between those before, so that those that are tried before
// the work is used up lie evenly in the range.
func (c roundChoices) order() []int {
	list := []int{0}
	if c.n > 1 {
		list = append(list, c.n-1)
	}
	width := bits.Len(uint(c.n - 1))
	for i := 1; i < 1<<width; i++ {
		if k := int(bits.Reverse(uint(i)) >> (bits.UintSize - width)); k > 0 && k < c.n-1 {
			list = append(list, k)
		}
	}
	return list
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
	index       int // of the choice of rounds
	rounds      map[*Step]int
	fixed       int64 // samples of everything that cannot be adjusted
	adjustables []adjustable
	cost        float64
}

// addFlexible records a body whose length may change; length is its samples for a number of units.
func (c *compiler) addFlexible(s *Step, length func(n int) int64) {
	if s.Kind != Breathe && s.Kind != Rest && s.Fit.Max == 0 {
		return
	}
	if i, again := c.flexibleIndex[s]; again {
		c.flexible[i].occurrences++
		return
	}
	c.flexibleIndex[s] = len(c.flexible)
	own := c.units(s)
	c.flexible = append(c.flexible, &adjustable{step: s, units: own, ownUnits: own, occurrences: 1, length: length})
}

// newCandidate collects what may be adjusted in a compiled score.
func (c *compiler) newCandidate(index int, rounds map[*Step]int) *candidate {
	p := &candidate{index: index, rounds: rounds, fixed: int64(c.score.Len)}
	for _, flexible := range c.flexible {
		a, s, own := *flexible, flexible.step, flexible.ownUnits
		a.Range, a.isRest, a.increment = s.Fit, s.Kind == Rest, 1
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

// spend counts the work of looking at every adjustable step once.
func (p *candidate) spend(w *work) error { return w.spend(1 + len(p.adjustables)/8) }

// stretchTo adjusts the steps so that the score comes as near to want samples as it can, and with atMost from below. The
// error is that of the context.
func (p *candidate) stretchTo(w *work, want int64, atMost bool) error {
	low, high := 0.0, 1.0
	for p.total(high) < want && high < 1e6 {
		high *= 2
	}
	for range 60 {
		if err := p.spend(w); err != nil {
			return err
		}
		if mid := (low + high) / 2; p.total(mid) < want {
			low = mid
		} else {
			high = mid
		}
	}
	stretch := high
	if atMost && p.total(high) > want {
		stretch = low
	}
	for i := range p.adjustables {
		p.adjustables[i].units = p.adjustables[i].unitsAt(stretch)
	}
	if err := p.adjust(w, want, false, atMost); err != nil {
		return err
	}
	return p.adjust(w, want, true, atMost)
}

// tooLong is added to the distance of a length that is over what it may be at most: any that is not over is nearer.
const tooLong = 1 << 40

// offBy is how far a length is from what was asked for, of which off is left.
func offBy(off int64, atMost bool) int64 {
	if atMost && off < 0 {
		return tooLong - off
	}
	return abs(off)
}

// adjust changes single steps, rests or all others, as long as that brings the length nearer to want.
func (p *candidate) adjust(w *work, want int64, rests, atMost bool) error {
	for {
		if err := p.spend(w); err != nil {
			return err
		}
		off := want - p.length()
		best, bestUnits, left := -1, 0, offBy(off, atMost)
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
			if d := offBy(off-(a.total(units)-a.total(a.units)), atMost); d < left {
				best, bestUnits, left = i, units, d
			}
		}
		if best < 0 {
			return nil
		}
		p.adjustables[best].units = bestUnits
	}
}

// setCost rates the candidate: by far the most for its distance from want, then for how unevenly it stretches the
// routine. ownLength is that of the score as written.
func (p *candidate) setCost(groups []*Step, want, ownLength int64, atMost bool) {
	if off := offBy(want-p.length(), atMost); off > fitTolerance {
		p.cost = 100 * (float64(off) / Rate)
	}
	for _, a := range p.adjustables {
		if !a.isRest {
			p.cost += math.Abs(math.Log(float64(a.units) / float64(a.ownUnits) * float64(ownLength) / float64(want)))
		}
	}
	for _, g := range groups {
		p.cost += math.Abs(math.Log(float64(p.rounds[g]) / float64(g.Repeat) * float64(ownLength) / float64(want)))
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
