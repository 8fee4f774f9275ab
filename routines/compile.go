package routines

import (
	"fmt"
	"sort"
	"strings"
)

// Extent is the length of a clip and its beat: the sample where a listener feels the word to fall, its P-centre.
type Extent struct{ Len, Beat int }

// Measure tells a clip's extent, false when no voice has it.
type Measure func(Clip) (Extent, bool)

// The silences between things said.
const (
	silenceAfterWords = Rate           // after a step that only speaks
	phraseGap         = Rate * 4 / 100 // the least between two phrases
	soundToWords      = Rate           // from a step's sound to its words
	maxBeat           = Rate * 3 / 10  // a beat later than this in a clip is no beat of a first word
	minLead           = Rate * 4 / 10  // before the first word of a count: its beat and a little silence
	maxCues           = 20_000
	maxMarks          = 5 * maxCues
)

// Compile lays a routine out. It is pure: no file, no clock. The error says why what was asked for cannot be had, or
// that the routine is longer than four hours.
func Compile(r *Routine, measure Measure, o Options) (*Score, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	fitted, err := fitToLength(r, measure, o)
	if err != nil {
		return nil, err
	}
	return compile(r, measure, o, fitted)
}

func compile(r *Routine, measure Measure, o Options, fitted map[*Step]int) (*Score, error) {
	c := newCompiler(r, measure, o)
	c.fitted = fitted
	if err := c.run(); err != nil {
		return nil, err
	}
	return c.score, nil
}

// Clips lists every clip that a compiled routine may want, with any options: full texts, short ones, names, counts and
// sounds.
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
		if _, err := Compile(r, measure, o); err != nil {
			return clips, err
		}
	}
	return clips, nil
}

// compiler is a score while it is written, from its first sample to its last.
type compiler struct {
	routine       *Routine
	measure       Measure
	options       Options
	fitted        map[*Step]int // what a step counts when a length was asked for
	score         *Score
	at            int // the next free sample
	speechEnd     int // the end of what was said last
	stepNumber    int // number of the step being written
	side          string
	lang          *Lang
	breath        Pattern
	countMode     CountMode
	round         int // of the innermost repeat that is in its second round or later; 0: all are in their first
	noteSeen      map[Note]bool
	cautionSpoken map[string]bool           // cautions that were spoken
	flexibleSteps []*Step                   // what may be changed for a length asked for, once each time it was laid out
	lengthOf      map[*Step]func(n int) int // how long each of those is
	changesUsed   int                       // how many of the changes no later step can take
	firstSide     bool                      // the first of two sides is being written
	extensions    []int                     // what its steps were extended by, in their order, for the second
}

func newCompiler(r *Routine, measure Measure, o Options) *compiler {
	return &compiler{
		routine: r, measure: measure, options: o,
		score:     &Score{Name: r.Name, Title: r.Title, Bed: o.bed(r.Bed), Quiet: o.Quiet},
		speechEnd: -phraseGap, noteSeen: map[Note]bool{}, cautionSpoken: map[string]bool{}, lengthOf: map[*Step]func(int) int{},
	}
}

func (c *compiler) run() error {
	if err := c.expandRoutine(c.routine); err != nil {
		return err
	}
	if err := c.checkLimits(0); err != nil {
		return err
	}
	c.score.Len, c.score.Steps = c.at, c.stepNumber
	sort.SliceStable(c.score.Cues, func(i, j int) bool { return c.score.Cues[i].At < c.score.Cues[j].At })
	sort.SliceStable(c.score.Marks, func(i, j int) bool { return c.score.Marks[i].At < c.score.Marks[j].At })
	return nil
}

// expandRoutine writes a routine's steps under its own language and defaults.
func (c *compiler) expandRoutine(r *Routine) error {
	lang, breath, count := c.lang, c.breath, c.countMode
	c.lang, c.breath, c.countMode = r.Lang, c.applyHolds(r.Breath), r.Count
	err := c.expandSteps(r.Steps)
	c.lang, c.breath, c.countMode = lang, breath, count
	return err
}

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

