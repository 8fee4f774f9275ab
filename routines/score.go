package routines

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// Rate is the sample rate of the whole program, in samples a second. Every int of a score counts samples at this rate.
const Rate = 48_000

// Clip names a sound: either a text to speak (Say), or a tone or sound file (Sound).
type Clip struct {
	Say   string // the text, one sentence
	Sound string // the name of a synthesised tone, or a file beside the routine
	Len   int    // only of a swell, which is synthesised as long as its phase
}

// Bed is the sound under a whole session.
type Bed struct {
	Sound string // one of BedNames, or a sound file beside the routine; empty: none
	Swell bool   // its gain follows the breath
}

// Cue is one clip at one exact sample.
type Cue struct {
	At   int // first sample
	Len  int // length
	Clip Clip
}

// MarkKind is what a mark stands for.
type MarkKind string

// The kinds of a mark.
const (
	StepMark   MarkKind = "step"    // a step, or its second side; next and back seek to it
	SwitchMark MarkKind = "switch"  // the time to change sides
	BreathMark MarkKind = "breath"  // a whole breath
	RepMark    MarkKind = "rep"     // a whole rep
	PhaseMark  MarkKind = "phase"   // in, again, hold, out, wait; move, hold, back, wait
	WaitMark   MarkKind = "waiting" // a hold until the listener says next, at its longest
	CountMark  MarkKind = "count"   // a count of a phase from the second one on, or of a countdown
)

// Mark is a position in the score that observers are notified of, or that the transport seeks to.
type Mark struct {
	Kind MarkKind
	At   int    // its sample: of a breath, rep, phase or count the beat of the word
	From int    // the onset of its sound: At, or up to the clip's beat before it
	Len  int    // samples from At to its end
	Name string // of the step, or of the phase
	Step int    // number of its step, from 1
	Side string // "left", "right" or empty
	N    int    // number of the breath, rep or count, from 1
}

// Score is a whole session at exact samples. It is plain data and never changes once it is compiled. The names of its
// fields, and of those of Cue, Clip, Bed, Mark and Note, are JSON keys of guided show --json.
type Score struct {
	Name  string
	Title string
	Len   int // samples
	Steps int // the number of steps; both sides of one count once
	Bed   Bed
	Quiet bool   // play it in the quiet profile of the night
	Fade  Fade   `json:",omitempty"` // of the whole sound
	Cues  []Cue  // sorted by At
	Marks []Mark // sorted by At
	Notes []Note // what is spoken otherwise than written

	plan  *plan      // what was fitted to the length asked for, for Revise
	index *landmarks // of Cues and Marks; nil: not made by Compile
}

// Note reports that a phrase is spoken otherwise than written, because it does not fit or no voice has it, and what
// sounds instead.
type Note struct {
	Line int // in the routine's file, from 1
	Step string
	What string
}

// EqualBefore reports whether two scores have the same cues before a sample that lies inside both.
func (s *Score) EqualBefore(o *Score, before int) bool {
	n := sort.Search(len(s.Cues), func(i int) bool { return s.Cues[i].At >= before })
	m := sort.Search(len(o.Cues), func(i int) bool { return o.Cues[i].At >= before })
	return before <= min(s.Len, o.Len) && slices.Equal(s.Cues[:n], o.Cues[:m])
}

