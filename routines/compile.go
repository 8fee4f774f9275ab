package routines

import (
	"context"
	"fmt"
	"sort"
	"strings"
)

// Extent is the length of a clip and its beat: the sample at which a listener perceives the word to occur, its
// P-centre.
type Extent struct{ Len, Beat int }

// Measure returns the extent of a clip; false when no voice has it. It must return the same for the same clip.
type Measure func(Clip) (Extent, bool)

// Silences, and the limits of a score.
const (
	silenceAfterWords = Rate           // after a step that only speaks
	phraseGap         = Rate * 4 / 100 // at least, between two phrases
	soundToWords      = Rate           // from the start of a step's sound to its words
	maxBeat           = Rate * 3 / 10  // the beat of a first word is never later in its clip
	minLead           = Rate * 4 / 10  // at least, before the first beat of a count: maxBeat and a little silence
	maxCues           = 20_000
	maxMarks          = 5 * maxCues
)

// Compile turns a routine into a score. It is pure: no file, no clock, no state. The error says which option is
// invalid, that the length asked for cannot be reached, or that the score would be longer than four hours.
func Compile(ctx context.Context, r *Routine, measure Measure, o Options) (*Score, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	fitted, err := fitToLength(r, measure, o)
	if err != nil {
		return nil, err
	}
	c, err := compile(r, measure, o, fitted)
	if err != nil {
		return nil, err
	}
	return c.score, nil
}

// Clips lists every clip that any score of the routine may have, whatever the options: full and short texts, names,
// counts and sounds.
func Clips(r *Routine) ([]Clip, error) {
	seen := map[Clip]bool{}
	var clips []Clip
	measure := func(c Clip) (Extent, bool) {
		if !seen[c] {
			seen[c] = true
			clips = append(clips, c)
		}
		return Extent{}, false
	}
	for _, o := range []Options{{}, {NoHolds: true}, {Verbosity: Minimal}} {
		if _, err := Compile(context.Background(), r, measure, o); err != nil {
			return clips, err
		}
	}
	return clips, nil
}

// compiler is the state of one compilation, which writes the score from its first sample to its last: it expands
// groups, rounds, sides and includes into single steps (compile.go), lays each step out (layout.go, count.go) and
// places the speech in it (speech.go).
type compiler struct {
	routine *Routine
	measure Measure
	options Options
	fitted  map[*Step]int // units of the steps that are fitted to the length asked for
	score   *Score

	// Where the compiler stands.
	at         int // the next free sample
	speechEnd  int // where the last speech ends
	stepNumber int // of the current step, from 1
	side       string
	lang       *Lang
	breath     Pattern
	countMode  CountMode
	round      int // of the innermost repeat beyond its first round, from 0; 0: all are in their first

	noteSeen      map[Note]bool
	cautionSpoken map[string]bool

	// For fitToLength.
	flexibleSteps []*Step                     // steps whose length may change, once for each time they were laid out
	lengthOf      map[*Step]func(n int) int64 // their samples for n units

	// For Revise.
	changesUsed int   // the number of changes that no later step can take
	firstSide   bool  // the first of two sides is being written
	extensions  []int // what its steps were extended by, in their order, for the second side
}

// compile compiles a routine with the given number of units for some steps. It returns the compiler with its score.
func compile(r *Routine, measure Measure, o Options, fitted map[*Step]int) (*compiler, error) {
	c := &compiler{
		routine: r, measure: measure, options: o, fitted: fitted,
		score:     &Score{Name: r.Name, Title: r.Title, Bed: o.bed(r.Bed), Quiet: o.Quiet},
		speechEnd: -phraseGap, noteSeen: map[Note]bool{}, cautionSpoken: map[string]bool{}, lengthOf: map[*Step]func(int) int64{},
	}
	if err := c.expandRoutine(r); err != nil {
		return nil, err
	}
	if err := c.checkLimits(0); err != nil {
		return nil, err
	}
	c.score.Len, c.score.Steps = c.at, c.stepNumber
	sort.SliceStable(c.score.Cues, func(i, j int) bool { return c.score.Cues[i].At < c.score.Cues[j].At })
	sort.SliceStable(c.score.Marks, func(i, j int) bool { return c.score.Marks[i].At < c.score.Marks[j].At })
	return c, nil
}

// expandRoutine writes the steps of a routine with its language and defaults.
func (c *compiler) expandRoutine(r *Routine) error {
	lang, breath, count := c.lang, c.breath, c.countMode
	c.lang, c.breath, c.countMode = r.Lang, c.applyHolds(r.Breath), r.Count
	err := c.expandSteps(r.Steps)
	c.lang, c.breath, c.countMode = lang, breath, count
	return err
}

// expandSteps writes steps one after the other, each as often as it repeats.
func (c *compiler) expandSteps(steps []Step) error {
	for i := range steps {
		s := &steps[i]
		outer := c.round
		for n := range c.repeats(s) {
			c.round = max(outer, n)
			if err := c.expandSides(s); err != nil {
				return err
			}
		}
		c.round = outer
	}
	return nil
}

