package routines

import "errors"

// reviseStep and reviseTries are how a moment for a change is looked for: within ten seconds.
const (
	reviseStep  = Rate / 2
	reviseTries = 20
)

// ErrTooLate is the error of a change that nothing ahead can take any more.
var ErrTooLate = errors.New("this step is almost over; ask again in the next one")

// Revise compiles a routine that is being heard with one more change. The change comes into effect at its moment, or as
// soon after it as leaves what lies before as it was: a phrase that is being said may stand in its way. The options
// returned are those of the new score.
func Revise(r *Routine, measure Measure, o Options, heard *Score, c Change) (*Score, Options, error) {
	step := heard.StepAt(c.At)
	fitted, err := fitToLength(r, measure, o)
	if err != nil {
		return nil, o, err
	}
	asked := o.Changes
	for range reviseTries {
		if c.At >= heard.Len || c.Pace == 0 && heard.StepAt(c.At) != step {
			break
		}
		o.Changes = append(asked[:len(asked):len(asked)], c)
		s, err := compile(r, measure, o, fitted)
		if err != nil {
			return nil, o, err
		}
		if s.EqualBefore(heard, c.At) {
			if s.Len == heard.Len && c.Pace == 0 {
				break
			}
			return s, o, nil
		}
		c.At += reviseStep
	}
	return nil, o, ErrTooLate
}

// bodyLengths is how long a body in time was known to be, change by change; the last one is how long it is.
func (c *compiler) bodyLengths(s *Step) []int {
	length := func(n int) int { return n }
	if s.For.Breaths > 0 {
		breath := c.breath.Len()
		length = func(n int) int { return n * breath }
	}
	n := length(c.units(s)) + c.firstSideExtension()
	lengths := []int{n}
	used, more := c.changesUsed, 0
	for i, change := range c.options.Changes {
		if i == used && change.At < c.at+n+more-minLead {
			used++
			more += c.extension(change.Extend)
		}
		lengths = append(lengths, n+more)
	}
	c.useChanges(used, more)
	c.addFlexible(s, length)
	return lengths
}

// extendedSilence is a silence of n samples after words, or a longer one that was asked for.
func (c *compiler) extendedSilence(n int) int {
	n += c.firstSideExtension()
	used, more := c.changesUsed, 0
	for used < len(c.options.Changes) && c.options.Changes[used].At < c.at+n+more-minLead {
		more += c.extension(c.options.Changes[used].Extend)
		used++
	}
	c.useChanges(used, more)
	return n + more
}

// extension is an extension in samples.
func (c *compiler) extension(a Amount) int { return a.Samples + a.Breaths*c.breath.Len() }

// useChanges notes which changes a step has taken, and keeps for the second side what the first was extended by.
func (c *compiler) useChanges(used, more int) {
	c.changesUsed = used
	if c.firstSide {
		c.extensions = append(c.extensions, more)
	}
}

// firstSideExtension is what a step on the second side is extended by because it was on the first.
func (c *compiler) firstSideExtension() int {
	if c.firstSide || len(c.extensions) == 0 {
		return 0
	}
	n := c.extensions[0]
	c.extensions = c.extensions[1:]
	return n
}

// offsetWhenHeard is where something stands in a body whose length changed while it was heard, and how long the body was known
// to be then: at tells its place in a body of a length.
func (c *compiler) offsetWhenHeard(lengths []int, at func(n int) (int, bool)) (place, length int, inside bool) {
	length = lengths[0]
	place, inside = at(length)
	for i, change := range c.options.Changes {
		if inside && c.at+place-maxBeat < change.At {
			break // it was heard before this change and all later ones
		}
		length = lengths[i+1]
		if place, inside = at(length); inside {
			place = max(place, change.At+maxBeat-c.at)
		}
	}
	return place, length, inside
}
