package player_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"guided/player"
	"guided/routines"
)

func intPtr(v int) *int { return &v }

func boolPtr(b bool) *bool { return &b }

func TestParseAccepts(t *testing.T) {
	type command = player.Command
	at := time.UnixMilli(1_700_000_000_500)
	for payload, want := range map[string]command{
		"":                                 {Verb: "status"},
		" ? ":                              {Verb: "status"},
		"status":                           {Verb: "status"},
		"PAUSE":                            {Verb: "pause"},
		"start":                            {Verb: "start"},
		"start 4-4-6":                      {Verb: "start", Routine: "4-4-6"},
		"Start Four four six":              {Verb: "start", Routine: "Four four six"},
		"start 4-4-6 for 5m":               {Verb: "start", Routine: "4-4-6", Parameters: player.Parameters{For: 5 * time.Minute}},
		"start 4-4-6 volume 40 for 90s":    {Verb: "start", Routine: "4-4-6", Parameters: player.Parameters{For: 90 * time.Second}, Volume: intPtr(40)},
		"start for 5m":                     {Verb: "start", Parameters: player.Parameters{For: 5 * time.Minute}},
		"start Breathing for sleep":        {Verb: "start", Routine: "Breathing for sleep"},
		"start Breathing for sleep for 5m": {Verb: "start", Routine: "Breathing for sleep", Parameters: player.Parameters{For: 5 * time.Minute}},
		"start yoga verbosity short holds off bed rain voice Michael":                           {Verb: "start", Routine: "yoga", Parameters: player.Parameters{Verbosity: "short", Holds: boolPtr(false), Bed: "rain", Voice: "michael"}},
		"start Out of bed slowly":                                                               {Verb: "start", Routine: "Out of bed slowly"},
		`{"command":"start","routine":"yoga","holds":false,"verbosity":"minimal","bed":"none"}`: {Verb: "start", Routine: "yoga", Parameters: player.Parameters{Verbosity: "minimal", Holds: boolPtr(false), Bed: "none"}},
		"extend":                             {Verb: "extend"},
		"extend 1m":                          {Verb: "extend", Extend: routines.Length{Samples: 60 * routines.Rate}},
		"extend 3 breaths":                   {Verb: "extend", Extend: routines.Length{Breaths: 3}},
		`{"command":"extend","for":"20s"}`:   {Verb: "extend", Extend: routines.Length{Samples: 20 * routines.Rate}},
		"select evening yoga":                {Verb: "select", Routine: "evening yoga"},
		"volume 40%":                         {Verb: "volume", Volume: intPtr(40)},
		"volume 40 %":                        {Verb: "volume", Volume: intPtr(40)},
		"volume 39.6":                        {Verb: "volume", Volume: intPtr(40)},
		"volume":                             {Verb: "volume"},
		"say dinner is ready":                {Verb: "say", Text: "dinner is ready"},
		`{"command":"?"}`:                    {Verb: "status"},
		`{"command":"stop"}`:                 {Verb: "stop"},
		`{"command":"start","routine":446}`:  {Verb: "start", Routine: "446"},
		`{"command":"volume","volume":40}`:   {Verb: "volume", Volume: intPtr(40)},
		`{"command":"volume","volume":"40"}`: {Verb: "volume", Volume: intPtr(40)},
		`{"command":"start","routine":"4-4-6","for":"5m","volume":"40.0","transaction":7}`:    {Verb: "start", Routine: "4-4-6", Parameters: player.Parameters{For: 5 * time.Minute}, Volume: intPtr(40), Transaction: "7"},
		`{"command":"start 4-4-6 for 5m","transaction":"x"}`:                                  {Verb: "start", Routine: "4-4-6", Parameters: player.Parameters{For: 5 * time.Minute}, Transaction: "x"},
		`{"command":"start","routine":"4-4-6","for":null,"volume":"","sent_at":1700000000.5}`: {Verb: "start", Routine: "4-4-6", SentAt: at},
		`{"command":"stop","sent_at":"1700000000.5"}`:                                         {Verb: "stop", SentAt: at},
		`{"command":"say","text":"dinner"}`:                                                   {Verb: "say", Text: "dinner"},
		"{\"command\":\"stop\"}\n":                                                            {Verb: "stop"},
		`{"command":"start","routine":"4-4-6","transaction":null,"sent_at":null,"text":null}`: {Verb: "start", Routine: "4-4-6"},
	} {
		got, err := player.Parse([]byte(payload))
		if err != nil {
			t.Errorf("%s: %v", payload, err)
		}
		if !got.SentAt.Equal(want.SentAt) {
			t.Errorf("%s: sent at %v, want %v", payload, got.SentAt, want.SentAt)
		}
		got.SentAt = want.SentAt
		if !reflect.DeepEqual(fields(got), fields(want)) {
			t.Errorf("%s: %+v, want %+v", payload, got, want)
		}
	}
}

