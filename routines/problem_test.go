package routines_test

import (
	"testing"

	"guided/routines"
)

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		word  string
		names []string
		want  string
	}{
		{"breth", []string{"rest", "breathe"}, "breathe"},
		{"BREATHE", []string{"breathe"}, "breathe"},
		{"wholly else", []string{"rest", "breathe"}, ""},
		{"a", []string{"", "b"}, "b"}, // an empty name is as near, and no suggestion
		{"", []string{""}, ""},
		{"x", nil, ""},
	} {
		if got := routines.Nearest(c.word, c.names); got != c.want {
			t.Errorf("%q of %q: got %q, want %q", c.word, c.names, got, c.want)
		}
	}
}

func TestDidYouMeanIsNeverEmpty(t *testing.T) {
	for _, c := range []struct {
		word  string
		names []string
		want  string
	}{
		{"mornin", []string{"morning", "box"}, `did you mean "morning"?`},
		{"evening", []string{"morning", "box"}, "use one of morning, box"},
		{"", []string{"morning", "box"}, "use one of morning, box"},
		{"a", []string{""}, "there is none"},
		{"a", nil, "there is none"},
	} {
		if got := routines.DidYouMean(c.word, c.names); got != c.want {
			t.Errorf("%q of %q: got %q, want %q", c.word, c.names, got, c.want)
		}
	}
}
