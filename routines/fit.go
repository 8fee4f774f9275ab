package routines

import (
	"fmt"
	"math"
	"time"
)

// fit finds how many breaths the longest breathing step needs so that the whole lasts the samples asked for, to half
// a breath.
func (l *layout) fit(want int) (map[*Step]int, error) {
	turns := map[*Step]int{}
	var longest *Step
	most := 0
	for _, s := range l.paced {
		turns[s]++
		if n := turns[s] * l.breathCount(s) * s.Pattern.Len(); s.Kind == Breathe && n > most {
			longest, most = s, n
		}
	}
	if longest == nil {
		return nil, fmt.Errorf("%s has no breathing step that could be stretched; start it without a length", l.routine.Name)
	}
	turn := turns[longest] * longest.Pattern.Len()
	rest := l.score.Len - l.breathCount(longest)*turn
	n := int(math.Round(float64(want-rest) / float64(turn)))
	if n < 1 {
		return nil, fmt.Errorf("%s lasts at least %v; ask for that or more", l.routine.Name, Duration(rest+turn).Round(time.Second))
	}
	return map[*Step]int{longest: n}, nil
}
