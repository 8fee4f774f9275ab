package player_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
)

// box is a routine with a bed, holds and short texts, whose length can be changed.
const box = `
title = "Box breath"
bed   = "rain"
[[step]]
name    = "Breathe"
say     = "Breathe with me for a while."
short   = "Breathe."
breathe = "2-2-2-2"
for     = "32s"
fit     = ["1 breath", "100 breaths"]
`

// plain has no bed, no holds and one text.
const plain = `
title = "Plain"
[[step]]
name = "Rest"
rest = "20s"
fit  = ["10s", "1m"]
`

func titled(title string) string { return strings.Replace(plain, "Plain", title, 1) }

func boxFiles() map[string]string {
	return map[string]string{
		"box": box, "plain": plain, "volume-3": titled("Volume 3"), "two": titled("Breath for two"), "five": titled("Breathe for 5"),
		"bedtime": titled("Out of bed slowly"), "hum": titled("Find your voice slowly"), "held": titled("With holds on"), "volume-7-volume-8": titled("Yoga volume 7 volume 8"),
		"bed-rain": titled("In bed rain"),
	}
}

// otherVoice is another voice than the default one.
type otherVoice struct{ humVoice }

// namedVoices are the voices that a harness knows by name: anna, and a folder.
func namedVoices(name string) (voice.Voice, error) {
	if name == "anna" || name == "/srv/voices/anna" {
		return &otherVoice{}, nil
	}
	return nil, fmt.Errorf("%q is neither a folder nor a voice", name)
}

// A parameter that is wrong is named, with what it may be; so is a routine that is wrong.
func TestStartNamesWhatIsWrong(t *testing.T) {
	for words, want := range map[string]string{
		"start box bed jazz":                               `bed: "jazz" is not known; use one of rain, waves`,
		"start box bed jazz volume 40":                     `bed: "jazz" is not known`,
		"start box volume 40 bed jazz":                     `bed: "jazz" is not known`,
		"start Box breath bed jazz":                        `bed: "jazz" is not known`,
		"start box for ten minutes":                        `for: "ten minutes" is not a length such as "5m"`,
		"start box for 5":                                  `for: "5" is not a length such as "5m"`,
		"start box for -5m":                                `for: "-5m" is not a length`,
		"start box for 5h":                                 `longer than four hours`,
		"start box for":                                    `for: its value is missing`,
		"start box volume loud":                            `volume: "loud" is not a number from 0 to 100`,
		"start box volume 101":                             `volume: "101" is not a number`,
		"start box volume +10":                             `volume: "+10" is not a number`,
		"start box verbosity loud":                         `verbosity: "loud" is not known; use one of full, short, minimal`,
		"start box holds maybe":                            `holds: "maybe" is neither on nor off`,
		"start box voice nobody":                           `voice: "nobody" is not known; use one of hum, anna`,
		"start box volume loud bed jazz":                   `volume: "loud" is not a number from 0 to 100; bed: "jazz" is not known`,
		"start bed jazz":                                   `bed: "jazz" is not known`,
		"start for ten minutes":                            `for: "ten minutes" is not a length`,
		"start bocks bed jazz":                             "no such routine",
		"start Breath for tow":                             "no such routine",
		`{"command":"start box bed jazz"}`:                 `bed: "jazz" is not known`,
		`{"command":"start","routine":"box","bed":"jazz"}`: `bed: "jazz" is not known`,
		`{"command":"start","routine":"box","for":5}`:      `for: "5" is not a length`,
	} {
		runPlayer(t, setup{files: routineFiles(boxFiles())}, func(st *harness) {
			r := st.do(words)
			if r.Status != "error" || !strings.Contains(r.Error, want) || strings.Contains(want, "not") && strings.Contains(r.Error, "no such routine") {
				t.Errorf("%s: %+v, want %s", words, r, want)
			}
			st.wantState(player.Idle)
		})
	}
}

// Words that could be parameters belong to the title where there is such a one.
func TestStartTitleWithParameterWords(t *testing.T) {
	for words, want := range map[string]string{
		"start Volume 3": "volume-3 100", "start volume 3": "volume-3 100", "start volume 3.": "volume-3 100", "start Volume 3 volume 40": "volume-3 40",
		"start volume 30":      "box 30", // the selected one
		"start Breath for two": "two 100", "start breath for two for 30s": "two 100", "start Breathe for 5": "five 100", "start Breathe for 5 volume 20": "five 20",
		"start out of bed slowly bed rain": "bedtime 100", "start Find your voice slowly": "hum 100", "start With holds on holds off": "held 100",
		"start yoga volume 7 volume 8": "volume-7-volume-8 100", "start yoga volume 7 volume 8 volume 9": "volume-7-volume-8 9", "start In bed rain": "bed-rain 100", "start in bed rain bed waves": "bed-rain 100",
	} {
		runPlayer(t, setup{files: routineFiles(boxFiles())}, func(st *harness) {
			st.mustDo("select box")
			st.mustDo(words)
			if s := st.p.State(); fmt.Sprint(s.Routine, " ", s.Volume) != want {
				t.Errorf("%s: %s at volume %d, want %s", words, s.Routine, s.Volume, want)
			}
		})
	}
}