// repeats is how often a step is done.
func (c *compiler) repeats(s *Step) int {
	if s.Kind == Group && s.Fit.Max > 0 {
		return c.units(s)
	}
	return s.Repeat
}

// expandSides writes a step once, or once a side with the switch window between them.
func (c *compiler) expandSides(s *Step) error {
	if len(s.Sides) == 0 {
		return c.expandStep(s, true)
	}
	if c.side == "" {
		c.speakCautions(s) // before the first side, so that both are as long
	}
	c.extensions = nil
	outer := c.side
	for i, side := range s.Sides {
		switch {
		case i > 0:
			c.layOutSwitch(s, side, c.lang.Sides.Switch, s.Switch)
		case c.brevity() == 2: // a name alone does not tell the side
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

// expandStep writes a step for the side of the moment. fresh is false for the second side: the step keeps its number.
func (c *compiler) expandStep(s *Step, fresh bool) error {
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
		return nil // nothing is left to say
	}
	if fresh {
		c.stepNumber++
	}
	if err := c.checkLimits(c.minPhrases(s)); err != nil {
		return err
	}
	mark := len(c.score.Marks)
	c.addMark(Mark{Kind: StepMark, At: c.at, Name: c.fillSides(s.Name, c.side)})
	start := c.at
	c.layOutStep(s)
	c.score.Marks[mark].Len = c.at - start
	return nil
}

// checkLimits is the error when a routine is longer than anybody listens to, before its more phrases are laid out.
func (c *compiler) checkLimits(more int) error {
	if c.at > maxLength || len(c.score.Cues)+more > maxCues || len(c.score.Marks) > maxMarks || c.stepNumber > maxCues {
		return fmt.Errorf("%s is too long: more than four hours or %d cues; repeat less", c.routine.Name, maxCues)
	}
	return nil
}

// minPhrases is the least that a step will say or sound.
func (c *compiler) minPhrases(s *Step) int {
	switch {
	case s.Pattern == nil || c.countModeOf(s) == Silent:
		return 0
	case s.Kind == Reps:
		return c.units(s)
	}
	return c.units(s) * len(s.Pattern.phases(breathPhases))
}

// advance moves to n samples later. What is longer than it may be is as long as can be, and refused.
func (c *compiler) advance(n int) {
	c.at = min(c.at+n, maxLength+1)
}

// extent measures a clip. Nothing is longer than a routine may be, and no beat lies outside its clip.
func (c *compiler) extent(clip Clip) (Extent, bool) {
	e, has := c.measure(clip)
	if !has || e.Len < 0 || e.Len > maxLength {
		return Extent{}, false
	}
	e.Beat = max(0, min(e.Beat, maxBeat, e.Len))
	return e, true
}

func (c *compiler) addMark(m Mark) int {
	m.Step, m.Side = c.stepNumber, c.side
	if m.Kind != SwitchMark && m.From == 0 {
		m.From = m.At
	}
	c.score.Marks = append(c.score.Marks, m)
	return len(c.score.Marks) - 1
}

func (c *compiler) addNote(s *Step, format string, args ...any) {
	n := Note{s.Line, s.Name, fmt.Sprintf(format, args...)}
	if !c.noteSeen[n] {
		c.noteSeen[n] = true
		c.score.Notes = append(c.score.Notes, n)
	}
}

// applyHolds is a breath as the listener asked for: with its holds, or without.
func (c *compiler) applyHolds(p Pattern) Pattern {
	if c.options.NoHolds {
		return p.withoutHolds()
	}
	return p
}

// units is what a step counts: breaths, repeats, reps or samples; as written, or as a length asked for needs it.
func (c *compiler) units(s *Step) int {
	if n, fitted := c.fitted[s]; fitted {
		return n
	}
	if s.Pattern == nil || s.Kind == Reps || s.For.Breaths > 0 {
		return s.units(c.breath)
	}
	return c.rampOf(s).nearestCount(s.For.Samples)
}

// fillSides puts the side's words into a text.
func (c *compiler) fillSides(text, side string) string {
	other := "left"
	if side == "left" {
		other = "right"
	}
	return strings.NewReplacer("{side}", c.lang.sideWord(side), "{other}", c.lang.sideWord(other)).Replace(text)
}
