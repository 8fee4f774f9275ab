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