// Before the library was scanned, its files are asked.
func TestStartTitleBeforeTheScan(t *testing.T) {
	runPlayer(t, setup{files: routineFiles(boxFiles())}, func(st *harness) {
		library := routines.Library{routineFiles(boxFiles())}
		p := player.New(player.Config{
			Library: library, Bank: mix.NewBank([]voice.Voice{humVoice{}}, nil, audio.InFolders(library...), slog.New(slog.DiscardHandler)), Output: st.out, Volume: 60,
			ClockTrusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler),
		})
		for words, want := range map[string]string{"start Volume 3": "volume-3 60", "start Breath for two volume 20": "two 20", "start box volume 20": "box 20"} {
			if r := p.DoPayload([]byte(words)); r.Status != "ok" {
				t.Errorf("%s: %+v", words, r)
			}
			if s := p.State(); fmt.Sprint(s.Routine, " ", s.Volume) != want {
				t.Errorf("%s: %s at volume %d, want %s", words, s.Routine, s.Volume, want)
			}
		}
	})
}

// A start that asks for what is playing changes nothing, in whatever words it does.
func TestStartOfTheSame(t *testing.T) {
	for first, others := range map[string][]string{
		"start box": {
			"start box", "start BOX", "start Box breath", "start box breath.", "start box voice hum", "start box voice HUM", "start box verbosity full", "start box holds on",
			"start box for 35240ms", "start box bed rain", "start box bed RAIN", "start box volume 100", "start",
			`{"command":"start","routine":"box","holds":true,"verbosity":"full","voice":"hum","bed":"rain","volume":100}`,
		},
		"start box voice hum for 35240ms bed rain holds on verbosity full": {"start box", "start box voice hum", "start Box breath bed rain"},
		"start plain":          {"start plain bed none", "start plain holds off", "start plain holds on", "start plain verbosity full", "start plain verbosity minimal", "start plain for 20s"},
		"start box voice anna": {"start box voice Anna", "start box voice anna holds on"},
		"start box volume 40":  {"start box", "start box volume 40"},
		"start box for 1m":     {"start box for 60s", "start box for 1m0s bed rain", "start box for 60.001s"},
		"start box bed waves":  {"start Box breath bed waves volume 100"},
	} {
		for _, again := range others {
			for _, paused := range []bool{false, true} {
				runPlayer(t, setup{files: routineFiles(boxFiles())}, func(st *harness) {
					st.mustDo(first)
					st.pull(second)
					if paused {
						st.mustDo("pause")
						st.pullAll()
					}
					plays := st.out.playCount()
					r := st.do(again)
					if r.Status != "ok" || r.Unchanged == paused {
						t.Errorf("%s, then %s: %+v, paused before: %v", first, again, r, paused)
					}
					st.pull(second)
					if s := st.wantState(player.Playing); !paused && st.out.playCount() != plays || s.Position < 0.5 {
						t.Errorf("%s, then %s: it was begun again", first, again)
					}
					if events := st.takeEvents(); strings.Count(events, "routine_started") != 1 {
						t.Errorf("%s, then %s: %s", first, again, events)
					}
				})
			}
		}
	}
	for first, others := range map[string][]string{
		"start box":            {"start plain", "start box voice anna", "start box verbosity short", "start box holds off", "start box for 1m", "start box bed waves", "start box bed none"},
		"start box voice anna": {"start box", "start box voice hum"},
		"start box for 1m":     {"start box"},
	} {
		for _, again := range others {
			runPlayer(t, setup{files: routineFiles(boxFiles())}, func(st *harness) {
				st.mustDo(first)
				st.pull(second)
				if r := st.do(again); r.Status != "ok" || r.Unchanged {
					t.Errorf("%s, then %s: %+v", first, again, r)
				}
				st.pullAll()
				st.pull(second)
				if events := st.takeEvents(); strings.Count(events, "routine_started") != 2 {
					t.Errorf("%s, then %s: %s", first, again, events)
				}
			})
		}
	}
}

// A remote names a voice; no file and no folder is looked for.
func TestStartVoiceIsNoPath(t *testing.T) {
	for _, name := range []string{"/srv/voices/anna", "/etc", "/", "~", "~/anna", "~root", ".", "..", "../anna", "./anna", "voices/anna", `c:\anna`, "%2Fetc", "file:///etc", "anna/", "anna\x00/etc"} {
		runPlayer(t, setup{files: routineFiles(boxFiles())}, func(st *harness) {
			for _, payload := range []string{
				fmt.Sprintf(`{"command":"start","routine":"box","voice":%q}`, name), "start box voice " + name,
			} {
				r := st.do(strings.ReplaceAll(payload, `\x00`, `\u0000`))
				if r.Status != "error" || !strings.Contains(r.Error, "hum, anna") && !strings.Contains(r.Error, "no such routine") && !strings.Contains(r.Error, "its value is missing") {
					t.Errorf("%s: %+v", payload, r)
				}
			}
			st.wantState(player.Idle)
		})
	}
}