// repeats is the number of rounds of a step.
func (c *compiler) repeats(s *Step) int {
	if s.Kind == Group && s.Fit.Max > 0 {
		return c.units(s)
	}
	return s.Repeat
}

// expandSides writes one round of a step: once, or once for each side with the time to change sides between them.
func (c *compiler) expandSides(s *Step) error {
	if len(s.Sides) == 0 {
		return c.expandStep(s, true)
	}
	if c.side == "" {
		c.speakCautions(s) // before the first side, so that both have the same length
	}
	c.extensions = nil
	outer := c.side
	for i, side := range s.Sides {
		switch {
		case i > 0:
			c.layOutSwitch(s, side, c.lang.Sides.Switch, s.Switch)
		case c.brevity() == 2: // the step's name alone does not say the side
			c.layOutSwitch(s, side, c.lang.announceSide(side), silenceAfterWords)
		}
		c.side, c.firstSide = side, i == 0
		if err := c.expandStep(s, i == 0); err != nil {
			return err
		}
	}
	c.side = outer
	return nil
}

// expandStep writes a step once, for the current side. On the second side numbered is false: the step keeps its number.
func (c *compiler) expandStep(s *Step, numbered bool) error {
	switch s.Kind {
	case Include:
		return c.expandRoutine(s.Routine)
	case Group:
		return c.expandSteps(s.Steps)
	}
	if c.side == "" {
		c.speakCaution(s)
	}
	if s.Kind == Say && s.For.Samples == 0 && s.Sound == "" && len(c.stepTexts(s)) == 0 {
		return nil // no text at this verbosity
	}
	if numbered {
		c.stepNumber++
	}
	if err := c.checkLimits(c.minPhrases(s)); err != nil {
		return err
	}
	start, mark := c.at, c.addMark(Mark{Kind: StepMark, At: c.at, Name: c.fillSides(s.Name, c.side)})
	c.layOutStep(s)
	c.score.Marks[mark].Len = c.at - start
	return nil
}

// checkLimits is the error when the score is too long, or would be with the given number of further cues.
func (c *compiler) checkLimits(more int) error {
	if c.at > maxLength || len(c.score.Cues)+more > maxCues || len(c.score.Marks) > maxMarks || c.stepNumber > maxCues {
		return fmt.Errorf("%s is too long: more than four hours or %d cues; repeat less", c.routine.Name, maxCues)
	}
	return nil
}

// minPhrases is the least number of phrases or sounds that a step will have.
func (c *compiler) minPhrases(s *Step) int {
	switch {
	case s.Pattern == nil || c.countModeOf(s) == Silent:
		return 0
	case s.Kind == Reps:
		return c.units(s)
	}
	return c.units(s) * len(s.Pattern.phases(breathPhases))
}

// advance moves on by n samples. Beyond maxLength it stops, and checkLimits refuses the score.
func (c *compiler) advance(n int) {
	c.at = min(c.at+n, maxLength+1)
}

// extent measures a clip. An extent that makes no sense counts as no clip; the beat is limited to the clip and to
// maxBeat.
func (c *compiler) extent(clip Clip) (Extent, bool) {
	e, has := c.measure(clip)
	if !has || e.Len < 0 || e.Len > maxLength {
		return Extent{}, false
	}
	e.Beat = max(0, min(e.Beat, maxBeat, e.Len))
	return e, true
}

// addMark adds a mark of the current step and side, and returns its index.
func (c *compiler) addMark(m Mark) int {
	m.Step, m.Side = c.stepNumber, c.side
	if m.Kind != SwitchMark && m.From == 0 {
		m.From = m.At
	}
	c.score.Marks = append(c.score.Marks, m)
	return len(c.score.Marks) - 1
}

// addNote adds a note unless the score has the same one.
func (c *compiler) addNote(s *Step, format string, args ...any) {
	n := Note{s.Line, s.Name, fmt.Sprintf(format, args...)}
	if !c.noteSeen[n] {
		c.noteSeen[n] = true
		c.score.Notes = append(c.score.Notes, n)
	}
}

// applyHolds is a breath with its holds, or without them where the listener asked for that.
func (c *compiler) applyHolds(p Pattern) Pattern {
	if c.options.NoHolds {
		return p.withoutHolds()
	}
	return p
}

// units is the number of units (see Step.units) that the step has in this score: as fitted to the length asked for,
// else as written.
func (c *compiler) units(s *Step) int {
	if n, fitted := c.fitted[s]; fitted {
		return n
	}
	if s.Pattern == nil || s.Kind == Reps || s.For.Breaths > 0 {
		return s.units(c.breath)
	}
	return c.rampOf(s).nearestCount(s.For.Samples)
}

// fillSides replaces {side} and {other} in a text.
func (c *compiler) fillSides(text, side string) string {
	other := "left"
	if side == "left" {
		other = "right"
	}
	return strings.NewReplacer("{side}", c.lang.sideWord(side), "{other}", c.lang.sideWord(other)).Replace(text)
}
