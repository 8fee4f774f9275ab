package routines

import "math"

// cycle is one breath or rep where it is laid out, from the start of its step's body.
type cycle struct {
	Pattern
	at    int
	count int // how long a count lasts
}

// rampOf is how the breaths of a step go: their pattern, and what they settle from.
func (c *compiler) rampOf(s *Step) ramp {
	r := ramp{to: *s.Pattern}
	if s.Kind != Reps {
		r.to = c.applyHolds(r.to)
	}
	if s.From == nil {
		return r
	}
	r.from = c.applyHolds(*s.From)
	r.wholeSeconds = c.countModeOf(s) == Spoken && r.from.isWholeSeconds() && r.to.isWholeSeconds()
	switch {
	case s.Over.Breaths > 0:
		r.breaths = s.Over.Breaths
	case s.Over.Samples > 0:
		r.breaths = max(1, int(math.Round(2*float64(s.Over.Samples)/float64(r.from.Len()+r.to.Len()))))
	case s.For.Breaths > 0:
		r.breaths = s.For.Breaths / 2
	default:
		r.breaths = int(float64(s.For.Samples) / float64(r.from.Len()+r.to.Len())) // half of the time
	}
	return r
}

// applyHolds is a breath as the listener asked for: with its holds, or without.
func (c *compiler) applyHolds(p Pattern) Pattern {
	if c.options.NoHolds {
		return p.withoutHolds()
	}
	return p
}

// units is what a step counts: breaths, repeats, reps or samples; as written, or as a length asked for needs it.
func (c *compiler) units(s *Step) int {
	if n, fitted := c.fitted[s]; fitted {
		return n
	}
	if s.Pattern == nil || s.Kind == Reps || s.For.Breaths > 0 {
		return s.units(c.breath)
	}
	return c.rampOf(s).nearestCount(s.For.Samples)
}

// timeCycles lays out a step's breaths or reps, and how long all of them were known to be, change by change.
func (c *compiler) timeCycles(s *Step) (turns []cycle, lengths []int) {
	n := c.units(s) + c.firstSideExtension()
	r := c.rampOf(s)
	for known := range len(c.options.Changes) + 1 {
		changes := c.options.Changes[:known]
		turns = turns[:0]
		at, used, more := 0, c.changesUsed, 0
		for i := 0; ; i++ {
			for ; i == n+more && used < known && changes[used].At < c.at+at-minLead; used++ {
				more += inCycles(changes[used].Extend, r.to)
			}
			if i >= n+more {
				break
			}
			pace := 1.0
			for _, change := range changes {
				if change.Pace > 0 && change.At <= c.at+at-minLead {
					pace *= change.Pace
				}
			}
			b := cycle{r.pattern(i).scaled(pace), at, int(math.Round(Rate * pace))}
			turns = append(turns, b)
			at += b.Len()
		}
		lengths = append(lengths, at)
		if known == len(c.options.Changes) {
			c.useChanges(used, more)
		}
	}
	c.addFlexible(s, r.length)
	return turns, lengths
}

// inCycles is an extension in breaths or reps: whole ones, at least one.
func inCycles(a Amount, p Pattern) int {
	switch {
	case a.Breaths > 0:
		return a.Breaths
	case a.Samples > 0:
		return max(1, int(math.Round(float64(a.Samples)/float64(p.Len()))))
	}
	return 0
}
