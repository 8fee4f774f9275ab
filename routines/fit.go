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
