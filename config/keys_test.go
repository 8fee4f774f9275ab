package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// Every key of the commented file is one of the settings' types, so that a hint can name it.
func TestKnownKeysHaveThoseOfTheCommentedFile(t *testing.T) {
	known := knownKeys(reflect.TypeFor[Config](), "")
	var values map[string]any
	meta, err := toml.Decode(defaults, &values)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range meta.Keys() {
		isEntry := slices.Contains(known, key[:len(key)-1].String()) // of a table whose keys are free
		if len(key) > 1 && !slices.Contains(known, key.String()) && !isEntry {
			t.Errorf("%s is missing in %v", key, known)
		}
	}
}

func TestUnknownSettings(t *testing.T) {
	for name, tt := range map[string]struct{ text, says string }{
		"a mistyped key":                       {"[audio]\nvolum = 3\n", `unknown setting audio.volum; did you mean "audio.volume"?`},
		"a mistyped section":                   {"[adio]\nvolume = 3\nquiet = \"\"\n", `unknown setting adio; did you mean "audio"?`},
		"a key outside of its section":         {"prefix = \"x\"\n", `did you mean "mqtt.prefix" or "homeassistant.prefix"?`},
		"a key in another section":             {"[audio]\nverbosity = \"short\"\n", `did you mean "voice.verbosity"?`},
		"a section of another program":         {"[bluetooth]\nadapter = \"hci0\"\n", "unknown setting bluetooth; the sections are mqtt"},
		"a key like no other":                  {"[web]\ntls_certificate_chain = \"x\"\n", "use one of web.listen, web.public_url"},
		"in one of several outputs":            {"[[audio.also]]\noutput = \"null\"\nvolumes = 3\n", `did you mean "audio.also.volume"?`},
		"a list of sections that is not known": {"[[timer]]\nat = \"1\"\n[[timer]]\nat = \"2\"\n", "unknown setting timer; the sections are"},
		"a section below a section":            {"[audio.extra]\nx = 1\n", "unknown setting audio.extra; use one of audio.output"},
		"a key of control characters":          {"\"\\u001b[31m\" = 1\n", "the sections are"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(settingsFile(t, tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("it says %v, want %s", err, tt.says)
			}
			if n := strings.Count(err.Error(), "unknown setting"); n != 1 {
				t.Errorf("it is told %d times: %v", n, err)
			}
			if strings.ContainsRune(err.Error(), 0x1b) {
				t.Errorf("a control character reaches the terminal: %q", err)
			}
		})
	}
	t.Run("more than anyone reads", func(t *testing.T) {
		var text strings.Builder
		for i := range 10_000 {
			fmt.Fprintf(&text, "%s%d = 1\n", strings.Repeat("k", 80), i)
		}
		if _, err := Load(settingsFile(t, text.String())); err == nil || len(err.Error()) > 20_000 {
			t.Errorf("%.200v", err)
		}
	})
}

func TestLoadRefusesWrongValues(t *testing.T) {
	for _, tt := range []struct{ text, names string }{
		{"node = 5", "node"},
		{"node = [\"a\"]", "node"},
		{"[mqtt]\nbroker = \"mqtt://h:99999\"", "mqtt.broker"},
		{"[mqtt]\nbroker = \"mqtt://h:-1\"", "mqtt.broker"},
		{"[mqtt]\nphase_lead = \"9999999h\"", "mqtt.phase_lead"},
		{"[mqtt]\nphase_lead = \"-1s\"", "mqtt.phase_lead"},
		{"[mqtt]\nphase_lead = nan", "mqtt.phase_lead"},
		{"[audio]\nvolume = -1", "audio.volume"},
		{"[audio]\nvolume = nan", "audio.volume"},
		{"[audio]\nvolume = inf", "audio.volume"},
		{"[audio]\nvolume = 60.5", "audio.volume"},
		{"[audio]\nvolume = \"60\"", "audio.volume"},
		{"[audio]\nvolume = 99999999999999999999", "audio.volume"},
		{"[audio]\nlead_in = \"1d\"", "audio.lead_in"},
		{"[audio]\nlead_in = [\"1s\"]", "audio.lead_in"},
		{"[audio]\nquiet = \"24:00-25:00\"", "audio.quiet"},
		{"[audio]\nquiet = 22", "audio.quiet"},
		{"[audio]\nalso = \"null\"", "audio.also"},
		{"[[audio.also]]\noutput = \"null\"\nvolume = 101", "audio.also"},
		{"[[audio.also]]\noutput = \"null\"\nvolume = -1", "audio.also"},
		{"[[audio.also]]\nvolume = 10", "audio.also"},
		{"[voice]\ncommand = \"piper\"", "voice.command"},
		{"[voice]\nverbosity = 3", "voice.verbosity"},
		{"[web]\nlisten = \"127.0.0.1:99999\"", "web.listen"},
		{"[web]\nlisten = \"127.0.0.1:-1\"", "web.listen"},
		{"[web]\nlisten = \"127.0.0.1:http-ish\"", "web.listen"},
		{"[web]\nlisten = 8099", "web.listen"},
		{"[web]\nopen = \"yes\"", "web.open"},
		{"[satellite]\nurl = \"ws://h:99999\"", "satellite.url"},
		{"[keys]\ndevices = \"auto\"", "keys.devices"},
		{"[keys]\ndevices = [\"\"]", "keys.devices"},
		{"[keys.map]\nKEY_STOP = 3", "keys.map.KEY_STOP"},
		{"[keys.map]\nKEY_STOP = \"stopp\"", "keys.map.KEY_STOP"},
		{"[keys.map]\nKEY_STPO = \"stop\"", "KEY_STOP"},
		{"audio = 3", "audio"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			// A value of the wrong type is shown in its line, which names the key alone.
			key := tt.names[strings.LastIndexByte(tt.names, '.')+1:]
			if _, err := Load(settingsFile(t, tt.text+"\n")); err == nil || !strings.Contains(err.Error(), tt.names) && !strings.Contains(err.Error(), "| "+key+" = ") {
				t.Errorf("it says %v, want it to name %s", err, tt.names)
			}
		})
	}
}
