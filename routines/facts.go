package routines

import "strings"

// Positions and Levels are what may stand in a routine's position and level.
func Positions() []string { return []string{"chair", "floor", "standing", "wall"} }

// Levels lists how much a routine asks of a body.
func Levels() []string { return []string{"easy", "medium", "hard"} }

// metadata reads what people choose a routine by.
func (t *tableReader) metadata() Facts {
	f := Facts{Tags: t.textList("tags"), Equipment: t.textList("equipment"), Position: t.textList("position"), Level: t.oneOf("level", Levels()...), Cautions: t.textList("cautions")}
	for _, p := range f.Position {
		if !contains(Positions(), p) {
			t.problemf("position", "%q is not known; %s", excerpt(p), didYouMean(p, Positions()))
		}
	}
	return f
}

// textList is a list of texts; one alone may stand without brackets.
func (t *tableReader) textList(key string) []string {
	list, is := t.values[key].([]any)
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
			t.problemf(key, "want a list of texts in quotes, found %s in it", describe(v))
			return nil
		}
		texts = append(texts, s)
	}
	return texts
}

// bed reads what sounds under the whole routine.
func (t *tableReader) bed() Bed {
	b := Bed{Sound: t.text("bed"), Swell: t.boolean("swell")}
	switch {
	case b.Sound == "" && t.has("swell") && !t.has("bed"):
		t.problemf("swell", `has no meaning without a bed; add bed = "waves"`)
	case b.Sound == "" || contains(BedNames(), b.Sound):
	case !isSoundFile(b.Sound):
		t.problemf("bed", "%q is neither a bed nor a .wav, .flac or .opus file; %s", excerpt(b.Sound), didYouMean(b.Sound, BedNames()))
	case leavesFolder(b.Sound):
		t.problemf("bed", "%q lies outside the folder of routines; put the file beside the routine", excerpt(b.Sound))
	}
	return b
}

// boolean is true or false; false when the key is absent or wrong.
func (t *tableReader) boolean(key string) bool {
	v, found := t.values[key]
	b, is := v.(bool)
	if found && !is {
		t.problemf(key, "want true or false, found %s", describe(v))
	}
	return b
}
