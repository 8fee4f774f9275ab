package schedule

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// What is read as a time of day or as days is written in a way that is read as the same.
func FuzzTimesOfDay(f *testing.F) {
	for _, text := range []string{"07:00", "7:05", "24:00", "24:01", "29:59", "mon-fri", "sun-mon", "Saturday,sun", "daily", "mon,,tue", "fri-", " : "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if minutes, ok := parseTime(text); ok {
			again, ok := parseTime(timeText(minutes))
			if !ok || again != minutes%dayMinutes || minutes < 0 || minutes > dayMinutes {
				t.Errorf("%q is minute %d, written %q", text, minutes, timeText(minutes))
			}
		}
		days, err := parseDays(text)
		if err == nil {
			if again, err := parseDays(days.String()); err != nil || again != days || days == 0 {
				t.Errorf("%q is %v, read again %v, %v", text, days, again, err)
			}
		} else if len(err.Error()) > 1000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}

// Whatever the files of the state folder hold, the schedule begins, and what it writes then is read as the same.
func FuzzScheduleStore(f *testing.F) {
	f.Add("off = true\nentries_off = [\"Morning\"]\n", `{"done":{"Morning":["2026-11-28T07:00"]},"skipped":null,"snoozed":[{"entry":"x","local":"y","at":"2026-11-28T07:00:00Z"}]}`)
	f.Add("[[schedule]]\nroutine = \"x\"\nat = \"07:00\"\n", "null")
	f.Add("\xff", `{"done":[]}`)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, choices, memory string) {
		file := filepath.Join(dir, "schedule.toml")
		log := slog.New(slog.DiscardHandler)
		for name, text := range map[string]string{file: choices, filepath.Join(dir, "schedule.json"): memory} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := openStore(file, log)
		if s.Done == nil || s.Skipped == nil {
			t.Fatal("there is nothing to remember in")
		}
		s.saveChoices()
		s.saveMemory()
		if again := openStore(file, log); again.Off != s.Off || len(again.EntriesOff) != len(s.EntriesOff) || len(again.Done) != len(s.Done) || len(again.Snoozed) != len(s.Snoozed) {
			t.Errorf("written %+v, read %+v", s, again)
		}
	})
}
