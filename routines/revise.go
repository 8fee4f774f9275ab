package routines

import (
	"context"
	"errors"
)

// A change is tried at its own time and then every reviseStep later.
const (
	reviseStep  = Rate / 2
	reviseTries = 20
)

// ErrTooLate is returned for a change that no step ahead can take.
var ErrTooLate = errors.New("this step is almost over; ask again in the next one")

// Revise compiles a routine that is being heard with one more change. Nothing before the change differs from heard. If
// it would at c.At, because a phrase is being spoken there, the change moves on, by ten seconds at most. It is also never
// earlier than the last change. The options returned are those of the new score. heard is a score of the same routine
// with the same options: what was fitted to a length for it is kept, so that a change costs one layout. Errors are those
// of Compile, and ErrTooLate.
func Revise(ctx context.Context, r *Routine, measure Measure, o Options, heard *Score, c Change) (*Score, Options, error) {
	w := newWork(ctx, measure)
	w.cues, w.marks = len(heard.Cues)+len(heard.Cues)/16, len(heard.Marks)+len(heard.Marks)/16
	plan := heard.plan
	if !plan.suits(r, o) {
		var err error
		if plan, err = fitToLength(w, r, o); err != nil {
			return nil, o, err
		}
	}
	step := heard.StepAt(c.At)
	asked, begun := o.Changes, w.done
	if n := len(asked); n > 0 {
		c.At = max(c.At, asked[n-1].At)
	}
	for try := range reviseTries {
		if c.At >= heard.Len || c.Pace == 0 && heard.StepAt(c.At) != step || try > 0 && w.done-begun > maxReviseWork {
			break
		}
		o.Changes = append(asked[:len(asked):len(asked)], c)
		revised, err := layOut(w, r, o, plan.units, maxLayoutWork)
		if err == nil {
			err = revised.checkNotEmpty()
		}
		if err != nil {
			return nil, o, err
		}
		if s := revised.score; s.EqualBefore(heard, c.At) {
			if s.Len == heard.Len && c.Pace == 0 {
				break
			}
			s.plan = plan
			s.Fade = heard.Fade.revised(s.Fade, c.At, s.Len)
			return s, o, nil
		}
		c.At += reviseStep
	}
	return nil, o, ErrTooLate
}

// bodyLengths is how long a body in time is: before all changes, and after each of them. The last one is its length in
// this score. A position that depends on the length was heard by the length known then: see offsetWhenHeard.
func (c *compiler) bodyLengths(s *Step) []int {
	length := func(n int) int64 { return int64(n) }
	if s.For.Breaths > 0 {
		breath := int64(c.breath.Len())
		length = func(n int) int64 { return int64(n) * breath }
	}
	n := limited(length(c.units(s)) + int64(c.firstSideExtension()))
	lengths := []int{n}
	used, more := c.changesUsed, 0
	for i, change := range c.options.Changes {
		if i == used && change.At < c.at+n+more-minLead {
			used++
			more = limited(int64(more) + c.extension(change.Extend))
		}
		lengths = append(lengths, limited(int64(n)+int64(more)))
	}
	c.useChanges(used, more)
	c.addFlexible(s, length)
	return lengths
}

// extendedSilence is a silence of n samples after words, with what it is extended by.
func (c *compiler) extendedSilence(n int) int {
	n = limited(int64(n) + int64(c.firstSideExtension()))
	used, more := c.changesUsed, 0
	for used < len(c.options.Changes) && c.options.Changes[used].At < c.at+n+more-minLead {
		more = limited(int64(more) + c.extension(c.options.Changes[used].Extend))
		used++
	}
	c.useChanges(used, more)
	return limited(int64(n) + int64(more))
}

// extension is an extension in samples.
func (c *compiler) extension(a Length) int64 {
	return int64(a.Samples) + int64(a.Breaths)*int64(c.breath.Len())
}

// useChanges records that the changes before used are consumed, and what the step on the first side was extended by.
func (c *compiler) useChanges(used, more int) {
	c.changesUsed = used
	if c.firstSide {
		c.extensions = append(c.extensions, more)
	}
}

// firstSideExtension is what the step was extended by on the first side, for the second; else 0.
func (c *compiler) firstSideExtension() int {
	if c.firstSide || len(c.extensions) == 0 {
		return 0
	}
	n := c.extensions[0]
	c.extensions = c.extensions[1:]
	return n
}

// offsetWhenHeard is the offset of something in a body whose length changed while it was heard, and the length known
// then. at is its offset in a body of n samples. lengths is that of bodyLengths.
func (c *compiler) offsetWhenHeard(lengths []int, at func(n int) (int, bool)) (offset, length int, inside bool) {
	length = lengths[0]
	offset, inside = at(length)
	for i, change := range c.options.Changes {
		if inside && c.at+offset-maxBeat < change.At {
			break // heard before this change and all later ones
		}
		length = lengths[i+1]
		if offset, inside = at(length); inside {
			offset = max(offset, change.At+maxBeat-c.at)
		}
	}
	return offset, length, inside
}
