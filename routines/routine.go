// Package routines turns a routine file into a score: TOML in, a checked [Routine], sample-exact times out.
//
// A [Score] is a whole session as data: every [Cue] (a clip of speech, a tone, a sound file) at an exact sample, and
// every [Mark] (the start of a step, breath, phase or count) that observers and the transport need. Nothing in it is
// decided while it plays.
//
// The law of the package: compiling is pure. It reads no file and no clock and starts no goroutine; the same routine,
// clip lengths and options give the same score on every machine. The lengths of spoken texts come in as a function,
// [Measure], so that a score needs no voice. Times are int samples at [Rate]; products of samples are computed in int64,
// because an int may have 32 bits.
//
// Begin reading at [Parse] (parse.go), which reads one file and reports every problem in it with file, line, step and
// hint; then [Compile] (compile.go), which lays the steps out (layout.go, count.go, speech.go); then [Score] (score.go).
// [Library] finds and loads routines by name. README.md describes the format; tests compare it with this code.
package routines

import "math"

// StepKind is what a step does.
type StepKind string

// The kinds of a step. A Say or Sound step lasts as long as its words or sound, or as long as its `for`.
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

// CountMode is how breaths and reps are counted aloud.
type CountMode string

// The count modes.
const (
	Spoken CountMode = "spoken" // the words of the phases, and numbers
	Tones  CountMode = "tones"  // a tone for each phase, a tick for each count
	Swells CountMode = "swells" // a sound that rises and falls with each phase
	Words  CountMode = "words"  // the words of the phases
	Silent CountMode = "silent" // nothing
)

// Routine is one checked file. It has no times yet: Compile gives it those.
type Routine struct {
	Name     string // the file's name without .toml
	Title    string // as it is spoken
	About    string
	Lang     *Lang
	Breath   Pattern   // one breath of a hold counted in breaths
	Count    CountMode // for steps without a count of their own
	Bed      Bed
	Metadata Metadata
	Steps    []Step
}

// Metadata is what people choose a routine by: shown and searched, never spoken.
type Metadata struct {
	Tags      []string `json:"tags,omitempty"`
	Equipment []string `json:"equipment,omitempty"`
	Position  []string `json:"position,omitempty"` // each one of Positions
	Level     string   `json:"level,omitempty"`    // one of Levels
	Cautions  []string `json:"cautions,omitempty"` // sentences: who should not do it, or ask a doctor first
}

// Step is one checked step. All times are samples.
type Step struct {
	Line int // line in the file, from 1
	Kind StepKind
	Name string // as states and timelines show it

	Say, Short   string  // the full text, and a shorter one for a small slot or a lower verbosity
	Caution      string  // spoken once in a session, before the first step that has it
	WithoutHolds *string // replaces Say when breath holds are left out; nil: Say is kept
	Sound        string  // a tone's name or a sound file, at the step's start

	Wait      bool     // hold: until the listener says next
	Pattern   *Pattern // the breath (breathe, paced hold) or the tempo (reps); else nil
	For       Length   // the length; zero in a say or sound step that lasts as long as its clip
	From      *Pattern // breathe: the pattern of the first breath; nil: Pattern
	Over      Length   // breathe: how long the change from From to Pattern takes; zero: half of the step
	Fit       Range    // what the step may become when a length is asked for
	Reps      int
	Words     map[string]string // by phase, in place of the language's words
	Teach     map[string]string // by phase, in place of word and counts, in the first breaths
	TeachFor  int               // in how many breaths
	Count     CountMode         // empty: Routine.Count
	Prepare   int               // silence after the words, before the first breath, rep or second of a hold
	Countdown int               // how many of the last seconds are counted down
	Cues      []StepCue

	Repeat int      // at least 1
	Sides  []string // "left" and "right" in the order they are done; empty: no sides
	Switch int      // the time to change sides

	Routine *Routine // Include: the included routine
	Steps   []Step   // Group: its steps

	named    bool // Name was written in the file, not made from the words
	location location
}

// Range is the smallest and the largest number of units (see Step.units) that a step may have when a length is asked
// for. The zero Range means that the file gives none.
type Range struct{ Min, Max int }

// StepCue is a text or a sound inside a step.
type StepCue struct {
	At         Offset
	Say, Short string
	Sound      string

	location location
}

// FromText is a routine of one step that says a text.
func FromText(text string) *Routine {
	lang, _ := loadLang(defaultLang) // embedded, cannot fail
	breath, _ := parsePattern(defaultBreath)
	return &Routine{
		Name: "message", Title: "Message", Lang: lang, Breath: breath, Count: defaultCountMode,
		Steps: []Step{{Kind: Say, Name: "Message", Say: text, Repeat: 1}},
	}
}

// units is the number of units the step has as written. The unit depends on the kind of step: a round of a group, a
// rep, a breath, or a sample where the step lasts a time. breath is the routine's, for a hold counted in breaths.
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

// bodyLength is the length in samples of the step without its words; 0 where it is unknown or depends on a voice. It
// never exceeds 2*maxLength: a number of breaths times their length may overflow an int of 32 bits.
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
	return int(min(int64(turns)*turn, 2*int64(maxLength)))
}

// wholeBreaths is the number of breaths of a step with a pattern: as written, or the nearest to its time, at least one.
func (s *Step) wholeBreaths() int {
	if s.For.Breaths > 0 {
		return s.For.Breaths
	}
	return max(1, int(math.Round(float64(s.For.Samples)/float64(s.Pattern.Len()))))
}
