package voice

import "testing"

// A text finds its recording however it is typed.
func TestRecordedVoiceLookupOfTypedTexts(t *testing.T) {
	f := &RecordedVoice{exact: map[string]int{}, loose: map[string]int{}}
	for i, text := range []string{"Cobbler's rest.", "Lie down.", "Breathe in, and rest...", "Twenty-one,", "R\u00e9lax."} {
		f.exact[exactKey(text)], f.loose[looseKey(text)] = i, i
	}
	for text, want := range map[string]int{
		"Cobbler\u2019s rest.": 0, "Cobbler\u02bcs rest": 0, "Cobbler\u2018s\u00a0REST.": 0, "Cob\u00adbler's rest.": 0, "\ufeffCobbler's rest\u200b.": 0,
		"Lie\u00addown.": 1, "Lie\u200bdown.": 1, "Lie\u200b down.": 1, "L\u00adie down": 1,
		"Breathe in, and rest\u2026": 2, "Breathe in, and rest.": 2,
		"Twenty\u2011one,": 3, "Twenty\u2013one.": 3,
		"Re\u0301lax.": 4, "R\u00e9lax": 4,
	} {
		if i, has := f.lookup(text); !has || i != want {
			t.Errorf("%q: found %d, %v; want %d", text, i, has, want)
		}
	}
	for _, text := range []string{"Liedown.", "Cobble rest.", "\u200b", ""} {
		if i, has := f.lookup(text); has {
			t.Errorf("%q: found %d", text, i)
		}
	}
}
