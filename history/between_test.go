package history

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeeperBetween(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	fill := func(t *testing.T, file string) {
		for n, began := range []string{"2026-10-24 23:59", "2026-10-25 00:00", "2026-10-25 23:59", "2026-10-26 00:00"} { // of 25 hours
			at, err := time.ParseInLocation("2006-01-02 15:04", began, zone)
			if err != nil {
				t.Fatal(err)
			}
			if err := Append(file, session(n, at)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, x := range []struct {
		situation, from, to string
		most                int
		want                string
	}{
		{"one day of the zone, the newest first", "2026-10-25", "2026-10-25", 10, "routine-2 23:59 routine-1 00:00 0 more"},
		{"some days", "2026-10-24", "2026-10-26", 10, "routine-3 00:00 routine-2 23:59 routine-1 00:00 routine-0 23:59 0 more"},
		{"more than are asked for", "2026-10-24", "2026-10-26", 1, "routine-3 00:00 3 more"},
		{"a day without one", "2026-10-27", "2026-10-27", 10, "0 more"},
	} {
		t.Run(x.situation, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), FileName)
			fill(t, file)
			synctest.Test(t, func(t *testing.T) {
				k := startKeeper(t, file, zone) // its view has them too
				defer k.stop()
				records, more, err := k.Between(day(x.from), day(x.to), x.most)
				got := ""
				for _, r := range records {
					got += r.Routine + " " + r.Started.Format("15:04") + " "
				}
				if got += fmt.Sprintf("%d more", more); err != nil || got != x.want {
					t.Errorf("%s, %v", got, err)
				}
			})
		})
	}
	t.Run("what could not be written is among them", func(t *testing.T) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			k := startKeeper(t, filepath.Join(dir, "none", "\x00", FileName), zone)
			k.Add(session(7, day("2026-10-25")))
			synctest.Wait()
			records, _, _ := k.Between(day("2026-10-25"), day("2026-10-25"), 10)
			if len(records) != 1 || records[0].Routine != "routine-7" {
				t.Errorf("%+v", records)
			}
			k.stop()
		})
	})
}
