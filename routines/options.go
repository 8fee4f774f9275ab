package routines

import (
	"fmt"
	"slices"
	"time"
)

// Options is what may be asked for when a routine is started. The zero Options compiles it as written.
type Options struct {
	For         time.Duration // the length of the whole; 0: as written
	AtMost      bool          // nothing lasts longer than For, where it would be as near to it a little later
	FadeIn      time.Duration // from the start, see Fade; 0: none
	FadeOut     time.Duration // to the end, see Fade; 0: none
	Verbosity   Verbosity     // empty: Full
	NoHolds     bool          // leave out breath holds
	Bed         string        // one of BedNames, a sound file or NoBed; empty: the routine's
	Quiet       bool          // the quiet profile of the night, noted in the score
	Interactive bool          // holds until next wait for the listener; else they last half a minute
	Changes     []Change      // asked for while it played, in the order of At
}

// Verbosity is how much is spoken.
type Verbosity string

// The verbosities.
const (
	Full    Verbosity = "full"    // everything as written
	Short   Verbosity = "short"   // the short texts
	Minimal Verbosity = "minimal" // names of steps, and counts
)

// Change is one change that the listener asked for when the score had been heard up to At. Every sample before At stays
// as it was.
type Change struct {
	At     int
	Pace   float64 // factor on the length of every breath and rep that begins at At or later: 1.05 is slower; 0: none
	Extend Length  // more time, breaths or reps for the step that is going on at At
}

// Verbosities lists the verbosities, from the most to the least.
func Verbosities() []string { return []string{string(Full), string(Short), string(Minimal)} }

// Check returns the first option that is invalid, as an error. Whether a sound file for the bed exists is not checked
// here.
func (o Options) Check() error {
	switch {
	case o.For < 0:
		return fmt.Errorf("for: %v: a length cannot be negative", o.For)
	case o.For > Duration(maxLength):
		return fmt.Errorf("%v is longer than four hours; ask for less", o.For)
	case o.FadeIn < 0 || o.FadeIn > Duration(maxLength):
		return fmt.Errorf("fade_in: %v is no time up to four hours", o.FadeIn)
	case o.FadeOut < 0 || o.FadeOut > Duration(maxLength):
		return fmt.Errorf("fade_out: %v is no time up to four hours", o.FadeOut)
	case o.Verbosity != "" && !slices.Contains(Verbosities(), string(o.Verbosity)):
		return fmt.Errorf("verbosity: %q is not known; %s", o.Verbosity, DidYouMean(string(o.Verbosity), Verbosities()))
	case o.Bed != "" && o.Bed != NoBed && !slices.Contains(BedNames(), o.Bed) && (!isSoundFile(o.Bed) || leavesFolder(o.Bed)):
		return fmt.Errorf("bed: %q is not known; %s", o.Bed, DidYouMean(o.Bed, append(BedNames(), NoBed)))
	}
	return nil
}

// NoBed is the value of Options.Bed for silence under the routine.
const NoBed = "none"

// bed is the bed of a routine whose own is given.
func (o Options) bed(own Bed) Bed {
	switch o.Bed {
	case "":
		return own
	case NoBed:
		return Bed{}
	}
	return Bed{o.Bed, own.Swell}
}
