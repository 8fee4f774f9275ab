package routines

import (
	"fmt"
	"time"
)

// Options is what may be asked of a routine when it is started.
type Options struct {
	For       time.Duration // the whole length asked for; 0: its own
	Verbosity Verbosity     // empty: full
	NoHolds   bool          // breaths without their holds
	Bed       string        // in place of the routine's: one of BedNames, a sound file, or "none"
	Quiet     bool          // the quiet profile of the night
	Waits     bool          // a hold until next waits for the listener; else it lasts its stand-in of half a minute
	Changes   []Change      // what the listener asked for while it played, in the order of At
}

// Verbosity is how much is said.
type Verbosity string

// The verbosities: everything as written; the short texts; the names of the steps, and the counts.
const (
	Full    Verbosity = "full"
	Short   Verbosity = "short"
	Minimal Verbosity = "minimal"
)

// Change is what the listener asked for when the score had been heard up to At. What lies before At stays as it is to
// the sample.
type Change struct {
	At     int
	Pace   float64 // a factor on the length of every breath and rep that begins from At on: 1.05 is slower; 0: none
	Extend Amount  // more time, or breaths or reps, for the step that is going on at At
}

// Verbosities lists them, from the most to the least.
func Verbosities() []string { return []string{string(Full), string(Short), string(Minimal)} }

// Check tells what in the options cannot be; nil when they are right. A file as a bed is looked for by who plays it.
func (o Options) Check() error {
	switch {
	case o.For < 0:
		return fmt.Errorf("for: %v: a length cannot be negative", o.For)
	case o.For > Duration(maxLength):
		return fmt.Errorf("%v is longer than four hours; ask for less", o.For)
	case o.Verbosity != "" && !contains(Verbosities(), string(o.Verbosity)):
		return fmt.Errorf("verbosity: %q is not known; %s", o.Verbosity, didYouMean(string(o.Verbosity), Verbosities()))
	case o.Bed != "" && o.Bed != NoBed && !contains(BedNames(), o.Bed) && (!isSoundFile(o.Bed) || leavesFolder(o.Bed)):
		return fmt.Errorf("bed: %q is not known; %s", o.Bed, didYouMean(o.Bed, append(BedNames(), NoBed)))
	}
	return nil
}

// NoBed is what to ask for to hear a routine without its bed.
const NoBed = "none"

// bed is what sounds under a routine when this was asked.
func (o Options) bed(own Bed) Bed {
	switch o.Bed {
	case "":
		return own
	case NoBed:
		return Bed{}
	}
	return Bed{o.Bed, own.Swell}
}
