package routines

import "strings"

// Positions and Levels are what may stand in a routine's position and level.
func Positions() []string { return []string{"chair", "floor", "standing", "wall"} }

// Levels lists how much a routine asks of a body.
func Levels() []string { return []string{"easy", "medium", "hard"} }

// facts reads what people choose a routine by.
func (t *table) facts() Facts {
	f := Facts{Tags: t.texts("tags"), Equipment: t.texts("equipment"), Position: t.texts("position"), Level: t.oneOf("level", Levels()...), Cautions: t.texts("cautions")}
	for _, p := range f.Position {
		if !contains(Positions(), p) {
			t.problem("position", "%q is not known; %s", shortened(p), didYouMean(p, Positions()))
		}
	}
	return f
}

// texts is a list of texts; one alone may stand without brackets.
func (t *table) texts(key string) []string {
	list, is := t.m[key].([]any)
	if !is {
		if s := t.text(key); s != "" {
			return []string{s}
		}
		return nil
	}
	var texts []string
	for _, v := range list {
		s, is := v.(string)
		if s = strings.Join(strings.Fields(s), " "); !is || s == "" || len(s) > maxLetters {
			t.problem(key, "want a list of texts in quotes, found %s in it", describe(v))
			return nil
		}
		texts = append(texts, s)
	}
	return texts
}

// bed reads what sounds under the whole routine.
func (t *table) bed() Bed {
	b := Bed{Sound: t.text("bed"), Swell: t.flag("swell")}
	switch {
	case b.Sound == "" && t.has("swell") && !t.has("bed"):
		t.problem("swell", `has no meaning without a bed; add bed = "waves"`)
	case b.Sound == "" || contains(BedNames(), b.Sound):
	case !isSoundFile(b.Sound):
		t.problem("bed", "%q is neither a bed nor a .wav, .flac or .opus file; %s", shortened(b.Sound), didYouMean(b.Sound, BedNames()))
	case outside(b.Sound):
		t.problem("bed", "%q lies outside the folder of routines; put the file beside the routine", shortened(b.Sound))
	}
	return b
}

// flag is true or false; false when the key is absent or wrong.
func (t *table) flag(key string) bool {
	v, found := t.m[key]
	b, is := v.(bool)
	if found && !is {
		t.problem(key, "want true or false, found %s", describe(v))
	}
	return b
}
