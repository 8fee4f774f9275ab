package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// By what a clock may start something, where nothing is known to keep it right.
func TestScheduleClock(t *testing.T) {
	now := time.Date(2026, 6, 1, 7, 0, 0, 0, time.FixedZone("CEST", 7200))
	for _, x := range []struct {
		situation string
		now       time.Time
		up        time.Duration
		rtc       string
		want      bool
	}{
		{"a clock with a battery that says the same", now, time.Hour, fmt.Sprint(now.Unix() + 5), true},
		{"it says the local time", now, time.Hour, fmt.Sprint(now.Unix() + 7200), true},
		{"the machine was started just now", now, time.Minute, fmt.Sprint(now.Unix()), false},
		{"it lost its time", now, time.Hour, "12", false},
		{"it is hours ahead", now, time.Hour, fmt.Sprint(now.Unix() + 3*3600), false},
		{"no clock with a battery", now, time.Hour, "", false},
		{"no number", now, time.Hour, "x", false},
		{"a year long ago", now.AddDate(-10, 0, 0), time.Hour, fmt.Sprint(now.AddDate(-10, 0, 0).Unix()), false},
	} {
		t.Run(x.situation, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "since_epoch")
			if x.rtc != "" {
				if err := os.WriteFile(file, []byte(x.rtc+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := scheduleClock(x.now, x.up, file); got != x.want {
				t.Errorf("trusted: %v", got)
			}
		})
	}
	if uptime() <= 0 {
		t.Error("how long the machine has run is not known")
	}
}

func TestNightIsThatOfTheQuietHours(t *testing.T) {
	for quiet, nights := range map[string]map[int]bool{
		"": {21: false, 22: true, 3: true, 7: false}, "23:00-05:00": {22: false, 23: true, 3: true, 6: false},
	} {
		c, err := Load(settingsFile(t, fmt.Sprintf("[audio]\nquiet = %q\n", quiet)))
		if err != nil {
			t.Fatal(err)
		}
		for hour, want := range nights {
			if got := c.NightAt(time.Date(2026, 6, 1, hour, 0, 0, 0, c.Zone())); got != want {
				t.Errorf("quiet = %q: at %d:00 it is night: %v", quiet, hour, got)
			}
		}
	}
}

func TestScheduleInSettings(t *testing.T) {
	c, err := Load(settingsFile(t, "node = \"mat\"\n\n[[schedule]]\nroutine = \"yoga\"\nat = \"07:00\"\nvolume = 20\n"))
	if err != nil || len(c.ScheduleEntries()) != 1 || filepath.Base(c.ScheduleEntries()[0].Place) != "guided.toml:3" {
		t.Fatalf("%v, %+v", err, c.ScheduleEntries())
	}
	c.Schedule = nil
	if len(c.ScheduleEntries()) > 0 {
		t.Error("it is still there")
	}
}
