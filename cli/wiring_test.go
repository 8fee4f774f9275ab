package cli

import (
	"slices"
	"testing"

	"guided/config"
)

// A remote is told the names of voices, and of a folder in the settings its last part only.
func TestVoiceNames(t *testing.T) {
	for setting, want := range map[string]struct {
		own string
		all []string
	}{
		"heart":              {"heart", []string{"heart", "michael"}},
		"Michael":            {"michael", []string{"heart", "michael"}},
		"/srv/voices/Anna":   {"Anna", []string{"heart", "michael", "Anna"}},
		"~/voices/anna/":     {"anna", []string{"heart", "michael", "anna"}},
		"../voices/heart":    {"heart", []string{"heart", "michael"}}, // then this name means the folder
		"/srv/../srv/berta/": {"berta", []string{"heart", "michael", "berta"}},
	} {
		c := config.Config{}
		c.Voice.Name = setting
		if own, all := voiceNames(c); own != want.own || !slices.Equal(all, want.all) {
			t.Errorf("%s: %q of %q, want %q of %q", setting, own, all, want.own, want.all)
		}
	}
}
