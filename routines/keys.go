package routines

import (
	"fmt"
	"slices"
	"strings"
)

// Key is one key of the format. The reference page lists the same keys.
type Key struct {
	Name string
	For  string // the kinds of step it may stand in, separated by blanks; empty: all
}

// The keys of the format, in the order of the reference page.
var (
	RoutineKeys = []Key{
		{"title", ""}, {"about", ""}, {"lang", ""}, {"breath", ""}, {"count", ""},
		{"bed", ""}, {"swell", ""}, {"tags", ""}, {"equipment", ""}, {"position", ""}, {"level", ""}, {"cautions", ""}, {"step", ""},
	}
	StepKeys = []Key{
		{"name", "say sound breathe hold rest reps step"},
		{"say", "say breathe hold rest reps"},
		{"short", "say breathe hold rest reps"},
		{"caution", "say breathe hold rest reps"},
		{"without_holds", "say breathe hold rest reps"},
		{"sound", "say sound breathe hold rest reps"},
		{"breathe", "breathe hold"},
		{"for", "breathe say sound"},
		{"from", "breathe"},
		{"over", "breathe"},
		{"hold", "hold"},
		{"rest", "rest"},
		{"reps", "reps"},
		{"tempo", "reps"},
		{"routine", "routine"},
		{"step", "step"},
		{"words", "breathe hold reps"},
		{"teach", "breathe hold"},
		{"count", "breathe hold reps"},
		{"prepare", "breathe hold reps"},
		{"countdown", "hold rest"},
		{"cues", "say sound breathe hold rest reps"},
		{"fit", "breathe hold rest reps step"},
		{"repeat", ""},
		{"sides", "say breathe hold rest reps step"},
		{"switch", "say breathe hold rest reps step"},
	}
	CueKeys   = []Key{{"at", ""}, {"say", ""}, {"short", ""}, {"sound", ""}}
	WordKeys  = []Key{{"in", "breathe hold"}, {"again", "breathe hold"}, {"hold", "breathe hold reps"}, {"out", "breathe hold"}, {"back", "reps"}, {"wait", "breathe hold reps"}}
	TeachKeys = []Key{{"in", ""}, {"again", ""}, {"hold", ""}, {"out", ""}, {"wait", ""}, {"rounds", ""}}
)

// SoundNames lists the tones that a routine can name. Package audio synthesises them.
func SoundNames() []string {
	return []string{"bell", "bowl", "chime", "ping", "tick", "in", "again", "hold", "out", "wait"}
}

// SwellNames lists the sounds that follow a breath phase. A clip of one carries its length.
func SwellNames() []string { return []string{"swell-in", "swell-again", "swell-out"} }

// BedNames lists the beds that a routine can name. Package audio synthesises them.
func BedNames() []string { return []string{"rain", "waves", "brown", "drone"} }

// Positions lists what may stand in a routine's position.
func Positions() []string { return []string{"chair", "floor", "standing", "wall"} }

// Levels lists what may stand in a routine's level.
func Levels() []string { return []string{"easy", "medium", "hard"} }

// stepKind finds the one thing the step does; "" after a problem, when it does nothing or several things.
func (t *tableReader) stepKind() StepKind {
	var found, known []string
	for _, k := range []StepKind{Breathe, Hold, Rest, Reps, Include, Group} {
		known = append(known, string(k))
		if t.has(string(k)) {
			found = append(found, string(k))
		}
	}
	switch {
	case len(found) == 2 && found[0] == string(Breathe) && found[1] == string(Hold):
		return Hold // a hold with paced breaths
	case len(found) > 1:
		t.problemf("", "does several things at once: %s; make a step of each", strings.Join(found, ", "))
		return ""
	case len(found) == 1:
		return StepKind(found[0])
	case t.has("say"):
		return Say
	case t.has("sound"):
		return Sound
	}
	for key := range t.values {
		if !t.isKey(key) && Nearest(key, append(known, "say", "sound")) != "" {
			return "" // the misspelt key is reported as unknown
		}
	}
	t.problemf("", "does nothing; give it say, sound, breathe, hold, rest, reps, routine or steps of its own")
	return ""
}

func (t *tableReader) isKey(key string) bool {
	for _, k := range t.keys {
		if k.Name == key {
			return true
		}
	}
	return false
}

// refuseMisplacedKeys reports known keys that have no meaning in this kind of step.
func (t *tableReader) refuseMisplacedKeys(kind StepKind) {
	if kind == "" {
		return
	}
	for _, k := range t.keys {
		kinds := strings.Fields(k.For)
		if !t.has(k.Name) || len(kinds) == 0 || slices.Contains(kinds, string(kind)) {
			continue
		}
		hint := "it goes with " + joinWithAnd(kinds)
		switch {
		case k.Name == "short" && !t.has("say"):
			continue // reported as short without say
		case k.Name == "for" && (kind == Hold || kind == Rest):
			hint = "the time stands in " + string(kind) + " itself"
		case kind == Include && k.Name == "name":
			hint = "a routine is called by its title"
		case kind == Include && (k.Name == "sides" || k.Name == "switch"):
			hint = "put it on a group around the routine"
		case kind == Group && !slices.Contains([]string{"say", "short", "sound", "cues"}, k.Name):
			hint = "put it into the steps of the group"
		case kind == Include || kind == Group:
			hint = "put it into a step of its own"
		}
		t.problemf(k.Name, "has no meaning in %s; %s", kindName(kind), hint)
	}
}

// kindIfAllowed is kind where key may stand in such a step, else "". With "" the keys inside are not checked against
// the kind: the outer key is a problem already.
func (t *tableReader) kindIfAllowed(key string, kind StepKind) StepKind {
	for _, k := range t.keys {
		if k.Name == key && slices.Contains(strings.Fields(k.For), string(kind)) {
			return kind
		}
	}
	return ""
}

// kindName is a kind of step as a problem names it.
func kindName(kind StepKind) string {
	switch kind {
	case Group:
		return "a group"
	case Include:
		return "a step that includes a routine"
	}
	return fmt.Sprintf("a %s step", kind)
}

// joinWithAnd formats kinds as "a, b and c".
func joinWithAnd(kinds []string) string {
	var names []string
	for _, k := range kinds {
		if k == string(Group) {
			k = "groups"
		}
		names = append(names, k)
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