// fields are the exported fields of a command.
func fields(c player.Command) map[string]any {
	all := map[string]any{}
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			all[f.Name] = v.Field(i).Interface()
		}
	}
	return all
}

func TestParseRefuses(t *testing.T) {
	for payload, want := range map[string]string{
		"pause 5m":                              `pause takes nothing after it, not "5m"; write: pause`,
		"volume loud":                           `volume: "loud" is not a number from 0 to 100; write: volume 40`,
		"volume +10":                            "not a number",
		"volume NaN":                            "not a number",
		"volume -1":                             "not a number",
		"extend 5":                              `"5" has no unit`,
		`{"command":"start","holds":"maybe"}`:   "neither on nor off",
		`{"command":"start","bed":"reign"}`:     `use one of rain, waves`,
		`{"command":"start","verbosity":"all"}`: "use one of full, short, minimal",
		"resum":                                 `did you mean "resume"?`,
		"hello":                                 "use one of start, select, pause",
		"[1]":                                   "no JSON object",
		"{}":                                    "no command in the JSON",
		`{"command":"stop"`:                     "not a command in JSON",
		`{"command":"stop"} {}`:                 "goes on after its end",
		`{"command":"stop"}}`:                   "goes on after its end",
		`{"command":["stop"]}`:                  "command: want a text or a number",
		`{"command":true}`:                      `unknown command "true"`,
		`{"command":"stop","transaction":{}}`:   "transaction: want a text or a number",
		`{"routine":"x"}`:                       `"routine" without a command; add "command":"start"`,
		`{"command":"start","rutine":"x"}`:      `unknown key "rutine"; did you mean "routine"?`,
		`{"command":"start","xyz":"x"}`:         `unknown key "xyz"; use one of command, routine, for`,
		`{"command":"pause","for":"5m"}`:        `pause takes no "for"; write: pause`,
		`{"command":"start","for":5}`:           "not a length",
		`{"command":"stop","sent_at":"noon"}`:   "sent_at",
		`{"command":"stop","sent_at":"NaN"}`:    "sent_at",
		`{"command":"stop","sent_at":17e20}`:    "seconds since 1970",
	} {
		_, err := player.Parse([]byte(payload))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", payload, err, want)
		}
	}
	c, err := player.Parse([]byte(`{"command":"start","rutine":"x","transaction":"7"}`))
	if err == nil || c.Verb != "start" || c.Transaction != "7" {
		t.Errorf("a refusal cannot name its command: %+v", c)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "?", "start 4-4-6 for 5m volume 40", "start for 5m", "VOLUME 40%", "say x y", "{", "{}", "null",
		`{"command":"start 4-4-6 for 5m","transaction":"x"}`, `{"command":"start","routine":"x","for":"5m","volume":"40","sent_at":1e9}`,
		`{"command":"stop","sent_at":"2026-01-31 07:30:00+01:00"}`, `{"command":null,"volume":{}}`, "start for \xff", "volume +5", "volume -101", "volume 1e2", `{"command":"volume","volume":-0.5}`, "extend 3 breaths", "snooze 20m", "schedule off Morning",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := player.Parse(payload)
		if err != nil {
			return
		}
		if c.Verb == "" || c.Verb != strings.ToLower(c.Verb) {
			t.Errorf("verb %q", c.Verb)
		}
		if c.Volume != nil && (*c.Volume < 0 || *c.Volume > 100) {
			t.Errorf("volume %d", *c.Volume)
		}
		if c.For < 0 || c.For > 4*time.Hour {
			t.Errorf("for %v", c.For)
		}
	})
}
