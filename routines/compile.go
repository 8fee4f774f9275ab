package routines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	maxCues           = 20_000         // four hours of a phrase every 0.7 seconds
	maxMarks          = 5 * maxCues    // of the quickest breaths, counted in half seconds, for four hours
	maxNotes          = 1000           // far more than anybody reads
	maxChanges        = 500            // of one session: every half minute for four hours
)

// ErrNothingToPlay is the error for a routine of which the options leave nothing, or nothing that lasts.
var ErrNothingToPlay = errors.New("nothing is left to play")

// Compile turns a routine into a score, which has at least one step and lasts at least one sample. It is pure: no file,
// no clock, no state. The error says which option is invalid, that the length asked for cannot be reached, that the score
// would be over a limit such as four hours, or that it would be empty (ErrNothingToPlay). When ctx ends, Compile ends
// with its error.
func Compile(ctx context.Context, r *Routine, measure Measure, o Options) (*Score, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	w := newWork(ctx, measure)
	plan, err := fitToLength(w, r, o)
	if err != nil {
		return nil, err
	}
	c, err := layOut(w, r, o, plan.units, maxLayoutWork)
	if err != nil {
		return nil, err
	}
	c.score.plan = plan
	return c.score, c.checkNotEmpty()
}

// Clips lists every clip that any score of the routine may have, whatever the options: full and short texts, names,
// counts and sounds. When ctx ends, it returns those found so far with its error.
func Clips(ctx context.Context, r *Routine) ([]Clip, error) {
	var clips []Clip
	w := newWork(ctx, func(c Clip) (Extent, bool) {
		clips = append(clips, c)
		return Extent{}, false
	})
	w.noNotes = true
	for _, o := range []Options{{}, {NoHolds: true}, {Verbosity: Minimal}} {
		if _, err := layOut(w, r, o, nil, maxLayoutWork); err != nil {
			return clips, err
		}
	}
	return clips, nil
}

// compiler is the state of one compilation, which writes the score from its first sample to its last: it expands
// groups, rounds, sides and includes into single steps (compile.go), lays each step out (layout.go, count.go) and
// places the speech in it (speech.go).
type compiler struct {
	work      *work
	workLimit int   // of work.done
	failed    error // why the layout cannot go on
	routine   *Routine
	options   Options
	fitted    map[*Step]int // units of the steps that are fitted to the length asked for
	score     *Score

	// Where the compiler stands.
	at         int // the next free sample
	speechEnd  int // where the last speech ends
	stepNumber int // of the current step, from 1
	side       string
	lang       *Lang
	breath     Pattern
	countMode  CountMode
	round      int // of the innermost repeat beyond its first round, from 0; 0: all are in their first

	noteSeen      map[noteKey]bool
	notes         map[Note]bool
	cautionSpoken map[string]bool
	cautions      []span         // where cautions are spoken
	cautionsOf    map[*Step]bool // steps of which all cautions are spoken

	// Of the step that is being written; each is used again for the next.
	phrases []phrase
	texts   []string // of phrases
	cycles  []cycle
	spans   []span

	// For fitToLength.
	flexible      []*adjustable // steps whose length may change, in the order in which they were first laid out
	flexibleIndex map[*Step]int // in flexible

	// For Revise.
	changesUsed int   // the number of changes that no later step can take
	firstSide   bool  // the first of two sides is being written
	extensions  []int // what its steps were extended by, in their order, for the second side
}

// layOut compiles a routine with the given number of units for some steps, in at most limit units of work. It returns the
// compiler with its score, which may be empty.
func layOut(w *work, r *Routine, o Options, fitted map[*Step]int, limit int) (*compiler, error) {
	c := &compiler{
		work: w, workLimit: w.done + limit, routine: r, options: o, fitted: fitted,
		score: &Score{
			Name: r.Name, Title: r.Title, Bed: o.bed(r.Bed), Quiet: o.Quiet,
			Cues: make([]Cue, 0, w.cues), Marks: make([]Mark, 0, w.marks),
		},
		speechEnd: -phraseGap, noteSeen: map[noteKey]bool{}, notes: map[Note]bool{}, cautionSpoken: map[string]bool{}, cautionsOf: map[*Step]bool{}, flexibleIndex: map[*Step]int{},
	}
	if len(o.Changes) > maxChanges {
		return nil, fmt.Errorf("%s was changed %d times while it played; start it again to go on", r.Name, maxChanges)
	}
	if err := w.ctx.Err(); err != nil {
		return nil, fmt.Errorf("compiling %s: %w", r.Name, err)
	}
	if err := c.expandRoutine(r); err != nil {
		return nil, err
	}
	if err := c.checkLimits(0); err != nil {
		return nil, err
	}
	c.score.Len, c.score.Steps = c.at, c.stepNumber
	w.cues, w.marks = len(c.score.Cues), len(c.score.Marks)
	sortStable(c.score.Cues, func(a, b Cue) int { return cmp.Compare(a.At, b.At) })
	sortStable(c.score.Marks, func(a, b Mark) int { return cmp.Compare(a.At, b.At) })
	c.score.index = newLandmarks(c.score.Marks, c.score.Cues)
	c.score.Fade = newFade(c.score, o, c.cautions)
	return c, nil
}

