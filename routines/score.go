package routines

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// Rate is the one rate of the program, in samples a second. Every int of a score is samples at this rate.
const Rate = 48_000

// Clip names a sound: a text to be spoken, or a tone or sound file. Say or Sound is set.
type Clip struct {
	Say   string // the words
	Sound string // the name of a synthesised tone, or a file beside the routine
	Len   int    // of a swell, which is made as long as the phase it goes with
}

// Bed is what sounds under a whole session.
type Bed struct {
	Sound string // one of BedNames, or a sound file beside the routine; empty: none
	Swell bool   // it rises and falls with the breath
}

// Cue is one clip at one exact sample.
type Cue struct {
	At   int // its first sample
	Len  int // its length
	Clip Clip
}

// MarkKind is what begins at a mark.
type MarkKind string

// The kinds of a mark.
const (
	StepMark   MarkKind = "step"    // a step, or its second side: where next and back land
	SwitchMark MarkKind = "switch"  // the window between two sides
	BreathMark MarkKind = "breath"  // a whole breath
	RepMark    MarkKind = "rep"     // a whole rep
	PhaseMark  MarkKind = "phase"   // in, again, hold, out, wait; move, hold, back, wait
	WaitMark   MarkKind = "waiting" // a hold that lasts until the listener goes on, as long as he is waited for
	CountMark  MarkKind = "count"   // a whole second of a phase after its first, or of a countdown
)

// Mark is a place in the score that observers are told of, or where the transport lands.
type Mark struct {
	Kind MarkKind
	At   int    // where it stands: for breaths, phases and counts the beat of its word
	From int    // where its sound begins: At, or a little earlier
	Len  int    // from At to its end
	Name string // the step's name, the phase
	Step int    // the number of the step it belongs to, from 1
	Side string // left, right or empty
	N    int    // number of the breath, rep or count, from 1
}

// Score is a whole session at exact samples: pure data, equal for equal input.
type Score struct {
	Name  string
	Title string
	Len   int // samples
	Steps int // how many steps; the two sides of a step are one
	Bed   Bed
	Quiet bool   // to be played in the quiet profile of the night
	Cues  []Cue  // sorted by At
	Marks []Mark // sorted by At
	Notes []Note // what could not be spoken as it was written
}

// Note tells that a phrase did not fit its slot or that no voice has it, and what sounds instead.
type Note struct {
	Line int // in the routine's file
	Step string
	What string
}

// Return is where the sound comes back after an interruption at a sample: the start of the breath or rep that was
// going on, the beginning of the phrase, or the sample itself in silence.
func (s *Score) Return(at int) int {
	for {
		back := s.phraseAt(s.breathAt(at)) // a phrase may go on over the start of a breath
		if back == at {
			return at
		}
		at = back
	}
}

// EqualBefore tells that two scores sound the same before a sample.
func (s *Score) EqualBefore(o *Score, before int) bool {
	n := sort.Search(len(s.Cues), func(i int) bool { return s.Cues[i].At >= before })
	m := sort.Search(len(o.Cues), func(i int) bool { return o.Cues[i].At >= before })
	return before <= min(s.Len, o.Len) && slices.Equal(s.Cues[:n], o.Cues[:m])
}

// breathAt is the start of the breath or rep that is going on at a sample, or the sample.
func (s *Score) breathAt(at int) int {
	for i := s.marksBefore(at) - 1; i >= 0; i-- {
		m := s.Marks[i]
		if m.Kind != BreathMark && m.Kind != RepMark || m.From > at {
			continue // no breath, or one that is about to begin
		}
		if at < m.At+m.Len {
			return m.From
		}
		break // breaths do not overlap: an earlier one ended before
	}
	return at
}

// phraseAt is the start of the phrase that is being said at a sample, or the sample.
func (s *Score) phraseAt(at int) int {
	for i := sort.Search(len(s.Cues), func(i int) bool { return s.Cues[i].At > at }) - 1; i >= 0; i-- {
		if c := s.Cues[i]; c.Clip.Say != "" { // speech does not overlap speech: only the last one can be going on
			if at < c.At+c.Len {
				return c.At
			}
			break
		}
	}
	return at
}

// marksBefore counts the marks whose sound may have begun at a sample.
func (s *Score) marksBefore(at int) int {
	return sort.Search(len(s.Marks), func(i int) bool { return s.Marks[i].At-maxBeat > at })
}

// MarksFrom are the marks from a sample on.
func (s *Score) MarksFrom(at int) []Mark {
	return s.Marks[sort.Search(len(s.Marks), func(i int) bool { return s.Marks[i].At >= at }):]
}

// StepAt is the index in Marks of the step that is going on at a sample.
func (s *Score) StepAt(at int) int {
	for i := sort.Search(len(s.Marks), func(i int) bool { return s.Marks[i].At > at }) - 1; i >= 0; i-- {
		if s.Marks[i].Kind == StepMark {
			return i
		}
	}
	return 0
}

// NextStep is the index in Marks of the step mark after mark i, len(Marks) after the last.
func (s *Score) NextStep(i int) int {
	for i++; i < len(s.Marks) && s.Marks[i].Kind != StepMark; i++ {
	}
	return i
}

// PreviousStep is the index in Marks of the step mark before mark i, the first one when there is none.
func (s *Score) PreviousStep(i int) int {
	for j := i - 1; j >= 0; j-- {
		if s.Marks[j].Kind == StepMark {
			return j
		}
	}
	return i
}

// Waits is the wait that is going on at a sample, false for none.
func (s *Score) Waits(at int) (Mark, bool) {
	for _, m := range s.Marks {
		if m.Kind == WaitMark && m.At <= at && at < m.At+m.Len {
			return m, true
		}
	}
	return Mark{}, false
}

// Told is a sample as a listener counts it: what was waited for him is left out.
func (s *Score) Told(at int) int {
	n := at
	for _, m := range s.Marks {
		if m.Kind == WaitMark && m.At < at {
			n -= min(at-m.At, m.Len)
		}
	}
	return n
}

// String is the score as a page: one line a mark or cue, with its sample and its time. Golden files hold it.
func (s *Score) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q: %s, %d samples, %d steps\n", s.Name, s.Title, Clock(s.Len), s.Len, s.Steps)
	c := 0
	for _, m := range append(s.Marks[:len(s.Marks):len(s.Marks)], Mark{At: math.MaxInt}) {
		for ; c < len(s.Cues) && s.Cues[c].At < m.At; c++ {
			cue := s.Cues[c]
			what := fmt.Sprintf("say %q", cue.Clip.Say)
			if cue.Clip.Sound != "" {
				what = "sound " + cue.Clip.Sound
			}
			fmt.Fprintf(&b, "%9d %s       %s (%d)\n", cue.At, Clock(cue.At), what, cue.Len)
		}
		if m.At == math.MaxInt {
			break
		}
		fmt.Fprintf(&b, "%9d %s %s\n", m.At, Clock(m.At), m.text())
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

// Talk is how much is said in a score.
type Talk struct {
	Words          int
	WordsPerMinute float64 // while somebody speaks, with the breaths between his sentences
	Silence        float64 // the part of the whole in which nobody speaks, from 0 to 1
	Longest        int     // samples of the longest silence
}

// Talk counts what is said.
func (s *Score) Talk() Talk {
	var t Talk
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
