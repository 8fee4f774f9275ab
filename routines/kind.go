package routines

import (
	"fmt"
	"strings"
)

// stepKind finds the one thing the step does; "" when it is none, or several.
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
		return Hold // with a pacer inside
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
			return "" // the wrong key is told already
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

// refuseMisplacedKeys refuses keys that mean nothing for this kind of step.
func (t *tableReader) refuseMisplacedKeys(kind StepKind) {
	if kind == "" {
		return
	}
	for _, k := range t.keys {
		kinds := strings.Fields(k.For)
		if !t.has(k.Name) || len(kinds) == 0 || contains(kinds, string(kind)) {
			continue
		}
		hint := "it goes with " + joinWithAnd(kinds)
		switch {
		case k.Name == "short" && !t.has("say"):
			continue // it has no meaning anywhere, and that is told
		case k.Name == "for" && (kind == Hold || kind == Rest):
			hint = "the time stands in " + string(kind) + " itself"
		case kind == Include && k.Name == "name":
			hint = "a routine is called by its title"
		case kind == Include && (k.Name == "sides" || k.Name == "switch"):
			hint = "put it on a group around the routine"
		case kind == Group && !contains([]string{"say", "short", "sound", "cues"}, k.Name):
			hint = "put it into the steps of the group"
		case kind == Include || kind == Group:
			hint = "put it into a step of its own"
		}
		t.problemf(k.Name, "has no meaning in %s; %s", kindName(kind), hint)
	}
}

// kindIfAllowed is the kind that what is inside a key must go with: none when the key itself does not go with it.
func (t *tableReader) kindIfAllowed(key string, kind StepKind) StepKind {
	for _, k := range t.keys {
		if k.Name == key && contains(strings.Fields(k.For), string(kind)) {
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

// joinWithAnd is "a, b and c".
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
