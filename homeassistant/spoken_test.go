package homeassistant

import (
	"strings"
	"testing"
)

func TestSpokenForms(t *testing.T) {
	for text, want := range map[string]string{
		"Four four six":     "four four six, 4 4 6, 4-4-6, 446",
		"4-7-8":             "four seven eight, 4 7 8, 4-7-8, 478",
		"Box":               "box",
		"20 minutes":        "twenty minutes, 20 minutes",
		"25":                "twenty five, 25",
		"100 breaths":       "one hundred breaths, 100 breaths",
		"Breathe 365 times": "breathe three hundred sixty five times, breathe 365 times",
		"Room 2001":         "room two zero zero one, room 2001",
		"2 rounds of 4-4-6": "two rounds of four four six, 2 rounds of 4 4 6, 2 rounds of 4-4-6, 2 rounds of 446",
		"007":               "zero zero seven, 007",
		"  —  ":             "",
		"Don't — rush":      "don't rush",
	} {
		t.Run(text, func(t *testing.T) {
			var forms []string
			for _, form := range spokenForms(text) {
				if len(forms) == 0 || forms[len(forms)-1] != form {
					forms = append(forms, form)
				}
			}
			if got := strings.Join(forms, ", "); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
