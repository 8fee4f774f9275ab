package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	t.Run("an empty file is the defaults", func(t *testing.T) {
		c, err := Load(settingsFile(t, ""))
		if err != nil {
			t.Fatal(err)
		}
		if c.Audio.Volume != 60 || c.Audio.Output != "auto" || c.MQTT.Prefix != "guided" || c.Voice.Name != "heart" || c.Node == "" {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("every key of the commented file is known", func(t *testing.T) {
		if _, err := Load(settingsFile(t, defaults)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a setting replaces its default and leaves its neighbours", func(t *testing.T) {
		c, err := Load(settingsFile(t, "node = \"mat\"\n[audio]\nlead_in = \"2s\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if c.Node != "mat" || c.Audio.LeadIn.Seconds() != 2 || c.Audio.Volume != 60 {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("a key with another command leaves the others theirs", func(t *testing.T) {
		c, err := Load(settingsFile(t, "[keys.map]\nKEY_VOLUMEUP = \"start yoga\"\nKEY_PLAY = \"\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if m := c.Keys.Map; m["KEY_VOLUMEUP"] != "start yoga" || m["KEY_PLAY"] != "" || m["KEY_VOLUMEDOWN"] != "volume -5" {
			t.Error(m)
		}
	})
	for name, tt := range map[string]struct{ text, want string }{
		"an unknown key, with a hint":          {"[audio]\nouput = \"null\"\n", `did you mean "audio.output"`},
		"a bare number for a time":             {"[audio]\nlead_in = 5\n", `"5s"`},
		"a volume above 100":                   {"[audio]\nvolume = 140\n", "audio.volume"},
		"hours without minutes":                {"[audio]\nquiet = \"22-7\"\n", `"22:00-07:00"`},
		"a verbosity that does not exist":      {"[voice]\nverbosity = \"much\"\n", "voice.verbosity"},
		"an engine that does not exist":        {"[voice]\nengine = \"festival\"\n", "voice.engine"},
		"a command engine without its program": {"[voice]\nengine = \"command\"\n", "voice.command"},
		"a Wyoming server without its scheme":  {"[voice]\nengine = \"wyoming\"\nwyoming = \"pi:10200\"\n", "tcp://127.0.0.1:10200"},
		"a syntax error, with its line":        {"[audio\n", "line 2"},
		"a broker without a scheme":            {"[mqtt]\nbroker = \"localhost\"\n", "mqtt.broker"},
		"a wildcard in the node":               {"node = \"a/#\"\n", "node"},
		"a level of the log that is none":      {"[log]\nlevel = \"verbose\"\n", "debug, info, warn, error"},
		"a number for the level of the log":    {"[log]\nlevel = 3\n", "debug, info, warn, error"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(settingsFile(t, tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %s", err, tt.want)
			}
		})
	}
	t.Run("all problems in one error", func(t *testing.T) {
		_, err := Load(settingsFile(t, "[audio]\nvolume = 140\n[voice]\nengine = \"x\"\n"))
		if err == nil || !strings.Contains(err.Error(), "audio.volume") || !strings.Contains(err.Error(), "voice.engine") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a named file that does not exist", func(t *testing.T) {
		if _, err := Load(filepath.Join(t.TempDir(), "none.toml")); err == nil {
			t.Error("no error")
		}
	})
}

func TestHoursContains(t *testing.T) {
	for name, tt := range map[string]struct {
		hours, at string
		want      bool
	}{
		"in the night":              {"22:00-07:00", "23:30", true},
		"after midnight":            {"22:00-07:00", "06:59", true},
		"at their end":              {"22:00-07:00", "07:00", false},
		"the start of an afternoon": {"13:00-14:30", "13:00", true},
		"the end of it":             {"13:00-14:30", "14:30", false},
		"no hours":                  {"", "03:00", false},
	} {
		t.Run(name, func(t *testing.T) {
			var h Hours
			if err := h.UnmarshalTOML(tt.hours); err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse("15:04", tt.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := h.contains(at); got != tt.want {
				t.Errorf("quiet: %v, want %v", got, tt.want)
			}
		})
	}
}

// BenchmarkLoad reads the settings as the package brings them.
func BenchmarkLoad(b *testing.B) {
	text, err := os.ReadFile("guided.toml")
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "guided.toml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(file); err != nil {
			b.Fatal(err)
		}
	}
}

func TestResumeSettings(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"mode = \"auto\"":           "",
		"mode = \"never\"":          "",
		"within = \"24h\"":          "",
		"within = \"1m\"":           "",
		"mode = \"atuo\"":           `resume.mode: "atuo" is not known; did you mean "auto"`,
		"mode = \"\"":               "resume.mode",
		"within = \"59s\"":          `resume.within: "59s" is no time from "1m" to "24h"`,
		"within = \"25h\"":          "resume.within",
		"within = \"soon\"":         "resume.within",
		"within = 30":               "within",
		"wihtin = \"30m\"":          `did you mean "resume.within"`,
		"within = \"-30m\"":         "resume.within",
		"within = \"1h\"\nmode = 1": "mode",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := Load(settingsFile(t, "[resume]\n"+text+"\n"))
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

func TestNightIsTheQuietHoursOrTheUsualOnes(t *testing.T) {
	for quiet, night := range map[string][]int{"": {22, 23, 0, 6}, "20:00-06:00": {20, 21, 22, 23, 0, 5}, "13:00-15:00": {13, 14}} {
		c, err := Load(settingsFile(t, "[audio]\nquiet = \""+quiet+"\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		for _, hour := range night {
			if at := time.Date(2026, 5, 1, hour, 30, 0, 0, c.zone); !c.NightAt(at) {
				t.Errorf("%q: %v is no night", quiet, at)
			}
		}
		if at := time.Date(2026, 5, 1, 8, 0, 0, 0, c.zone); c.NightAt(at) {
			t.Errorf("%q: %v is night", quiet, at)
		}
	}
}
