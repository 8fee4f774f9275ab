package schedule

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whatever lies in the state folder, the daemon starts, and says once what it has lost.
func TestStoreWithDamagedFiles(t *testing.T) {
	for situation, text := range map[string]string{
		"no text": "\x00\x01\x02", "half a file": "off = tr", "another file": "[mqtt]\nbroker = \"x\"\n", "empty": "",
		"values of another kind": "off = 3\nentries_off = \"x\"\n", "an entry with problems": "[[schedule]]\nat = 7\n",
	} {
		t.Run(situation, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "schedule.toml")
			for _, name := range []string{file, strings.TrimSuffix(file, ".toml") + ".json"} {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			s := openStore(file, slog.New(slog.NewTextHandler(&log, nil)))
			if entries := s.entries(nil); len(entries) > 0 || s.Off || len(s.Done) > 0 {
				t.Errorf("%+v, %+v", entries, s)
			}
			aside, err := os.ReadFile(file + ".damaged")
			if situation == "empty" || situation == "an entry with problems" {
				if err == nil {
					t.Error("a file that can be read is moved aside")
				}
			} else if string(aside) != text || !strings.Contains(log.String(), "schedule.toml") {
				t.Errorf("%q is kept; the log says %s", aside, log.String())
			}
			s.saveChoices()
			s.saveMemory()
			if again := openStore(file, slog.New(slog.DiscardHandler)); again.Off {
				t.Errorf("%+v", again)
			}
		})
	}
}

func TestStoreKeepsWhatItWasGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "schedule.toml")
	s := openStore(file, slog.New(slog.DiscardHandler))
	e := parse(t, "[[schedule]]\nname = \"Morning\"\nroutine = \"x\"\nat = \"07:00\"\nvolume = 30\nwhen = { topic = \"a\", is = \"b\" }\n")
	s.Schedule = Tables{e.table}
	s.Off, s.EntriesOff = true, []string{"Morning"}
	for n := range 100 {
		s.done(Run{e, time.Date(2026, 1, 1+n, 7, 0, 0, 0, time.UTC).Format(localLayout), time.Time{}})
	}
	s.saveChoices()
	s.saveMemory()
	again := openStore(file, slog.New(slog.DiscardHandler))
	other := parse(t, "[[schedule]]\nname = \"morning\"\nroutine = \"y\"\nat = \"08:00\"\n")
	entries := again.entries([]*Entry{other})
	if !again.Off || !again.isOff("morning") || len(again.Done["Morning"]) != maxDone || len(entries) != 2 {
		t.Fatalf("%+v, %d entries", again, len(entries))
	}
	if got := entries[1]; got.Name != "Morning (2)" || got.Times() != e.Times() || *got.When != *e.When {
		t.Errorf("%+v", got)
	}
	if c, err := entries[1].Command(); err != nil || *c.Volume != 30 {
		t.Errorf("%+v, %v", c, err)
	}
	again.forget([]*Entry{other}, time.Now())
	if len(again.Done) > 0 || len(again.EntriesOff) > 0 {
		t.Errorf("what is gone is remembered: %+v", again)
	}
}

// A folder that cannot be written to costs the memory alone, and one line of the log.
func TestStoreThatCannotWrite(t *testing.T) {
	var log bytes.Buffer
	s := openStore("/dev/null/guided/schedule.toml", slog.New(slog.NewTextHandler(&log, nil)))
	for range 5 {
		s.saveMemory()
		s.saveChoices()
	}
	if n := strings.Count(log.String(), "cannot be written"); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, log.String())
	}
}