// Fingerprint is the same text for scores in which every sample means the same: those with the same cues and marks. It
// holds across processes and versions of the program.
func (s *Score) Fingerprint() string {
	var b []byte
	number := func(n int) { b = binary.AppendVarint(b, int64(n)) }
	text := func(t string) { number(len(t)); b = append(b, t...) }
	number(s.Len)
	for _, c := range s.Cues {
		number(c.At)
		number(c.Len)
		text(c.Clip.Say)
		text(c.Clip.Sound)
	}
	for _, m := range s.Marks {
		text(string(m.Kind))
		number(m.At)
		number(m.Len)
		number(m.Step)
		text(m.Name)
		text(m.Side)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// MarksFrom lists the marks at a sample and after it.
func (s *Score) MarksFrom(at int) []Mark {
	return s.Marks[sort.Search(len(s.Marks), func(i int) bool { return s.Marks[i].At >= at }):]
}

// StepAt is the index in Marks of the step that is going on at a sample; 0 before the first one.
func (s *Score) StepAt(at int) int {
	steps := s.landmarks().steps
	if n := s.marksUpTo(steps, at); n > 0 {
		return int(steps[n-1])
	}
	return 0
}

// NextStep is the index in Marks of the first step mark after mark i; len(Marks) when there is none.
func (s *Score) NextStep(i int) int {
	steps := s.landmarks().steps
	if n := sort.Search(len(steps), func(k int) bool { return int(steps[k]) > i }); n < len(steps) {
		return int(steps[n])
	}
	return max(len(s.Marks), i+1)
}

// PreviousStep is the index in Marks of the last step mark before mark i; i when there is none.
func (s *Score) PreviousStep(i int) int {
	steps := s.landmarks().steps
	if n := sort.Search(len(steps), func(k int) bool { return int(steps[k]) >= i }); n > 0 {
		return int(steps[n-1])
	}
	return i
}

// WaitAt is the mark of the hold that waits for the listener at a sample; false when none does.
func (s *Score) WaitAt(at int) (Mark, bool) {
	waits := s.landmarks().waits
	if n := s.marksUpTo(waits, at); n > 0 {
		if m := s.Marks[waits[n-1]]; at < m.At+m.Len {
			return m, true
		}
	}
	return Mark{}, false
}

// Elapsed is a sample without the time spent waiting for the listener before it. Positions and lengths are shown so.
func (s *Score) Elapsed(at int) int {
	l := s.landmarks()
	n := s.marksUpTo(l.waits, at)
	if n == 0 {
		return at
	}
	m := s.Marks[l.waits[n-1]]
	return at - l.waited[n-1] - min(at-m.At, m.Len)
}

// String lists the score, a line for each mark, cue and note. Golden files hold it.
func (s *Score) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q: %s, %d samples, %d steps\n", s.Name, s.Title, Timecode(s.Len), s.Len, s.Steps)
	c := 0
	for _, m := range append(s.Marks[:len(s.Marks):len(s.Marks)], Mark{At: math.MaxInt}) {
		for ; c < len(s.Cues) && s.Cues[c].At < m.At; c++ {
			cue := s.Cues[c]
			what := fmt.Sprintf("say %q", cue.Clip.Say)
			if cue.Clip.Sound != "" {
				what = "sound " + cue.Clip.Sound
			}
			fmt.Fprintf(&b, "%9d %s       %s (%d)\n", cue.At, Timecode(cue.At), what, cue.Len)
		}
		if m.At == math.MaxInt {
			break
		}
		fmt.Fprintf(&b, "%9d %s %s\n", m.At, Timecode(m.At), m.text())
	}
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "note: line %d, %q: %s\n", n.Line, n.Step, n.What)
	}
	return b.String()
}

func (m Mark) text() string {
	side := ""
	if m.Side != "" {
		side = " " + m.Side
	}
	switch m.Kind {
	case StepMark:
		return fmt.Sprintf("step %d %q%s (%d)", m.Step, m.Name, side, m.Len)
	case BreathMark, RepMark:
		return fmt.Sprintf("  %s %d (%d)", m.Kind, m.N, m.Len)
	case CountMark:
		return fmt.Sprintf("    count %d", m.N)
	case SwitchMark:
		return fmt.Sprintf("  switch to%s (%d)", side, m.Len)
	default:
		return fmt.Sprintf("   %s %s%s (%d)", m.Kind, m.Name, side, m.Len)
	}
}

// SpeechStats is how much is spoken in a score.
type SpeechStats struct {
	Words          int
	WordsPerMinute float64 // while the voice speaks, pauses of less than a second included
	Silence        float64 // the part of the score without speech, from 0 to 1
	Longest        int     // samples of the longest silence
}

// SpeechStats counts how much is spoken.
func (s *Score) SpeechStats() SpeechStats {
	var t SpeechStats
	spoken, breaths, end := 0, 0, 0
	for _, c := range s.Cues {
		if c.Clip.Say == "" {
			continue
		}
		t.Words += len(strings.Fields(c.Clip.Say))
		spoken += c.Len
		pause := c.At - end
		if t.Words > len(strings.Fields(c.Clip.Say)) && pause < Rate {
			breaths += pause
		}
		t.Longest = max(t.Longest, pause)
		end = c.At + c.Len
	}
	t.Longest = max(t.Longest, s.Len-end)
	if spoken > 0 {
		t.WordsPerMinute = float64(t.Words) / (inSeconds(spoken+breaths) / 60)
	}
	if s.Len > 0 {
		t.Silence = 1 - inSeconds(spoken)/inSeconds(s.Len)
	}
	return t
}
