package routines

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseStep reads one [[step]]. sided tells whether a group around it has sides, so that {side} has a meaning.
func parseStep(t *table, lang *Lang, sided string, depth int, number *int) Step {
	t.unknown()
	s := Step{Line: t.file.lines.of(t.path), Kind: t.kind()}
	t.misplaced(s.Kind)

	s.Sides = t.sides()
	if len(s.Sides) > 0 && sided != "" {
		t.problem("sides", "the group around this step has sides already")
	}
	if len(s.Sides) > 0 {
		sided = "here"
	}
	s.Switch = t.duration("switch", defaultSwitch)
	if t.has("switch") && len(s.Sides) == 0 {
		t.problem("switch", "has no meaning without sides")
	}
	s.Repeat = t.number("repeat", 1, 100, 1)

	s.Say, s.Short = t.speech("say", lang, sided), t.speech("short", lang, sided)
	if t.has("short") && !t.has("say") {
		t.problem("short", "has no meaning without say")
	}
	s.Sound = t.sound("sound")
	s.For, s.Pattern = t.amount("for"), t.pattern("breathe")
	if s.Kind != Breathe && s.For.Breaths > 0 {
		t.problem("for", `breaths are counted in breathe and hold steps; write a time such as "20s"`)
		s.For = Amount{}
	}
	switch s.Kind {
	case Breathe:
		if !t.has("for") {
			t.problem("", `breathes for how long? add for = "3m" or for = "10 breaths"`)
		}
	case Hold:
		s.For = t.amount("hold")
	case Rest:
		s.For = t.amount("rest")
		if s.For.Breaths > 0 {
			t.problem("rest", `breaths are counted in breathe and hold steps; write a time such as "20s"`)
		}
	case Reps:
		s.Reps = t.number("reps", 1, len(lang.Numbers.List), 1)
		if s.Pattern = t.pattern("tempo"); s.Pattern == nil {
			p, _ := parsePattern(defaultTempo)
			s.Pattern = &p
		}
	case Include:
		s.Routine = &Routine{Name: t.text("routine")}
	case Group:
		s.Steps = parseSteps(t, lang, sided, depth+1, number)
		if len(s.Steps) == 0 {
			t.problem("step", "the group is empty")
		}
	}
	paced := s.Kind == Hold && s.Pattern != nil
	for _, key := range []string{"words", "teach", "count"} {
		if s.Kind == Hold && !paced && t.has(key) {
			t.problem(key, `has no meaning in a hold without breathe = "4-6"`)
		}
	}
	s.Count = t.count("count")
	s.Words = t.phaseTexts("words", WordKeys, s.Kind, lang, sided)
	s.Teach = t.phaseTexts("teach", TeachKeys, s.Kind, lang, sided)
	s.TeachFor = defaultTeachFor
	if teach := t.inner("teach", TeachKeys); teach != nil {
		s.TeachFor = teach.number("rounds", 1, 100, defaultTeachFor)
	}
	s.Prepare = t.duration("prepare", defaultPrepare)
	s.Countdown = t.number("countdown", 1, 10, 0)
	if paced && s.Countdown > 0 {
		t.problem("countdown", "would be spoken over the breath; leave one of the two out")
	}
	if s.For.Samples > 0 && s.Countdown*Rate >= s.For.Samples {
		t.problem("countdown", "is as long as the step")
	}
	s.Cues = t.cues(s, lang, sided)
	s.Name = t.text("name")
	if s.Name == "" {
		s.Name = defaultName(s)
	}
	return s
}

// kind finds the one thing the step does.
func (t *table) kind() Kind {
	var found []string
	for _, k := range []Kind{Breathe, Hold, Rest, Reps, Include, Group} {
		if t.has(string(k)) {
			found = append(found, string(k))
		}
	}
	if len(found) == 2 && found[0] == "breathe" && found[1] == "hold" {
		return Hold // with a pacer inside
	}
	switch {
	case len(found) > 1:
		t.problem("", "does several things at once: %s; make a step of each", strings.Join(found, ", "))
	case len(found) == 0 && t.has("say"):
		return Say
	case len(found) == 0 && t.has("sound"):
		return Sound
	case len(found) == 0:
		t.problem("", "does nothing; give it say, breathe, hold, rest, reps, sound, routine or steps of its own")
		return Say
	}
	return Kind(found[0])
}

