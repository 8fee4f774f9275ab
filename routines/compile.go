package routines

import (
	"fmt"
	"sort"
)

// Extent is the length of a clip and its beat: the sample where a listener feels the word to fall, its P-centre.
type Extent struct{ Len, Beat int }

// Measure tells a clip's extent, false when no voice has it.
type Measure func(Clip) (Extent, bool)

// The silences between things said.
const (
	afterWords = Rate           // after a step that only speaks
	betweenSay = Rate * 4 / 100 // the least between two phrases
	soundFirst = Rate           // from a step's sound to its words
	maxBeat    = Rate * 3 / 10  // a beat later than this in a clip is no beat of a first word
	leastLead  = Rate * 4 / 10  // before the first word of a count: its beat and a little silence
	maxCues    = 20_000
	maxMarks   = 5 * maxCues
)

// Compile lays a routine out. It is pure: no file, no clock. The error says why what was asked for cannot be had, or
// that the routine is longer than four hours.
func Compile(r *Routine, measure Measure, o Options) (*Score, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	fitted, err := fit(r, measure, o)
	if err != nil {
		return nil, err
	}
	return compile(r, measure, o, fitted)
}

func compile(r *Routine, measure Measure, o Options, fitted map[*Step]int) (*Score, error) {
	l := newLayout(r, measure, o)
	l.fitted = fitted
	if err := l.run(); err != nil {
		return nil, err
	}
	return l.score, nil
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

// layout is a score while it is written, from its first sample to its last.
type layout struct {
	routine *Routine
	measure Measure
	asked   Options
	fitted  map[*Step]int // what a step counts when a length was asked for
	score   *Score
	at      int // the next free sample
	talked  int // the end of what was said last
	step    int // number of the step being written
	side    string
	lang    *Lang
	breath  Pattern
	count   CountMode
	round   int // of the innermost repeat that is in its second round or later; 0: all are in their first
	noted   map[Note]bool
	warned  map[string]bool           // cautions that were spoken
	bodies  []*Step                   // what may be changed for a length asked for, once each time it was laid out
	length  map[*Step]func(n int) int // how long each of those is
	used    int                       // how many of the changes no later step can take
	first   bool                      // the first of two sides is being written
	carried []int                     // what its steps were extended by, in their order, for the second
}

func newLayout(r *Routine, measure Measure, o Options) *layout {
	return &layout{
		routine: r, measure: measure, asked: o,
		score:  &Score{Name: r.Name, Title: r.Title, Bed: o.bed(r.Bed), Quiet: o.Quiet},
		talked: -betweenSay, noted: map[Note]bool{}, warned: map[string]bool{}, length: map[*Step]func(int) int{},
	}
}

func (l *layout) run() error {
	if err := l.include(l.routine); err != nil {
		return err
	}
	if err := l.tooLong(0); err != nil {
		return err
	}
	l.score.Len, l.score.Steps = l.at, l.step
	sort.SliceStable(l.score.Cues, func(i, j int) bool { return l.score.Cues[i].At < l.score.Cues[j].At })
	sort.SliceStable(l.score.Marks, func(i, j int) bool { return l.score.Marks[i].At < l.score.Marks[j].At })
	return nil
}

// include writes a routine's steps under its own language and defaults.
func (l *layout) include(r *Routine) error {
	lang, breath, count := l.lang, l.breath, l.count
	l.lang, l.breath, l.count = r.Lang, l.held(r.Breath), r.Count
	err := l.steps(r.Steps)
	l.lang, l.breath, l.count = lang, breath, count
	return err
}

func (l *layout) steps(steps []Step) error {
	for i := range steps {
		s := &steps[i]
		outer := l.round
		for n := range l.repeats(s) {
			l.round = max(outer, n)
			if err := l.allSides(s); err != nil {
				return err
			}
		}
		l.round = outer
	}
	return nil
}

// repeats is how often a step is done.
func (l *layout) repeats(s *Step) int {
	if s.Kind == Group && s.Fit.Most > 0 {
		return l.size(s)
	}
	return s.Repeat
}

// allSides writes a step once, or once a side with the switch window between them.
func (l *layout) allSides(s *Step) error {
	if len(s.Sides) == 0 {
		return l.once(s, true)
	}
	if l.side == "" {
		l.cautions(s) // before the first side, so that both are as long
	}
	l.carried = nil
	outer := l.side
	for i, side := range s.Sides {
		switch {
		case i > 0:
			l.turnTo(s, side, l.lang.Sides.Switch, s.Switch)
		case l.level() == 2: // a name alone does not tell the side
			l.turnTo(s, side, l.lang.on(side), afterWords)
		}
		l.side, l.first = side, i == 0
		if err := l.once(s, i == 0); err != nil {
			return err
		}
	}
	l.side = outer
	return nil
}

// once writes a step for the side of the moment. fresh is false for the second side: the step keeps its number.
func (l *layout) once(s *Step, fresh bool) error {
	switch s.Kind {
	case Include:
		return l.include(s.Routine)
	case Group:
		return l.steps(s.Steps)
	}
	if l.side == "" {
		l.caution(s)
	}
	if s.Kind == Say && s.For.Samples == 0 && s.Sound == "" && len(l.texts(s)) == 0 {
		return nil // nothing is left to say
	}
	if fresh {
		l.step++
	}
	if err := l.tooLong(l.phrases(s)); err != nil {
		return err
	}
	mark := len(l.score.Marks)
	l.mark(Mark{Kind: StepMark, At: l.at, Name: l.fill(s.Name, l.side)})
	start := l.at
	l.leaf(s)
	l.score.Marks[mark].Len = l.at - start
	return nil
}

// tooLong is the error when a routine is longer than anybody listens to, before its more phrases are laid out.
func (l *layout) tooLong(more int) error {
	if l.at > longest || len(l.score.Cues)+more > maxCues || len(l.score.Marks) > maxMarks || l.step > maxCues {
		return fmt.Errorf("%s is too long: more than four hours or %d cues; repeat less", l.routine.Name, maxCues)
	}
	return nil
}

// phrases is the least that a step will say or sound.
func (l *layout) phrases(s *Step) int {
	switch {
	case s.Pattern == nil || l.mode(s) == Silent:
		return 0
	case s.Kind == Reps:
		return l.size(s)
	}
	return l.size(s) * len(s.Pattern.phases(breathPhases))
}

// advance moves to n samples later. What is longer than it may be is as long as can be, and refused.
func (l *layout) advance(n int) {
	l.at = min(l.at+n, longest+1)
}

// extent measures a clip. Nothing is longer than a routine may be, and no beat lies outside its clip.
func (l *layout) extent(c Clip) (Extent, bool) {
	e, has := l.measure(c)
	if !has || e.Len < 0 || e.Len > longest {
		return Extent{}, false
	}
	e.Beat = max(0, min(e.Beat, maxBeat, e.Len))
	return e, true
}

func (l *layout) mark(m Mark) int {
	m.Step, m.Side = l.step, l.side
	if m.Kind != SwitchMark && m.From == 0 {
		m.From = m.At
	}
	l.score.Marks = append(l.score.Marks, m)
	return len(l.score.Marks) - 1
}

func (l *layout) note(s *Step, format string, args ...any) {
	n := Note{s.Line, s.Name, fmt.Sprintf(format, args...)}
	if !l.noted[n] {
		l.noted[n] = true
		l.score.Notes = append(l.score.Notes, n)
	}
}
