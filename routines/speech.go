package routines

import (
	"fmt"
	"strings"
	"unicode"
)

// spokenText is a text to be spoken, its {side} and {other} checked.
func (t *tableReader) spokenText(key string, sided bool) string {
	s := t.text(key)
	rest := s
	for brace := strings.IndexAny(rest, "{}"); brace >= 0; brace = strings.IndexAny(rest, "{}") {
		if rest[brace] == '}' {
			t.problemf(key, "a closing } has no opening {; write {side} or {other}")
			break
		}
		name, after, closed := strings.Cut(rest[brace+1:], "}")
		switch {
		case !closed:
			t.problemf(key, "an opening { has no closing }; write {side} or {other}")
		case name != "side" && name != "other":
			t.problemf(key, "{%s} is not known; %s", excerpt(name), didYouMean("{"+name+"}", []string{"{side}", "{other}"}))
		case !sided:
			t.problemf(key, "{%s} has no meaning without sides = true", name)
		}
		rest = after
	}
	if s != "" && !hasWord(s) {
		t.problemf(key, "%q has no word to speak", excerpt(s))
	}
	return s
}

// hasWord tells a text that can be spoken.
func hasWord(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) >= 0
}

// sound is the name of a tone or a sound file beside the routine.
func (t *tableReader) sound(key string) string {
	s := t.text(key)
	if s == "" || contains(SoundNames(), s) {
		return s
	}
	if !isSoundFile(s) {
		t.problemf(key, "%q is neither a tone nor a .wav, .flac or .opus file; %s", excerpt(s), didYouMean(s, SoundNames()))
		return ""
	}
	if leavesFolder(s) {
		t.problemf(key, "%q lies outside the folder of routines; put the file beside the routine", excerpt(s))
		return ""
	}
	return s
}

// leavesFolder tells a file that is not in the folder of routines.
func leavesFolder(file string) bool {
	return strings.HasPrefix(file, "/") || contains(strings.Split(file, "/"), "..")
}

// withoutHolds is the text in place of say where holds are left out; "" leaves the words out, so it may be empty.
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

func isSoundFile(s string) bool {
	s = strings.ToLower(s)
	return strings.HasSuffix(s, ".wav") || strings.HasSuffix(s, ".flac") || strings.HasSuffix(s, ".opus")
}

// sides reads sides = true, or the two in their order.
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

// phaseTexts reads the texts of words or teach.
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

// cues reads what is said or sounded inside the step.
func (t *tableReader) cues(s Step, in scope) []StepCue {
	var cues []StepCue
	tables, _ := t.subtables("cues", CueKeys)
	if len(tables) > 0 && (s.Kind == Say || s.Kind == Sound) && !t.has("for") {
		t.problemf("cues", `need a step of a fixed length; add for = "20s"`)
	}
	for _, ct := range tables {
		ct.step = strings.TrimPrefix(fmt.Sprintf("%s, cue %d", t.step, ct.number), ", ")
		ct.refuseUnknownKeys()
		c := StepCue{Say: ct.spokenText("say", in.sided), Short: ct.spokenText("short", in.sided), Sound: ct.sound("sound"), location: ct.location()}
		if !ct.has("say") && !ct.has("sound") {
			ct.problemf("", "a cue needs say or sound")
		}
		if ct.has("short") && !ct.has("say") {
			ct.problemf("short", "has no meaning without say")
		}
		if !ct.has("at") {
			ct.problemf("", `a cue needs its moment, such as at = "halfway"`)
		} else if text, ok := ct.quantity("at", "20s"); ok {
			at, err := parseMoment(text)
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