// misplaced refuses keys that mean nothing for this kind of step.
func (t *table) misplaced(kind Kind) {
	for _, k := range t.keys {
		if t.has(k.Name) && k.For != "" && !contains(strings.Fields(k.For), string(kind)) {
			hint := ""
			if k.Name == "for" && (kind == Hold || kind == Rest) {
				hint = "; the time stands in " + string(kind) + " itself"
			}
			if kind == Include || kind == Group {
				hint = "; put it into a step of its own"
			}
			t.problem(k.Name, "has no meaning in a %s step%s", kind, hint)
		}
	}
}

// sides reads sides = true, or the two in their order.
func (t *table) sides() []string {
	switch v := t.m["sides"].(type) {
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
	t.problem("sides", `write sides = true, or sides = ["right", "left"] to begin with the right`)
	return nil
}

// speech is a text to be spoken, its {side} and {other} checked.
func (t *table) speech(key string, lang *Lang, sided string) string {
	s := t.text(key)
	rest := s
	for {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			break
		}
		name, after, closed := strings.Cut(after, "}")
		switch {
		case !closed:
			t.problem(key, "an opening { has no closing }")
		case name != "side" && name != "other":
			t.problem(key, "{%s} is not known; %s", name, didYouMean(name, []string{"{side}", "{other}"}))
		case sided == "":
			t.problem(key, "{%s} has no meaning without sides = true", name)
		}
		rest = after
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0 {
		t.problem(key, "%q has no word to speak", s)
	}
	return s
}

// sound is the name of a tone or a sound file beside the routine.
func (t *table) sound(key string) string {
	s := t.text(key)
	if s == "" || contains(SoundNames(), s) {
		return s
	}
	if !isSoundFile(s) {
		t.problem(key, "%q is neither a tone nor a .wav, .flac or .opus file; %s", s, didYouMean(s, SoundNames()))
		return ""
	}
	if strings.HasPrefix(s, "/") || contains(strings.Split(s, "/"), "..") {
		t.problem(key, "%q lies outside the folder of routines; put the file beside the routine", s)
		return ""
	}
	return s
}

func isSoundFile(s string) bool {
	s = strings.ToLower(s)
	return strings.HasSuffix(s, ".wav") || strings.HasSuffix(s, ".flac") || strings.HasSuffix(s, ".opus")
}

// phaseTexts reads the texts of words or teach.
func (t *table) phaseTexts(key string, keys []Key, kind Kind, lang *Lang, sided string) map[string]string {
	inner := t.inner(key, keys)
	if inner == nil {
		return nil
	}
	inner.unknown()
	inner.misplaced(kind)
	texts := map[string]string{}
	for _, k := range keys {
		if k.Name != "rounds" && inner.has(k.Name) {
			texts[k.Name] = inner.speech(k.Name, lang, sided)
		}
	}
	return texts
}

// cues reads what is said or sounded inside the step.
func (t *table) cues(s Step, lang *Lang, sided string) []InnerCue {
	var cues []InnerCue
	tables := t.list("cues", CueKeys)
	if len(tables) > 0 && (s.Kind == Say || s.Kind == Sound) && s.For.Samples == 0 {
		t.problem("cues", `need a step of a fixed length; add for = "20s"`)
	}
	for _, ct := range tables {
		ct.unknown()
		c := InnerCue{Say: ct.speech("say", lang, sided), Short: ct.speech("short", lang, sided), Sound: ct.sound("sound")}
		if !ct.has("say") && !ct.has("sound") {
			ct.problem("", "a cue needs say or sound")
		}
		if !ct.has("at") {
			ct.problem("", `a cue needs its moment, such as at = "halfway"`)
		} else if text, ok := ct.timed("at", "halfway"); ok {
			at, err := parseMoment(text)
			if err != nil {
				ct.problem("at", "%v", err)
			}
			c.At = at
			if _, inside := at.at(s.For.Samples); s.For.Samples > 0 && err == nil && !inside {
				ct.problem("at", "%q lies outside the step, which lasts %v", text, Duration(s.For.Samples))
			}
		}
		cues = append(cues, c)
	}
	return cues
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
