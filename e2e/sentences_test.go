package e2e

import (
	"fmt"
	"guided/cli"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// own are routines as people write them, with titles that could break a file or a sentence.
var own = map[string]string{
	"evening":  `My evening routine`,
	"mum":      `Mum's 5-minute stretch & breathe!`,
	"braces":   `[square] <sharp> (round) | 100% "quoted": yes # \ no`,
	"schulter": `Für die Schulter`,
	"yoga2":    `Yoga`,
	"broken":   ``,
}

// ownRoutines puts them into a folder of settings.
func ownRoutines(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, title := range own {
		text := fmt.Sprintf("title = '''%s'''\n[[step]]\nrest = \"5s\"\n", title)
		if err := os.WriteFile(filepath.Join(dir, name+".toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "settings")
	text := fmt.Sprintf("node = \"attic\"\n[routines]\ndir = %q\n[mqtt]\nprefix = \"house/guided\"\n[homeassistant]\nname = \"Yoga Mat\"\n[web]\nlisten = \"192.168.1.50:8099\"\n", dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"XDG_STATE_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, filepath.Join(dir, name))
	}
	return config
}

func TestSentences(t *testing.T) {
	config := ownRoutines(t)
	code, file, complaint := invoke(t, "--config", config, "ha", "sentences")
	if code != cli.Done {
		t.Fatal(complaint)
	}
	a := newAssist(t, file)
	// What is said here was said to Home Assistant 2026.11 too, with the same outcome.
	for words, want := range map[string]string{
		"start yoga":                                 "GuidedStart guided_routine=yoga",
		"Start the morning routine.":                 "GuidedStart guided_routine=morning",
		"Guide me through box breathing":             "GuidedStart guided_routine=box",
		"begin four four six":                        "GuidedStart guided_routine=4-4-6",
		"play 4-4-6":                                 "GuidedStart guided_routine=4-4-6",
		"play 4 4 6":                                 "GuidedStart guided_routine=4-4-6",
		"play 446":                                   "GuidedStart guided_routine=4-4-6",
		"do four, seven, eight":                      "GuidedStart guided_routine=4-7-8",
		"start 3 breaths":                            "GuidedStart guided_routine=three-breaths",
		"play my standing posture reset":             "GuidedStart guided_routine=posture-reset-standing",
		"start posture reset standing":               "GuidedStart guided_routine=posture-reset-standing",
		"do the chair stretch":                       "GuidedStart guided_routine=chair",
		"start my evening routine":                   "GuidedStart guided_routine=evening",
		"start my evening":                           "GuidedStart guided_routine=evening",
		"start mum's five minute stretch":            "",
		"play mum's 5 minute stretch and breathe":    "GuidedStart guided_routine=mum",
		"start für die Schulter":                     "GuidedStart guided_routine=schulter",
		"start square sharp round 100 quoted yes no": "GuidedStart guided_routine=braces",
		"start yoga 2":                               "GuidedStart guided_routine=yoga2",
		"start yoga for 20 minutes":                  "GuidedStart guided_routine=yoga minutes=20",
		"start the yoga session for 1 minute":        "GuidedStart guided_routine=yoga minutes=1",
		"start 10 minutes of yoga":                   "GuidedStart minutes=10 guided_routine=yoga",
		"start a 10-minute yoga":                     "GuidedStart minutes=10 guided_routine=yoga",
		"begin the routine":                          "GuidedControl start",
		"pause the routine":                          "GuidedControl pause",
		"resume yoga":                                "GuidedControl resume",
		"continue my exercise":                       "GuidedControl resume",
		"next step":                                  "GuidedControl next",
		"go to the next exercise":                    "GuidedControl next",
		"skip this pose":                             "GuidedControl next",
		"skip the routine":                           "GuidedControl next",
		"go back one step":                           "GuidedControl back",
		"previous exercise":                          "GuidedControl back",
		"repeat that step":                           "GuidedControl repeat",
		"do this exercise again":                     "GuidedControl repeat",
		"stop the session":                           "GuidedControl stop",
		"end guided":                                 "GuidedControl stop",
		"slow the breathing down":                    "GuidedControl slower",
		"breathe more slowly":                        "GuidedControl slower",
		"make the routine faster":                    "GuidedControl faster",
		"I'm ready":                                  "GuidedControl ready",
		"I am ready for the next exercise":           "GuidedControl ready",
		"set the routine volume to 40 percent":       "GuidedVolume volume=40",
		"set the volume of the exercise to 30%":      "GuidedVolume volume=30",
		"guided volume 35":                           "GuidedVolume volume=35",
		"make the routine louder":                    "GuidedVolume 10",
		"turn the yoga down":                         "GuidedVolume -10",
	} {
		t.Run(words, func(t *testing.T) {
			if got := a.hear(t, words); got != want {
				t.Errorf("is taken for %q, want %q", got, want)
			}
		})
	}
	for _, words := range []string{
		"stop", "pause", "next", "resume", "continue", "skip", "go back", "play", "stop the music", "pause the timer", "next track",
		"skip this song", "play yoga music", "set the volume to 40", "turn up the volume", "turn the lights down", "start a timer for 5 minutes",
		"activate guided morning", "guided morning", "run morning", "stop the timer", "never mind", "faster", "start",
	} {
		t.Run("Home Assistant keeps: "+words, func(t *testing.T) {
			if got := a.hear(t, words); got != "" {
				t.Errorf("is taken for %q", got)
			}
		})
	}
	t.Run("a routine with problems is left out", func(t *testing.T) {
		if strings.Contains(file, `"broken"`) {
			t.Error(file)
		}
	})
	t.Run("two routines of one title: the first has it, the other its name", func(t *testing.T) {
		if strings.Count(file, `(yoga)`) != 1 || strings.Count(file, `(yoga2|yoga 2`) > 1 {
			t.Error(file)
		}
	})
}
