package player_test

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"guided/player"
)

// asUTF16 is a text in UTF-16, with a byte order mark or without.
func asUTF16(text string, order binary.AppendByteOrder, mark bool) string {
	var data []byte
	if mark {
		data = order.AppendUint16(data, 0xFEFF)
	}
	for _, unit := range utf16.Encode([]rune(text)) {
		data = order.AppendUint16(data, unit)
	}
	return string(data)
}

// framings are ways in which senders deliver a text that is meant as it stands.
func framings() map[string]func(text string) string {
	return map[string]func(text string) string{
		"as it is":                    func(s string) string { return s },
		"a NUL at the end":            func(s string) string { return s + "\x00" },
		"padded with NULs":            func(s string) string { return s + "\x00\x00\x00" },
		"a NUL before":                func(s string) string { return "\x00" + s },
		"NULs and ends of lines":      func(s string) string { return "\r\n\x00 " + s + "\x00\r\n\x00\n" },
		"a byte order mark":           func(s string) string { return "\ufeff" + s },
		"two of them":                 func(s string) string { return "\ufeff\ufeff" + s + "\ufeff" },
		"a mark, a NUL and a newline": func(s string) string { return "\ufeff" + s + "\n\x00" },
		"CR LF":                       func(s string) string { return s + "\r\n" },
		"CR":                          func(s string) string { return s + "\r" },
		"hard blanks around":          func(s string) string { return "\u00a0" + s + "\u00a0\u2003" },
		"hard blanks between":         func(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") },
		"invisible characters":        func(s string) string { return "\u200b\u200e" + s + "\u2060" },
		"quotes":                      func(s string) string { return `"` + s + `"` },
		"quotes and blanks":           func(s string) string { return ` " ` + s + ` "` + "\n" },
		"single quotes":               func(s string) string { return "'" + s + "'" },
		"typographic quotes":          func(s string) string { return "“" + s + "”" },
		"both quotes":                 func(s string) string { return `"'` + s + `'"` },
		"a JSON string":               func(s string) string { return strings.TrimSpace(fmt.Sprintf("%q", s)) },
		"UTF-16 LE":                   func(s string) string { return asUTF16(s, binary.LittleEndian, true) },
		"UTF-16 BE":                   func(s string) string { return asUTF16(s, binary.BigEndian, true) },
		"UTF-16 LE, no mark":          func(s string) string { return asUTF16(s, binary.LittleEndian, false) },
		"UTF-16 BE, no mark":          func(s string) string { return asUTF16(s, binary.BigEndian, false) },
		"UTF-16 with a NUL":           func(s string) string { return asUTF16(s+"\x00", binary.LittleEndian, true) },
		"UTF-16 cut in half a NUL":    func(s string) string { return asUTF16(s, binary.LittleEndian, true) + "\x00" },
	}
}

func TestParsePassesOverFraming(t *testing.T) {
	for _, payload := range []string{
		"", "?", "stop", "start evening yoga for 5m", "volume 40%", "extend 3 breaths",
		`{"command":"stop"}`, `{"command":"start","routine":"evening yoga","volume":"40"}`, `{"command":"start evening yoga","transaction":7}`,
	} {
		want, err := player.Parse([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		for name, frame := range framings() {
			if strings.Contains(payload, `"`) && strings.Contains(name, "quotes") && !strings.Contains(name, "single") && !strings.Contains(name, "typographic") {
				continue // quotes in quotes are no framing
			}
			got, err := player.Parse([]byte(frame(payload)))
			if err != nil || !reflect.DeepEqual(fields(got), fields(want)) {
				t.Errorf("%s, %s: %q is %+v, %v", payload, name, frame(payload), got, err)
			}
		}
	}
}

func TestParseAsPeopleWrite(t *testing.T) {
	for payload, want := range map[string]player.Command{
		"Stop.":                               {Verb: "stop"},
		"STOP!!":                              {Verb: "stop"},
		"Pause, ":                             {Verb: "pause"},
		"stop ...":                            {Verb: "stop"},
		"Status?":                             {Verb: "status"},
		"Volume 40.":                          {Verb: "volume", Volume: intPtr(40)},
		`{"command":"Stop."}`:                 {Verb: "stop"},
		`{"command":"STOP"};`:                 {Verb: "stop"},
		`{"command":"stop\u0000"}`:            {Verb: "stop"},
		`{"command":"'stop'"}`:                {Verb: "stop"},
		"start\x00yoga":                       {Verb: "start", Routine: "yoga"},
		"start yoga\x00\x00 volume\x0040":     {Verb: "start", Routine: "yoga", Volume: intPtr(40)},
		`start "evening yoga"`:                {Verb: "start", Routine: "evening yoga"},
		"start 'evening yoga' VOLUME 40":      {Verb: "start", Routine: "evening yoga", Volume: intPtr(40)},
		"start d\xe9tente":                    {Verb: "start", Routine: "détente"},
		"start \x93yoga\x94":                  {Verb: "start", Routine: "yoga"},
		"\x93start yoga\x94":                  {Verb: "start", Routine: "yoga"},
		"Start Yoga Verbosity SHORT Bed Rain": {Verb: "start", Routine: "Yoga", Parameters: player.Parameters{Verbosity: "short", Bed: "rain"}},
		`{"Command":"Start","ROUTINE":"yoga","Bed":"NONE","Holds":"OFF"}`: {Verb: "start", Routine: "yoga", Parameters: player.Parameters{Bed: "none", Holds: boolPtr(false)}},
		"select yoga!":                              {Verb: "select", Routine: "yoga"},
		"say It's 5 o'clock!":                       {Verb: "say", Text: "It's 5 o'clock!"},
		`"say it's \"so\""`:                         {Verb: "say", Text: `it's "so"`},
		"say Ready?\x00":                            {Verb: "say", Text: "Ready?"},
		"'{\"command\":\"stop\"}'":                  {Verb: "stop"},
		`"{\"command\":\"stop\"}"`:                  {Verb: "stop"},
		`"{\"command\":\"\\\"stop\\\"\"}"` + "\x00": {Verb: "stop"},
	} {
		got, err := player.Parse([]byte(payload))
		if err != nil || !reflect.DeepEqual(fields(got), fields(want)) {
			t.Errorf("%q: %+v, %v, want %+v", payload, got, err, want)
		}
	}
}

// What is no command in JSON is refused, and the response names what could be read of it.
func TestParseBrokenJSON(t *testing.T) {
	for payload, want := range map[string]player.Command{
		`{"command":"stop"`:                             {Verb: "stop"},
		`{"command":"stop`:                              {Verb: "stop"},
		`{command: stop}`:                               {Verb: "stop"},
		`{'command': 'stop'}`:                           {Verb: "stop"},
		`{"command"="stop"}`:                            {Verb: "stop"},
		`{"transaction":"7","command":"start yoga",}`:   {Verb: "start", Transaction: "7"},
		`{"command":"start","transaction":7,"volume":}`: {Verb: "start", Transaction: "7"},
		`{"command":"stop"} {"command":"start"}`:        {Verb: "stop"},
		`{"command":"stop"}{`:                           {Verb: "stop"},
		`{"command":["stop"]}`:                          {},
		`{"command":{"command":"stop"}}`:                {},
		`{}`:                                            {},
		`{"command":""}`:                                {},
		`{"command":null}`:                              {},
		`{"command":" "}`:                               {},
		`{"transaction":"7"}`:                           {Transaction: "7"},
		`{"sent_at":"2026-01-31T07:30:00Z"}`:            {},
		`{"volume":40}`:                                 {},
		`{`:                                             {},
		`}`:                                             {Verb: "}"},
		`[]`:                                            {},
		`["stop"]`:                                      {},
		`[{"command":"stop"}]`:                          {},
		`null`:                                          {Verb: "null"},
		`true`:                                          {Verb: "true"},
		`42`:                                            {Verb: "42"},
		`{"commands":"stop"}`:                           {},
	} {
		got, err := player.Parse([]byte(payload))
		if err == nil {
			t.Errorf("%s: accepted as %+v", payload, got)
		}
		if got.Verb != want.Verb || got.Transaction != want.Transaction {
			t.Errorf("%s: the response names %q, %q, want %q, %q (%v)", payload, got.Verb, got.Transaction, want.Verb, want.Transaction, err)
		}
	}
}

// The body of a request has its verb beside it.
func TestParseBody(t *testing.T) {
	for body, want := range map[string]player.Command{
		"": {Verb: "start"}, " \r\n": {Verb: "start"}, "\x00": {Verb: "start"}, "{}": {Verb: "start"}, "{}\x00\n": {Verb: "start"},
		"\ufeff{\"routine\":\"yoga\"}\x00":    {Verb: "start", Routine: "yoga"},
		`{"command":"stop","routine":"yoga"}`: {Verb: "start", Routine: "yoga"},
	} {
		got, err := player.ParseBody("start", []byte(body))
		if err != nil || !reflect.DeepEqual(fields(got), fields(want)) {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{`[]`, `{"routine":"yoga"`, `yoga`, `"yoga"`, `null`, `{"routine":["yoga"]}`, `{"name":"yoga"}`} {
		if got, err := player.ParseBody("start", []byte(body)); err == nil || got.Verb != "start" {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
	}
}

// However long a payload is, what is repeated and remembered of it is short.
func TestParseLongTexts(t *testing.T) {
	long := strings.Repeat("long ", 12_000)
	for _, payload := range []string{
		long, "start " + long, "select " + long, "start " + strings.Repeat("for 5m ", 9000), "volume " + long, "pause " + long, "extend " + long,
		`{"command":"start","routine":"` + long + `"}`, `{"command":"stop","transaction":"` + long + `"}`, `{"command":"stop","sent_at":"` + long + `"}`,
		`{"` + long + `":"stop"}`, `{"command":"start","voice":"` + long + `"}`, `{"command":"start","bed":"` + long + `"}`, `{"command":"start","verbosity":"` + long + `"}`,
	} {
		runPlayer(t, setup{}, func(st *harness) {
			if r := st.do(payload); r.Status != "error" || len(r.Error) > 1000 || len(r.Command) > 200 || len(r.Transaction) > 200 {
				t.Errorf("%.40s: %s, %d letters of error, %d of command, %d of transaction", payload, r.Status, len(r.Error), len(r.Command), len(r.Transaction))
			}
		})
	}
}
