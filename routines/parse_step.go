package routines

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// parseStep reads one [[step]] whose name is already read.
func parseStep(t *tableReader, name string, in scope) Step {
	t.refuseUnknownKeys()
	s := Step{Line: t.file.lines.lineOf(t.path), Kind: t.stepKind(), Name: name, named: name != "", location: t.location}
	t.refuseMisplacedKeys(s.Kind)
	t.parseRepeats(&s, in)
	in.sided = in.sided || t.has("sides") // a wrong value of sides is reported once, not again at every {side}

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
		s.Name = defaultName(s, in.lang)
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

// parseBody reads the length of the step, or what it includes.
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

// timeOnly reads a length that may not be counted in breaths.
func (t *tableReader) timeOnly(key string) Length {
	a := t.length(key)
	if a.Breaths > 0 {
		t.problemf(key, `breaths are counted in breathe and hold steps; write a time such as "20s"`)
		return Length{}
	}
	return a
}

// parseCounting reads what is spoken with breaths or reps.
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

// defaultName is the step's first words, or what it does.
func defaultName(s Step, lang *Lang) string {
	if s.Kind != Say || s.Say == "" {
		return map[StepKind]string{Sound: "Sound", Breathe: "Breathe", Hold: "Hold", Rest: "Rest", Reps: "Reps", Include: "Routine", Group: "Group"}[s.Kind]
	}
	name := lang.firstWords(s.Say)
	if utf8.RuneCountInString(name) > maxName {
		cut := string([]rune(name)[:maxName])
		if space := strings.LastIndex(cut, " "); space > 0 {
			cut = cut[:space]
		}
		name = cut + "…"
	}
	return name
}

// parseRamp reads the pattern a breathing step begins with, and how long it takes to reach its own.
func (t *tableReader) parseRamp(s *Step) {
	s.From, s.Over = t.pattern("from", "3-3-4"), t.length("over")
	switch {
	case t.has("over") && !t.has("from"):
		t.problemf("over", `has no meaning without from = "3-3-4", the breath it begins with`)
	case s.From != nil && s.Pattern != nil && !s.From.hasPhasesOf(*s.Pattern):
		t.problemf("from", "has other phases than breathe; give both the same ones, so that one can become the other")
		s.From = nil
	}
}

// parseFit reads the range in which the step may change when a length is asked for.
func (t *tableReader) parseFit(s *Step, in scope) {
	v, found := t.values["fit"]
	if !found {
		return
	}
	list, is := v.([]any)
	if !is || len(list) != 2 {
		t.problemf("fit", "want the least and the most, such as %s; found %s", fitExample(s.Kind), describe(v))
		return
	}
	least, ok := t.fitBound(s, in, list[0], true)
	most, okay := t.fitBound(s, in, list[1], false)
	switch own := s.units(in.breath); {
	case !ok || !okay:
	case least > most:
		t.problemf("fit", "the least is more than the most; write the smaller one first")
	case own > 0 && (own < least || own > most):
		t.problemf("fit", "the step itself lies outside what it may be; widen fit, or change the step")
	default:
		s.Fit = Range{least, most}
	}
}

func fitExample(k StepKind) string {
	switch k {
	case Breathe:
		return `["4 breaths", "12 breaths"]`
	case Group:
		return `[1, 3]`
	case Reps:
		return `[6, 12]`
	}
	return `["15s", "45s"]`
}

// fitBound reads one bound of a range, in the step's units; isMin tells which. false after a problem.
func (t *tableReader) fitBound(s *Step, in scope, v any, isMin bool) (int, bool) {
	wrong := func() (int, bool) {
		t.problemf("fit", "want the least and the most, such as %s; found %s in it", fitExample(s.Kind), describe(v))
		return 0, false
	}
	if s.Kind == Group || s.Kind == Reps {
		most := int64(maxRepeat)
		if s.Kind == Reps {
			most = int64(len(in.lang.Numbers.List))
		}
		if n, is := v.(int64); is && n >= 1 && n <= most {
			return int(n), true
		}
		return wrong()
	}
	text, is := v.(string)
	if !is || len(text) > 60 {
		return wrong()
	}
	a, err := ParseLength(text)
	switch {
	case err != nil:
		t.problemf("fit", "%v", err)
		return 0, false
	case s.Pattern == nil && a.Breaths > 0 != (s.For.Breaths > 0):
		t.problemf("fit", "%q: write it as the step's own length is written, in time or in breaths", text)
		return 0, false
	case s.Pattern == nil || a.Breaths > 0:
		return a.Samples + a.Breaths, true
	case isMin:
		return max(1, (a.Samples+s.Pattern.Len()-1)/s.Pattern.Len()), true
	default:
		return max(1, a.Samples/s.Pattern.Len()), true
	}
}

// untilNext is the value of hold that waits for the listener.
const untilNext = "until next"

// holdsUntilNext reports whether the step waits for the listener. Keys that need a known length are problems then.
func (t *tableReader) holdsUntilNext() bool {
	text, _ := t.values["hold"].(string)
	if !strings.EqualFold(strings.Join(strings.Fields(text), " "), untilNext) {
		return false
	}
	for _, key := range []string{"breathe", "countdown", "cues", "fit"} {
		if t.has(key) {
			t.problemf(key, "has no meaning in a hold until next: nobody knows how long it lasts")
		}
	}
	return true
}

// withoutHolds reads the text that replaces say where breath holds are left out. Here "" is allowed and means no text.
func (t *tableReader) withoutHolds(sided bool) *string {
	if !t.has("without_holds") {
		return nil
	}
	if !t.has("say") {
		t.problemf("without_holds", "has no meaning without say")
	}
	text := ""
	if t.values["without_holds"] != "" {
		text = t.spokenText("without_holds", sided)
	}
	return &text
}

// sides reads sides = true, or the two sides in their order.
func (t *tableReader) sides() []string {
	switch v := t.values["sides"].(type) {
	case nil:
		return nil
	case bool:
		if v {
			return []string{"left", "right"}
		}
		return nil
	case []any:
		if len(v) == 2 && (v[0] == "left" && v[1] == "right" || v[0] == "right" && v[1] == "left") {
			return []string{v[0].(string), v[1].(string)}
		}
	}
	t.problemf("sides", `write sides = true, or sides = ["right", "left"] to begin with the right`)
	return nil
}

// phaseTexts reads the texts by phase in a words or teach table.
func (t *tableReader) phaseTexts(kind StepKind, in scope) map[string]string {
	t.refuseUnknownKeys()
	t.refuseMisplacedKeys(kind)
	texts := map[string]string{}
	for _, k := range t.keys {
		if k.Name != "rounds" && t.has(k.Name) {
			texts[k.Name] = t.spokenText(k.Name, in.sided)
		}
	}
	return texts
}

// cues reads what is spoken or sounded inside the step.
func (t *tableReader) cues(s Step, in scope) []StepCue {
	var cues []StepCue
	tables, _ := t.subtables("cues", CueKeys)
	if len(tables) > 0 && (s.Kind == Say || s.Kind == Sound) && !t.has("for") {
		t.problemf("cues", `need a step of a fixed length; add for = "20s"`)
	}
	for _, ct := range tables {
		if t.file.full() {
			break
		}
		ct.step = strings.TrimPrefix(fmt.Sprintf("%s, cue %d", t.step, ct.number), ", ")
		ct.refuseUnknownKeys()
		c := StepCue{Say: ct.spokenText("say", in.sided), Short: ct.spokenText("short", in.sided), Sound: ct.sound("sound"), location: ct.location}
		if !ct.has("say") && !ct.has("sound") {
			ct.problemf("", "a cue needs say or sound")
		}
		if ct.has("short") && !ct.has("say") {
			ct.problemf("short", "has no meaning without say")
		}
		if !ct.has("at") {
			ct.problemf("", `a cue needs its moment, such as at = "halfway"`)
		} else if text, ok := ct.quantity("at", "20s"); ok {
			at, err := parseOffset(text)
			n := s.bodyLength(in.breath)
			if err != nil {
				ct.problemf("at", "%v", err)
			} else if _, inside := at.sample(n); n > 0 && !inside {
				ct.problemf("at", "%q lies outside the step, which lasts %v", text, Duration(n))
			}
			c.At = at
		}
		cues = append(cues, c)
	}
	return cues
}
