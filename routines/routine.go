// Package routines knows what a routine says and when: TOML in, checked routine, sample-exact score out.
//
// A [Routine] is one file, read by [Parse] or found by name in a [Library]; every problem in it is told at once,
// with file, line, step and hint. [Compile] lays it out into a [Score]: every cue at an exact sample, known before
// the first sound. Compile is pure; the lengths of spoken texts come in as a function, so a timeline needs no voice.
//
// The format is described in README.md beside this file, and a test holds that page against this code.
package routines

import "math"

// StepKind is what a step does.
type StepKind string

// The kinds of a step. Say and Sound steps last as long as they sound, or as long as their `for`.
const (
	Say     StepKind = "say"
	Sound   StepKind = "sound"
	Breathe StepKind = "breathe"
	Hold    StepKind = "hold"
	Rest    StepKind = "rest"
	Reps    StepKind = "reps"
	Include StepKind = "routine"
	Group   StepKind = "step"
)

// CountMode is how a breath or rep is counted aloud.
type CountMode string

// The count modes: words and numbers; tones and ticks; a sound that rises and falls with the breath; the phase words
// alone; nothing.
const (
	Spoken CountMode = "spoken"
	Tones  CountMode = "tones"
	Swells CountMode = "swells"
	Words  CountMode = "words"
	Silent CountMode = "silent"
)

// Routine is one file, checked, not yet timed.
type Routine struct {
	Name   string // the file's name without .toml
	Title  string // as it is spoken
	About  string
	Lang   *Lang
	Breath Pattern   // what a hold counted in breaths counts
	Count  CountMode // how breaths are counted where a step does not say
	Bed    Bed
	Facts  Facts
	Steps  []Step
}

// Facts is what people choose a routine by.
type Facts struct {
	Tags      []string `json:"tags,omitempty"`
	Equipment []string `json:"equipment,omitempty"`
	Position  []string `json:"position,omitempty"` // of Positions
	Level     string   `json:"level,omitempty"`    // of Levels
	Cautions  []string `json:"cautions,omitempty"` // who should leave it, or ask a doctor first: sentences
}

// Step is one checked step. Times are samples.
type Step struct {
	Line int // where it begins in its file
	Kind StepKind
	Name string // what it is called in states and timelines

	Say, Short   string  // the full text, and the one for a slot too small for it and for who wants less
	Caution      string  // said once in a session, before the first step that has it
	WithoutHolds *string // the text in place of Say when holds are left out
	Sound        string  // a tone's name or a sound file, at the step's start

	Wait      bool     // hold: until the listener goes on
	Pattern   *Pattern // of the breath (breathe, hold with a pacer) or the tempo (reps)
	For       Amount   // breathe: how long; hold, rest: their length; say, sound: fixed length or zero
	From      *Pattern // breathe: what the breath settles from
	Over      Amount   // and in which time; nothing: half of the step
	Fit       Range    // how far the step may be changed for a length asked for
	Reps      int
	Words     map[string]string // phase words in place of the language's
	Teach     map[string]string // instructions in place of phase words and counts in the first rounds
	TeachFor  int               // for how many rounds
	Count     CountMode         // empty: the routine's
	Prepare   int               // silence between the words and the first breath, rep or second of a hold
	Countdown int               // number words on the last seconds
	Cues      []StepCue

	Repeat int      // at least 1
	Sides  []string // "left" and "right" in their order; empty: no sides
	Switch int      // the window between the sides

	Routine *Routine // Include: what is included
	Steps   []Step   // Group

	named    bool // Name is what the author wrote
	location location
}

// Range is the least and the most of what a step counts: breaths, repeats of a group, reps, or samples. Zero: not told.
type Range struct{ Min, Max int }

// StepCue is something said or sounded inside a step.
type StepCue struct {
	At         Offset
	Say, Short string
	Sound      string

	location location
}

// Message is a routine that says a text and nothing else: something that the house wants said.
func Message(text string) *Routine {
	lang, _ := loadLang(defaultLang) // it is inside the program
	breath, _ := parsePattern(defaultBreath)
	return &Routine{
		Name: "message", Title: "Message", Lang: lang, Breath: breath, Count: defaultCountMode,
		Steps: []Step{{Kind: Say, Name: "Message", Say: text, Repeat: 1}},
	}
}

// units is what the step counts, as it is written: breaths, repeats, reps or samples.
func (s *Step) units(breath Pattern) int {
	switch {
	case s.Kind == Group:
		return s.Repeat
	case s.Kind == Reps:
		return s.Reps
	case s.Pattern != nil:
		return s.wholeBreaths()
	case s.For.Breaths > 0:
		return s.For.Breaths
	}
	return s.For.Samples
}

// bodyLength is how long the step's body lasts; 0 when that is not known, or as long as its words or sound.
func (s *Step) bodyLength(breath Pattern) int {
	turns, turn := 1, int64(s.For.Samples)
	switch {
	case s.Kind == Reps && s.Pattern != nil:
		turns, turn = s.Reps, int64(s.Pattern.Len())
	case s.For.Samples == 0 && s.For.Breaths == 0:
	case s.Pattern != nil:
		turns, turn = s.wholeBreaths(), int64(s.Pattern.Len())
	case s.For.Breaths > 0:
		turns, turn = s.For.Breaths, int64(breath.Len())
	}
	return int(min(int64(turns)*turn, 2*int64(maxLength))) // an int of 32 bits cannot hold every number of breaths
}

// wholeBreaths is how many whole breaths a step has: as asked, or the nearest to its time, at least one.
func (s *Step) wholeBreaths() int {
	if s.For.Breaths > 0 {
		return s.For.Breaths
	}
	return max(1, int(math.Round(float64(s.For.Samples)/float64(s.Pattern.Len()))))
}
