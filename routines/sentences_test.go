package routines

import (
	"slices"
	"strings"
	"testing"
)

func TestLangSentences(t *testing.T) {
	for _, want := range []string{
		// | stands where a sentence ends.
		"Sit tall.| Rest!| Ready?| Go.",
		"Here is Dr. Ames.| She begins.",
		"Mrs. Lake and Ms. Hill, Mr. Dale and St. Anne stay.",
		"Take a prop, e.g. a block, i.e. something firm.| Then rest.",
		"Use a block (e.g. Yours) or a book (approx. 5 cm).",
		"Stay approx. 30 s.| Breathe.",
		"Left vs. right.| Both.",
		"Do No. 7 now.| No.| Not that one.",
		"See No. 7.| No. 8 is next.",
		"At 6 a.m. on the mat.| At 7 p.m.| Again, please.",
		"Mats, blocks etc. lie there.| Bring straps etc.| Begin.| Lie down etc.",
		"This is J. R. Brook.| It is by A. N. Other.",
		"Plan B.| Then rest.| You and I.| We go.",
		"The U.S. team and the U.S. Army.| In the U.S.| Then home.",
		"Lift 2.5 kg.| Lower 3.25 kg slowly.",
		"1. Sit tall.| 2. Rest.| Count to 3.| Then go.",
		"The 1st, the 2nd.| The 3rd.",
		"Wait... and breathe.| Wait...| Now go.| Wait… and breathe.| Wait…| Now go.",
		"Really?!| Yes!!| Good.",
		"dr. ames and DR. AMES come.",
		"Two points.. and on.",
		"Read version 1.2.3 now.| Go to example.org.| Rest.",
		"Rest.\u200b| Then go.",
		"Rest.|\u00a0Then go.",
		"No end at all",
		"...",
		"etc.",
		"Dr.",
	} {
		text := strings.ReplaceAll(want, "|", "")
		var parts []string
		for _, part := range strings.Split(want, "|") {
			parts = append(parts, strings.TrimFunc(part, isBlank))
		}
		got := mustLang(t).sentences(text)
		for i := range got {
			got[i] = strings.TrimRightFunc(got[i], isBlank)
		}
		if !slices.Equal(got, parts) {
			t.Errorf("%q: got %q, want %q", text, got, parts)
		}
	}
}

func TestLangFirstWords(t *testing.T) {
	for text, want := range map[string]string{
		"Lift 2.5 kg with both hands.":    "Lift 2.5 kg with both hands",
		"2.5 kg in each hand.":            "2.5 kg in each hand",
		"Dr. Ames speaks. Listen.":        "Dr. Ames speaks",
		"Sit tall. Rest.":                 "Sit tall",
		"Ready? Go.":                      "Ready",
		"First: the neck. Then the arms.": "First",
		"At 10:30 we rest; then we go.":   "At 10:30 we rest",
		"Begin at 7 a.m.":                 "Begin at 7 a.m.",
		"Mats etc.":                       "Mats etc.",
		"Wait... and rest.":               "Wait... and rest",
		"...":                             "...",
	} {
		if got := mustLang(t).firstWords(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestNormalizeText(t *testing.T) {
	for text, want := range map[string]string{
		"Cobbler\u2019s":                    "Cobbler's",
		"Cobbler\u2018s":                    "Cobbler's",
		"Cobbler\u02bcs":                    "Cobbler's",
		"Cobbler\u00b4s":                    "Cobbler's",
		"Cobbler`s":                         "Cobbler's",
		"Cobbler\uff07s":                    "Cobbler's",
		"\u201eOm\u201c \u00abOm\u00bb":     `"Om" "Om"`,
		"shoul\u00adders":                   "shoulders",
		"\ufeffRest\u200b\u2060\u200e now ": "Rest now",
		"two\u00a0\u202f\u2003words\t":      "two words",
		"four\u2011six\u2013ten\u2014two":   "four-six-ten-two",
		"rest\u2026":                        "rest...",
		"re\u0301lax":                       "r\u00e9lax",
		"\uff14\u2212\uff17":                "4-7",
		"plain text.":                       "plain text.",
		"  two  blanks ":                    "two blanks",
		"\u2764\ufe0f":                      "\u2764",
		"":                                  "",
	} {
		if got := NormalizeText(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if got := NormalizeText(want); got != want {
			t.Errorf("%q is not normalised: %q", want, got)
		}
	}
}

func TestLookupForms(t *testing.T) {
	for text, want := range map[string][]string{
		"Lie down.":            {"Lie down."},
		"Lie\u200bdown.":       {"Liedown.", "Lie down."},
		"Lie\u00ad down.":      {"Lie down.", "Lie down."},
		"shoul\u00adders":      {"shoulders", "shoul ders"},
		"Cobbler\u2019s pose.": {"Cobbler's pose."},
	} {
		if got := LookupForms(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestSpokenText(t *testing.T) {
	for text, want := range map[string]string{
		"Cobbler\u2019s pose\u2026": "Cobbler's pose\u2026",
		"shoul\u00adders \u2013 ½":  "shoulders \u2013 ½",
	} {
		if got := SpokenText(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