// sortStable is slices.SortStableFunc for a list that is most often sorted already.
func sortStable[T any](list []T, compare func(a, b T) int) {
	if !slices.IsSortedFunc(list, compare) {
		slices.SortStableFunc(list, compare)
	}
}

// checkNotEmpty is ErrNothingToPlay for a score without a step or without a length, with what to do.
func (c *compiler) checkNotEmpty() error {
	if c.score.Steps > 0 && c.score.Len > 0 {
		return nil
	}
	switch o := c.options; {
	case c.score.Steps > 0:
		return fmt.Errorf("%s: %w: none of its sounds can be played; look at the sound files it names", c.routine.Name, ErrNothingToPlay)
	case o.NoHolds && o.Verbosity != Minimal:
		return fmt.Errorf("%s: %w without breath holds; give a step a text in without_holds", c.routine.Name, ErrNothingToPlay)
	case o.NoHolds:
		return fmt.Errorf("%s: %w with verbosity minimal and without breath holds; give a step a short text and one in without_holds, or ask for more words", c.routine.Name, ErrNothingToPlay)
	}
	return fmt.Errorf("%s: %w with verbosity minimal; give a step a short text, or ask for verbosity short or full", c.routine.Name, ErrNothingToPlay)
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
			if !c.spend(1) {
				return c.failed
			}
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
	before, steps := c.position(), c.stepNumber
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
	if c.stepNumber == steps {
		c.restore(before) // nothing is done on either side: no side is announced
	}
	return nil
}

// position is how much of the score is written.
type position struct{ at, speechEnd, cues, marks int }

func (c *compiler) position() position {
	return position{c.at, c.speechEnd, len(c.score.Cues), len(c.score.Marks)}
}

// restore takes back what was written since a position.
func (c *compiler) restore(p position) {
	c.at, c.speechEnd = p.at, p.speechEnd
	c.score.Cues, c.score.Marks = c.score.Cues[:p.cues], c.score.Marks[:p.marks]
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

// minPhrases is the least number of phrases or sounds that a step will have.
func (c *compiler) minPhrases(s *Step) int {
	switch {
	case s.Pattern == nil || c.countModeOf(s) == Silent:
		return 0
	case s.Kind == Reps:
		return c.units(s)
	}
	return c.units(s) * s.Pattern.countPhases()
}

// advance moves on by n samples. Beyond maxLength it stops, and checkLimits refuses the score.
func (c *compiler) advance(n int) {
	c.at = min(c.at+n, maxLength+1)
}

// extent measures a clip. An extent that makes no sense counts as no clip; the beat is limited to the clip and to
// maxBeat.
func (c *compiler) extent(clip Clip) (Extent, bool) {
	m, known := c.work.extents[clip]
	if !known {
		e, has := c.work.measure(clip)
		if has = has && e.Len >= 0 && e.Len <= maxLength; has {
			m = measured{Extent{e.Len, max(0, min(e.Beat, maxBeat, e.Len))}, true}
		}
		c.work.extents[clip] = m
	}
	return m.extent, m.has
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

// noteKey is what makes a note: its format and arguments, so that the same one is formatted once.
type noteKey struct {
	line         int
	step, format string
	a, b         string
	m, n         int
}

// addNote adds a note unless the score has the same one, or too many.
func (c *compiler) addNote(s *Step, key noteKey, args ...any) {
	key.line, key.step = s.Line, s.Name
	if !c.spend(1) || c.work.noNotes || c.noteSeen[key] || len(c.score.Notes) > maxNotes {
		return
	}
	c.noteSeen[key] = true
	what := "more phrases are spoken otherwise than written; they are left out here"
	if len(c.score.Notes) < maxNotes {
		what = fmt.Sprintf(key.format, args...)
	}
	if n := (Note{s.Line, s.Name, what}); !c.notes[n] { // other samples may be the same hundredths of a second
		c.notes[n] = true
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
	if !strings.Contains(text, "{") {
		return text
	}
	other := "left"
	if side == "left" {
		other = "right"
	}
	text = strings.ReplaceAll(text, "{side}", c.lang.sideWord(side)) // no word of a language has a brace in it
	return strings.ReplaceAll(text, "{other}", c.lang.sideWord(other))
}
