package routines

import (
	"strings"
	"unicode/utf8"
)

// parseStep reads one [[step]], whose name is already read.
func parseStep(t *tableReader, name string, in scope) Step {
	t.refuseUnknownKeys()
	s := Step{Line: t.file.lines.lineOf(t.path), Kind: t.stepKind(), Name: name, named: name != "", location: t.location()}
	t.refuseMisplacedKeys(s.Kind)
	t.parseRepeats(&s, in)
	in.sided = in.sided || t.has("sides") // nonsense in sides is told once, not at every {side}

	s.Say, s.Short = t.spokenText("say", in.sided), t.spokenText("short", in.sided)
	if t.has("short") && !t.has("say") {
		t.problemf("short", "has no meaning without say")
	}
	s.Caution = t.spokenText("caution", false)
	s.WithoutHolds = t.withoutHolds(in.sided)
	s.Sound = t.sound("sound")
	s.Pattern = t.pattern("breathe", "4-4-6")
	t.parseBody(&s, in)
	if n := s.bodyLength(in.breath); n > maxLength {
		t.problemf("", "lasts %v, which is longer than four hours", Duration(n))
	}
	t.parseRamp(&s)
	t.parseFit(&s, in)
	t.parseCounting(&s, in)
	s.Prepare = t.duration("prepare", defaultPrepare)
	t.parseCountdown(&s, in)
	s.Cues = t.cues(s, in)
	if !s.named {
		s.Name = defaultName(s)
	}
	return s
}

// parseRepeats reads how often and on which sides a step is done.
func (t *tableReader) parseRepeats(s *Step, in scope) {
	s.Sides = t.sides()
	if len(s.Sides) > 0 && in.sided {
		t.problemf("sides", "the group around this step has sides already")
	}
	s.Switch = t.duration("switch", defaultSwitch)
	if t.has("switch") && len(s.Sides) == 0 && (!t.has("sides") || t.values["sides"] == false) {
		t.problemf("switch", "has no meaning without sides = true")
	}
	s.Repeat = t.wholeNumber("repeat", 1, maxRepeat, 1)
}

// parseBody reads how long the step lasts, or what it holds.
func (t *tableReader) parseBody(s *Step, in scope) {
	switch s.Kind {
	case Say, Sound:
		s.For = t.timeOnly("for")
	case Breathe:
		if s.For = t.length("for"); !t.has("for") {
			t.problemf("", `breathes for how long? add for = "3m" or for = "10 breaths"`)
		}
	case Hold:
		if s.Wait = t.holdsUntilNext(); s.Wait {
			s.For.Samples = waitInFile
		} else {
			s.For = t.length("hold")
		}
	case Rest:
		s.For = t.timeOnly("rest")
	case Reps:
		s.Reps = t.wholeNumber("reps", 1, len(in.lang.Numbers.List), 1)
		if s.Pattern = t.pattern("tempo", defaultTempo); s.Pattern == nil {
			p, _ := parsePattern(defaultTempo)
			s.Pattern = &p
		}
		if s.Pattern.Again > 0 {
			t.problemf("tempo", `a + stands for a second breath in, which a movement has not; write %q`, defaultTempo)
		}
	case Include:
		s.Routine = &Routine{Name: t.text("routine")}
	case Group:
		in.depth++
		s.Steps = parseSteps(t, in)
	}
}

// timeOnly is a length in time alone.
func (t *tableReader) timeOnly(key string) Amount {
	a := t.length(key)
	if a.Breaths > 0 {
		t.problemf(key, `breaths are counted in breathe and hold steps; write a time such as "20s"`)
		return Amount{}
	}
	return a
}

// parseCounting reads what is said with the breaths or reps.
func (t *tableReader) parseCounting(s *Step, in scope) {
	s.TeachFor = defaultTeachFor
	if s.Kind == Hold && !t.has("breathe") {
		for _, key := range []string{"words", "teach", "count"} {
			if t.has(key) {
				t.problemf(key, `has no meaning in a hold without breathe = "4-6"`)
			}
		}
		return
	}
	s.Count = t.countMode("count")
	if words := t.subtable("words", WordKeys); words != nil {
		s.Words = words.phaseTexts(t.kindIfAllowed("words", s.Kind), in)
	}
	if teach := t.subtable("teach", TeachKeys); teach != nil {
		s.Teach = teach.phaseTexts(t.kindIfAllowed("teach", s.Kind), in)
		s.TeachFor = teach.wholeNumber("rounds", 1, 100, defaultTeachFor)
	}
}

func (t *tableReader) parseCountdown(s *Step, in scope) {
	s.Countdown = t.wholeNumber("countdown", 1, 10, 0)
	if s.Kind == Hold && t.has("breathe") && s.Countdown > 0 {
		t.problemf("countdown", "would be spoken over the breath; leave one of the two out")
	}
	if n := s.bodyLength(in.breath); n > 0 && s.Countdown*Rate >= n {
		t.problemf("countdown", "%d seconds are as long as the step, which lasts %v; count fewer", s.Countdown, Duration(n))
	}
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

// defaultName is the step's first words, or what it does.
func defaultName(s Step) string {
	if s.Kind != Say {
		return map[StepKind]string{Sound: "Sound", Breathe: "Breathe", Hold: "Hold", Rest: "Rest", Reps: "Reps", Include: "Routine", Group: "Group"}[s.Kind]
	}
	name := s.Say
	if end := strings.IndexAny(name, ".!?;:"); end > 0 {
		name = name[:end]
	}
	if utf8.RuneCountInString(name) > maxName {
		cut := string([]rune(name)[:maxName])
		if space := strings.LastIndex(cut, " "); space > 0 {
			cut = cut[:space]
		}
		name = cut + "…"
	}
	return name
}
