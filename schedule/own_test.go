package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// save saves an entry as the page does, and returns its name or what is said.
func (w *world) save(name, entry string) string {
	w.Helper()
	var table map[string]any
	d := json.NewDecoder(strings.NewReader(entry))
	d.UseNumber()
	if err := d.Decode(&table); err != nil {
		w.Fatal(err)
	}
	saved, err := w.runner.SaveEntry(w.Context(), name, table)
	if err != nil {
		return err.Error()
	}
	w.pass(time.Millisecond)
	return saved
}

func (w *world) remove(name string) string {
	err := w.runner.RemoveEntry(w.Context(), name)
	w.pass(time.Millisecond)
	if err != nil {
		return err.Error()
	}
	return ""
}

// view is what a page shows.
func (w *world) view() View {
	w.Helper()
	o, err := w.runner.Outlook(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	o.Length = func(*Entry) (time.Duration, error) { return time.Minute, nil }
	return o.View(w.clock.Now())
}

func (w *world) restart() {
	w.stop()
	w.start()
}

func TestOwnEntries(t *testing.T) {
	const eight = `{"name": "Morning", "routine": "short", "at": "08:00", "volume": 30}`
	settings := entryText("Evening", "short", `at = "20:00"`)
	for _, x := range []struct {
		situation string
		run       func(w *world)
	}{
		{"one that is made starts at once, and after a restart", func(w *world) {
			if got := w.save("", eight); got != "Morning" {
				w.Fatal(got)
			}
			w.wantNext("2026-06-01 08:00")
			w.until("08:10")
			w.want("due Morning 08:00")
			w.restart()
			w.until("21:00")
			w.want("due Evening 20:00")
			w.until("09:00")
			w.want("due Morning 08:00")
		}},
		{"one that is changed has its new time, and keeps what was switched off under a new name", func(w *world) {
			w.save("", eight)
			w.say("schedule off Morning")
			if got := w.save("morning", `{"name": "Early", "routine": "short", "at": "07:45"}`); got != "Early" {
				w.Fatal(got)
			}
			w.wantNext("2026-06-01 20:00")
			if off := w.p.State().EntriesOff; len(off) != 1 || off[0] != "Early" {
				w.Errorf("off: %v", off)
			}
			w.say("schedule on Early")
			w.restart()
			w.wantNext("2026-06-01 07:45")
			w.until("08:30")
			w.want("due Early 07:45")
		}},
		{"one without a name has that of its routine and time", func(w *world) {
			if got := w.save("", `{"routine": "short", "at": "08:00"}`); got != "short 08:00" {
				w.Fatal(got)
			}
			w.say("schedule off short 08:00")
			if got := w.save("short 08:00", `{"routine": "short", "at": "09:00"}`); got != "short 09:00" {
				w.Fatal(got)
			}
			if v := w.view(); len(v.Entries) != 2 || !v.Entries[1].Off {
				w.Errorf("%+v", v.Entries)
			}
		}},
		{"one that is removed is gone, and what was remembered of it", func(w *world) {
			w.save("", eight)
			w.say("schedule off Morning")
			if said := w.remove("MORNING"); said != "" {
				w.Fatal(said)
			}
			w.save("", eight)
			w.wantNext("2026-06-01 08:00")
			w.remove("Morning")
			w.restart()
			w.until("08:30")
			w.want("")
			if s := w.p.Info().Schedule; len(s) != 1 {
				w.Errorf("%+v", s)
			}
		}},
		{"one that is made again in its minute does not come twice", func(w *world) {
			w.save("", eight)
			w.until("08:00")
			w.pass(20 * time.Second)
			w.remove("Morning")
			w.save("", eight)
			w.until("09:00")
			w.want("due Morning 08:00")
		}},
		{"the order stays where one in the middle changes", func(w *world) {
			for _, name := range []string{"a", "b", "c"} {
				w.save("", fmt.Sprintf(`{"name": %q, "routine": "short", "at": "08:00"}`, name))
			}
			w.save("b", `{"name": "B", "routine": "short", "at": "09:00"}`)
			w.remove("a")
			names := ""
			for _, e := range w.view().Entries {
				names += e.Name + " "
			}
			if names != "Evening B c " {
				w.Error(names)
			}
		}},
		{"each says where it stands", func(w *world) {
			w.save("", eight)
			w.save("", `{"routine": "short", "at": "10:00", "when": {"topic": "a", "is": "b"}}`)
			for range 2 {
				v := w.view()
				text, err := os.ReadFile(w.file)
				if err != nil || len(v.Entries) != 3 {
					w.Fatalf("%v, %+v", err, v.Entries)
				}
				for _, e := range v.Entries {
					if !e.Own {
						continue
					}
					var line int
					if _, err := fmt.Sscanf(strings.TrimPrefix(e.Place, w.file+":"), "%d", &line); err != nil || !strings.Contains(strings.Split(string(text), "\n")[line-1], "[[schedule]]") {
						w.Errorf("%s stands at %s: %v", e.Name, e.Place, err)
					}
				}
				if e := v.Entries[0]; e.Own || e.Place != "guided.toml:1" || e.Written != nil {
					w.Errorf("%+v", e)
				}
				w.restart()
			}
		}},
		{"what is refused, with the sentences of the settings, changes nothing", func(w *world) {
			w.save("", eight)
			before, err := os.ReadFile(w.file)
			if err != nil {
				w.Fatal(err)
			}
			for _, refused := range []struct{ name, entry, says string }{
				{"", `{"at": "08:00"}`, `routine is missing; name one of`},
				{"", `{"routine": "short", "at": 7}`, `at: 7 is no time of day; write it in quotes, such as "07:00"`},
				{"", `{"routine": "short", "at": "08:00", "volume": 300.5}`, `volume`},
				{"", `{"routine": "short", "at": "08:00", "volume": null}`, `volume: want a text or a number`},
				{"", `{"routine": "short", "at": "08:00", "own": true}`, `"own" is not known`},
				{"", `{"routine": "short", "at": "08:00", "command": "stop"}`, `"command" is not known`},
				{"", `{"routine": "short", "at": "08:00", "when": {"topic": "home/+", "is": "x"}}`, `when.topic`},
				{"", `{"name": "evening", "routine": "short", "at": "08:00"}`, `is the name of the one at guided.toml:1 too; give it another`},
				{"", eight, `give it another`},
				{"Morning", `{"name": "Evening", "routine": "short", "at": "08:00"}`, `give it another`},
				{"Evening", eight, `Evening stands in the settings, at guided.toml:1; change it there`},
				{"Mornin", eight, `no entry of the schedule is named "Mornin"; did you mean "Morning"`},
				{"", `{"routine": "short", "at": "08:00", "days": "` + strings.Repeat("mon,", 400_000) + `mon"}`, `bytes`},
			} {
				if got := w.save(refused.name, refused.entry); !strings.Contains(got, refused.says) {
					w.Errorf("%.80s: %.300s, want %s", refused.entry, got, refused.says)
				}
			}
			if said := w.remove("Evening"); !strings.Contains(said, "stands in the settings") {
				w.Error(said)
			}
			if after, err := os.ReadFile(w.file); err != nil || string(after) != string(before) || len(w.view().Entries) != 2 {
				w.Errorf("%v: %s", err, after)
			}
		}},
		{"a disk that cannot be written to", func(w *world) {
			w.save("", eight)
			w.stop()
			w.file = "/dev/null/schedule.toml"
			w.start()
			if said := w.save("", eight); !strings.Contains(said, "cannot be written, and nothing was changed") {
				w.Error(said)
			}
			w.wantNext("2026-06-01 20:00")
		}},
		{"no state folder", func(w *world) {
			w.stop()
			w.file = ""
			w.start()
			if said := w.save("", eight); !strings.Contains(said, "no state folder") {
				w.Error(said)
			}
		}},
		{"more than there may be", func(w *world) {
			for n := range maxEntries {
				w.save("", fmt.Sprintf(`{"name": "%d", "routine": "short", "at": "08:00"}`, n))
			}
			if said := w.save("", `{"name": "one more", "routine": "short", "at": "08:00"}`); !strings.Contains(said, "100 are allowed") {
				w.Error(said)
			}
			if got := w.save("99", `{"name": "last", "routine": "short", "at": "08:00"}`); got != "last" {
				w.Error(got)
			}
		}},
		{"a damaged file costs its entries, and not those of the settings", func(w *world) {
			w.save("", eight)
			w.stop()
			if err := os.WriteFile(w.file, []byte("off = tr"), 0o600); err != nil {
				w.Fatal(err)
			}
			w.start()
			if v := w.view(); len(v.Entries) != 1 || len(v.Problems) != 1 || !strings.Contains(v.Problems[0], "schedule.toml.damaged") {
				w.Errorf("%+v", v)
			}
			w.wantNext("2026-06-01 20:00")
			if got := w.save("", eight); got != "Morning" {
				w.Error(got)
			}
		}},
		{"one that is wrong costs itself, and stays in the file", func(w *world) {
			w.stop()
			if err := os.WriteFile(w.file, []byte("[[schedule]]\nroutine = \"short\"\nat = 7\n\n[[schedule]]\nname = \"b\"\nroutine = \"short\"\nat = \"09:00\"\n"), 0o600); err != nil {
				w.Fatal(err)
			}
			w.start()
			if got := w.save("b", eight); got != "Morning" {
				w.Error(got)
			}
			v := w.view()
			if text, err := os.ReadFile(w.file); err != nil || !strings.Contains(string(text), "at = 7\n") || len(v.Entries) != 2 || len(v.Problems) != 1 || !strings.Contains(v.Problems[0], "at: 7") {
				w.Errorf("%v: %s, %+v", err, text, v)
			}
		}},
	} {
		t.Run(x.situation, func(t *testing.T) { inWorld(t, "2026-06-01 07:30", berlin, settings, x.run) })
	}
	t.Run("why it is refused can be told", func(t *testing.T) {
		inWorld(t, "2026-06-01 07:30", berlin, settings, func(w *world) {
			for name, kind := range map[string]error{"": fs.ErrInvalid, "Evening": fs.ErrExist, "none": fs.ErrNotExist} {
				if _, err := w.runner.SaveEntry(w.Context(), name, nil); !errors.Is(err, kind) {
					t.Errorf("%q: %v", name, err)
				}
			}
		})
	})
}

// randomTable is an entry as somebody may make it, most often one that can be.
func randomTable(r *rand.Rand) map[string]any {
	pick := func(values ...any) any { return values[r.IntN(len(values))] }
	table := map[string]any{"routine": pick("short", "4-4-6", "Four, four, six", "x\"y\\ # ü", "\u2028 a = 'b'")}
	if r.IntN(3) > 0 {
		table["at"] = pick("07:00", "7:30", []any{"06:00", "23:59", "00:00"}, []any{"08:00"})
	} else {
		table["every"], table["between"] = pick("1h", "45m", "24h"), pick("09:00-17:00", "22:00-02:00")
	}
	for key, values := range map[string][]any{
		"name": {"Morning", "ä # [x] = 'y' \\n", "日本"}, "days": {"mon-fri", "daily", "sat-mon"}, "late": {"15m", "0s"}, "chime": {true, false}, "night": {true, false},
		"when": {map[string]any{"topic": "home/anna", "is": "home"}, map[string]any{"topic": "a.b/\"c\"", "is": 1}}, "volume": {int64(0), int64(100), "40", 30.0}, "for": {"5m", "90s"},
		"until": {"08:10"}, "fade_in": {"2m"}, "holds": {true, false, "off"}, "bed": {"rain", "none"}, "verbosity": {"short"}, "seed": {int64(7)},
	} {
		if r.IntN(3) == 0 {
			table[key] = values[r.IntN(len(values))]
		}
	}
	return table
}

// What can be used is the same after it was written and read, whatever it holds.
func TestOwnEntriesRoundTrip(t *testing.T) {
	r, n := rand.New(rand.NewPCG(1, 2)), 0
	for range 3000 {
		table := plainTable(randomTable(r))
		e, problems := decodeEntry(table)
		if len(problems) > 0 {
			continue
		}
		n++
		data, err := choices{Schedule: Tables{table}, EntriesOff: []string{e.Name}}.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeChoices(data)
		if err != nil {
			t.Fatalf("%v:\n%s", err, data)
		}
		entries, problems := Decode("schedule.toml", data, back.Schedule)
		if len(problems) > 0 || len(entries) != 1 || entries[0].Place != "schedule.toml:3" && entries[0].Place != "schedule.toml:4" {
			t.Fatalf("%v, %+v:\n%s", problems, entries, data)
		}
		got := entries[0]
		got.Place, got.table = "", e.table
		if e.Name == "" {
			got.Name = ""
		}
		if !reflect.DeepEqual(got, e) {
			t.Fatalf("%+v, want %+v:\n%s", got, e, data)
		}
		if again, err := back.encode(); err != nil || string(again) != string(data) {
			t.Fatalf("%v:\n%s\nwas\n%s", err, again, data)
		}
	}
	if n < 1000 {
		t.Errorf("%d entries can be used: too few to say something", n)
	}
}

func TestCheckFile(t *testing.T) {
	const good = "[[schedule]]\nroutine = \"short\"\nat = \"07:00\"\n"
	for situation, x := range map[string]struct {
		files map[string]string
		says  string
		wrong bool
	}{
		"nothing":              {nil, "no entries", false},
		"one entry":            {map[string]string{"schedule.toml": good}, "one entry was made on the page", false},
		"two":                  {map[string]string{"schedule.toml": good + good}, "2 entries were made on the page", false},
		"half a file":          {map[string]string{"schedule.toml": "off = tr"}, "moves it aside", true},
		"another's key":        {map[string]string{"schedule.toml": "[mqtt]\n"}, "\"mqtt\" is not known", true},
		"one that is wrong":    {map[string]string{"schedule.toml": good + "[[schedule]]\nat = 7\n"}, "schedule.toml:4: schedule.at: 7", true},
		"what was moved aside": {map[string]string{"schedule.toml.damaged": "x"}, "remove it to have this check good again", true},
		"damaged memory":       {map[string]string{"schedule.json": "{"}, "schedule.json", true},
		"memory, moved aside":  {map[string]string{"schedule.toml": good, "schedule.json.damaged": "x"}, "schedule.json.damaged", true},
	} {
		t.Run(situation, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range x.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			says, err := CheckFile(filepath.Join(dir, "schedule.toml"))
			if err != nil {
				says = err.Error()
			}
			if (err != nil) != x.wrong || !strings.Contains(says, x.says) {
				t.Errorf("it says %q, %v", says, err)
			}
			for name, text := range x.files {
				if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != text {
					t.Errorf("%s is now %q, %v", name, data, err)
				}
			}
			Outlook{File: filepath.Join(dir, "schedule.toml"), Zone: time.UTC, Log: slog.New(slog.DiscardHandler)}.List()
			if _, err := os.Stat(filepath.Join(dir, "schedule.toml")); x.files["schedule.toml"] != "" && err != nil {
				t.Error("a look at the week moves the file")
			}
		})
	}
}
