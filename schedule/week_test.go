package schedule

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWeekSaysWhyNot(t *testing.T) {
	z := zone(t, berlin)
	now := time.Date(2026, 6, 1, 6, 0, 0, 0, z) // a Monday
	entries, problems := decodeText(entryText("early", "x", `at = "06:30"`, `days = "mon"`) + entryText("a", "x", `at = "08:00"`, `days = "mon"`) +
		entryText("b", "x", `at = "08:10"`, `days = "mon"`) + entryText("c", "x", `at = "08:20"`, `days = "mon"`) +
		entryText("anna", "x", `at = "12:00"`, `days = "mon"`, `when = { topic = "home/anna", is = "home" }`) + entryText("gone", "gone", `at = "13:00"`, `days = "mon"`) +
		entryText("off", "x", `at = "14:00"`, `days = "mon"`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	o := Outlook{
		Entries: entries, File: filepath.Join(t.TempDir(), "schedule.toml"), Zone: z, ClockTrusted: true, Log: slog.New(slog.DiscardHandler),
		Night: func(t time.Time) bool { return t.In(z).Hour() < 7 },
		Value: func(string) (string, bool) { return "", false },
		Length: func(e *Entry) (time.Duration, error) {
			if e.Routine() == "gone" {
				return 0, errors.New("there is no routine gone")
			}
			return 20 * time.Minute, nil
		},
	}
	s := openStore(o.File, o.Log)
	s.EntriesOff = []string{"off"}
	s.saveChoices()
	want := []struct{ name, says string }{
		{"early", "it is night"}, {"a", ""}, {"b", "after a, at 08:20"}, {"c", "b sounds until 08:40"},
		{"anna", "not known whether home/anna"}, {"gone", "there is no routine gone"}, {"off", "switched off"},
	}
	week := o.Week(now)
	if len(week) != len(want) {
		t.Fatalf("%d runs: %+v", len(week), week)
	}
	for i, w := range want {
		if f := week[i]; f.Name != w.name || !strings.Contains(f.Why+f.Note, w.says) || w.says == "" && f.Why+f.Note != "" {
			t.Errorf("%+v, want %s: %q", f, w.name, w.says)
		}
	}
	t.Run("a clock that is not trusted", func(t *testing.T) {
		o.ClockTrusted = false
		for _, f := range o.Week(now) {
			if f.Why == "" {
				t.Errorf("%+v", f)
			}
		}
	})
}
