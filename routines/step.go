package routines

import (
	"strings"
	"unicode/utf8"
)

// parseStep reads one [[step]], whose name is already read.
func parseStep(t *table, name string, in scope) Step {
	t.unknown()
	s := Step{Line: t.file.lines.of(t.path), Kind: t.kind(), Name: name, named: name != "", place: t.placed()}
	t.misplaced(s.Kind)
	t.parseTurns(&s, in)
	in.sided = in.sided || t.has("sides") // nonsense in sides is told once, not at every {side}

	s.Say, s.Short = t.speech("say", in.sided), t.speech("short", in.sided)
	if t.has("short") && !t.has("say") {
		t.problem("short", "has no meaning without say")
	}
	s.Caution = t.speech("caution", false)
	s.WithoutHolds = t.withoutHolds(in.sided)
	s.Sound = t.sound("sound")
	s.Pattern = t.pattern("breathe", "4-4-6")
	t.parseKind(&s, in)
	if n := s.length(in.breath); n > longest {
		t.problem("", "lasts %v, which is longer than four hours", Duration(n))
	}
	t.parseRamp(&s)
	t.parseFit(&s, in)
	t.parsePace(&s, in)
	s.Prepare = t.duration("prepare", defaultPrepare)
	t.parseCountdown(&s, in)
	s.Cues = t.cues(s, in)
	if !s.named {
		s.Name = defaultName(s)
	}
	return s
}

// parseTurns reads how often and on which sides a step is done.
func (t *table) parseTurns(s *Step, in scope) {
	s.Sides = t.sides()
	if len(s.Sides) > 0 && in.sided {
		t.problem("sides", "the group around this step has sides already")
	}
	s.Switch = t.duration("switch", defaultSwitch)
	if t.has("switch") && len(s.Sides) == 0 && (!t.has("sides") || t.m["sides"] == false) {
		t.problem("switch", "has no meaning without sides = true")
	}
	s.Repeat = t.number("repeat", 1, maxRepeat, 1)
}

// parseKind reads how long the step lasts, or what it holds.
func (t *table) parseKind(s *Step, in scope) {
	switch s.Kind {
	case Say, Sound:
		s.For = t.time("for")
	case Breathe:
		if s.For = t.amount("for"); !t.has("for") {
			t.problem("", `breathes for how long? add for = "3m" or for = "10 breaths"`)
		}
	case Hold:
		if s.Wait = t.untilNext(); s.Wait {
			s.For.Samples = standIn
		} else {
			s.For = t.amount("hold")
		}
	case Rest:
		s.For = t.time("rest")
	case Reps:
		s.Reps = t.number("reps", 1, len(in.lang.Numbers.List), 1)
		if s.Pattern = t.pattern("tempo", defaultTempo); s.Pattern == nil {
			p, _ := parsePattern(defaultTempo)
			s.Pattern = &p
		}
		if s.Pattern.Again > 0 {
			t.problem("tempo", `a + stands for a second breath in, which a movement has not; write %q`, defaultTempo)
		}
	case Include:
		s.Routine = &Routine{Name: t.text("routine")}
	case Group:
		in.depth++
		s.Steps = parseSteps(t, in)
	}
}

// time is a length in time alone.
func (t *table) time(key string) Amount {
	a := t.amount(key)
	if a.Breaths > 0 {
		t.problem(key, `breaths are counted in breathe and hold steps; write a time such as "20s"`)
		return Amount{}
	}
	return a
}

// parsePace reads what is said with the breaths or reps.
func (t *table) parsePace(s *Step, in scope) {
	s.TeachFor = defaultTeachFor
	if s.Kind == Hold && !t.has("breathe") {
		for _, key := range []string{"words", "teach", "count"} {
			if t.has(key) {
				t.problem(key, `has no meaning in a hold without breathe = "4-6"`)
			}
		}
		return
	}
	s.Count = t.count("count")
	if words := t.inner("words", WordKeys); words != nil {
		s.Words = words.phaseTexts(t.kindFor("words", s.Kind), in)
	}
	if teach := t.inner("teach", TeachKeys); teach != nil {
		s.Teach = teach.phaseTexts(t.kindFor("teach", s.Kind), in)
		s.TeachFor = teach.number("rounds", 1, 100, defaultTeachFor)
	}
}

func (t *table) parseCountdown(s *Step, in scope) {
	s.Countdown = t.number("countdown", 1, 10, 0)
	if s.Kind == Hold && t.has("breathe") && s.Countdown > 0 {
		t.problem("countdown", "would be spoken over the breath; leave one of the two out")
	}
	if n := s.length(in.breath); n > 0 && s.Countdown*Rate >= n {
		t.problem("countdown", "%d seconds are as long as the step, which lasts %v; count fewer", s.Countdown, Duration(n))
	}
}

// length is how long the step's body lasts; 0 when that is not known, or as long as its words or sound.
func (s *Step) length(breath Pattern) int {
	turns, turn := 1, int64(s.For.Samples)
	switch {
	case s.Kind == Reps && s.Pattern != nil:
		turns, turn = s.Reps, int64(s.Pattern.Len())
	case s.For.Samples == 0 && s.For.Breaths == 0:
	case s.Pattern != nil:
		turns, turn = s.breaths(), int64(s.Pattern.Len())
	case s.For.Breaths > 0:
		turns, turn = s.For.Breaths, int64(breath.Len())
	}
	return int(min(int64(turns)*turn, 2*int64(longest))) // an int of 32 bits cannot hold every number of breaths
}

// defaultName is the step's first words, or what it does.
func defaultName(s Step) string {
	if s.Kind != Say {
		return map[Kind]string{Sound: "Sound", Breathe: "Breathe", Hold: "Hold", Rest: "Rest", Reps: "Reps", Include: "Routine", Group: "Group"}[s.Kind]
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
