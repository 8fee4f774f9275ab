package routines

import (
	"fmt"
	"math"
	"time"
)

// LengthError is why a routine cannot last as long as asked for, and how long it can. The lengths are those of the whole
// routine, without the time spent waiting for the listener.
type LengthError struct {
	Routine           string // its name
	Shortest, Longest time.Duration
	Rigid             bool // nothing in it can be stretched: both are its own length
	text              string
}

func (e *LengthError) Error() string { return e.text }

// rigid is the error of a routine of n samples in which nothing can be stretched.
func rigid(name string, n int64) error {
	own := Duration(int(n))
	return &LengthError{name, own, own, true, fmt.Sprintf("%s has nothing that could be stretched; start it without a length", name)}
}

// outOfRange is the error of a length that is shorter than the shortest or longer than the longest, in samples.
func outOfRange(name string, shortest, longest int64) error {
	return lengthError(name, shortest, longest, fmt.Sprintf("%s lasts at least %v and at most %v; ask for a length between", name, rounded(shortest), rounded(longest)))
}

// wholeRounds is the error of a length that lies between those that are possible.
func wholeRounds(name string, want, nearest, shortest, longest int64) error {
	return lengthError(name, shortest, longest, fmt.Sprintf("%s cannot last %v, as it is made of whole rounds; the nearest is %v", name, rounded(want), rounded(nearest)))
}

func lengthError(name string, shortest, longest int64, text string) error {
	return &LengthError{name, Duration(int(shortest)), Duration(int(longest)), false, text}
}

// rounded is a length to the nearest second.
func rounded(samples int64) time.Duration {
	return time.Duration(math.Round(float64(samples)/Rate)) * time.Second
}
