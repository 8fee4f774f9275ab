package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// parse is one entry of TOML's text.
func parse(t testing.TB, text string) *Entry {
	t.Helper()
	entries, problems := decodeText(text)
	if len(problems) > 0 || len(entries) != 1 {
		t.Fatalf("%s\n%d entries, %v", text, len(entries), problems)
	}
	return entries[0]
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// wall is what the clock on the wall shows in each minute from an instant on, in minutes, as if it were UTC.
func wall(from, until time.Time, z *time.Location) (all []int64) {
	for at := from; !at.After(until); at = at.Add(time.Minute) {
		in := at.In(z)
		_, offset := in.Zone()
		all = append(all, (in.Unix()+int64(offset))/60)
	}
	return all
}

// A reference looks at the clock on the wall each minute: what it shows, or has passed, for the first time is due.
func reference(e *Entry, from time.Time, wall []int64) (due []string) {
	pending := map[int64]bool{} // what is planned and was not due yet
	day := wall[0]/dayMinutes - 1
	for n, now := range wall {
		for ; day < now/dayMinutes; day++ {
			next := (day + 1) * dayMinutes
			for _, slot := range e.Slots {
				if e.Days.has(time.Unix(next*60, 0).UTC().Weekday()) {
					pending[next+int64(slot)] = true
				}
			}
		}
		found := false
		for planned := range pending {
			if planned <= now {
				delete(pending, planned)
				found = true
			}
		}
		if found {
			due = append(due, from.Add(time.Duration(n)*time.Minute).UTC().Format(time.RFC3339))
		}
	}
	return due
}

func TestRunsAreThoseOfTheClockOnTheWall(t *testing.T) {
	entries := []string{
		`at = "07:00"`, `at = ["02:00", "02:15", "02:30", "02:45", "03:00"]`, `at = ["00:00", "00:30", "23:59"]`,
		`at = ["01:45", "02:30"]` + "\ndays = \"sun\"", `every = "25m"` + "\nbetween = \"22:00-06:00\"", `every = "1h"` + "\nbetween = \"09:00-17:00\"\ndays = \"mon-fri\"",
	}
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC", "America/Santiago", "Asia/Kolkata"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := zone(t, name)
			from := time.Date(2026, 1, 4, 0, 0, 0, 0, z)
			until := from.AddDate(1, 0, 0)
			if testing.Short() {
				from, until = time.Date(2026, 3, 1, 0, 0, 0, 0, z), time.Date(2026, 4, 20, 0, 0, 0, 0, z)
			}
			walls := wall(from, until, z)
			for _, text := range entries {
				e := parse(t, "[[schedule]]\nroutine = \"x\"\n"+text)
				want := reference(e, from, walls)
				var got, names []string
				for r := range e.runs(from.Add(-time.Second), until, z) {
					got = append(got, r.At.Format(time.RFC3339))
					names = append(names, r.Local)
				}
				if !slices.Equal(dropFirstDay(got, from), dropFirstDay(want, from)) {
					t.Errorf("%s: %s", text, difference(got, want))
				}
				if slices.Sort(names); len(slices.Compact(slices.Clone(names))) != len(names) {
					t.Errorf("%s: a date and time comes twice", text)
				}
			}
		})
	}
}

// dropFirstDay leaves out the first day, in which a reference does not know what was due on the days before.
func dropFirstDay(all []string, from time.Time) []string {
	return slices.DeleteFunc(slices.Clone(all), func(at string) bool { return at < from.AddDate(0, 0, 2).UTC().Format(time.RFC3339) })
}

func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("run %d of %d is %s, want %s", i, len(got), got[i], want[i])
		}
	}
	return fmt.Sprintf("%d runs, want %d", len(got), len(want))
}

// However the runs are asked for, they are the same.
func TestRunsDoNotDependOnWhereOneBegins(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	e := parse(t, "[[schedule]]\nroutine = \"x\"\nevery = \"45m\"\nbetween = \"21:00-04:00\"\ndays = \"sat,sun\"")
	from, until := time.Date(2026, 3, 20, 0, 0, 0, 0, z), time.Date(2026, 4, 10, 0, 0, 0, 0, z)
	all := slices.Collect(e.runs(from, until, z))
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		after := from.Add(time.Duration(random.Int64N(int64(until.Sub(from)))))
		i := slices.IndexFunc(all, func(r Run) bool { return r.At.After(after) })
		var want []Run
		if i >= 0 {
			want = all[i:]
		}
		if got := slices.Collect(e.runs(after, until, z)); !slices.Equal(got, want) {
			t.Fatalf("after %v: %d runs, want %d", after, len(got), len(want))
		}
	}
}

func TestRunsAtTheChangeOfTheClock(t *testing.T) {
	for _, x := range []struct{ situation, zone, at, from, want string }{
		{"an hour that does not exist", "Europe/Berlin", "02:30", "2026-03-29", "2026-03-29T01:00:00Z"},
		{"an hour that comes twice", "Europe/Berlin", "02:30", "2026-10-25", "2026-10-25T00:30:00Z"},
		{"the end of an hour that comes twice", "Europe/Berlin", "03:00", "2026-10-25", "2026-10-25T02:00:00Z"},
		{"half an hour that does not exist", "Australia/Lord_Howe", "02:10", "2026-10-04", "2026-10-03T15:30:00Z"},
		{"half an hour that comes twice", "Australia/Lord_Howe", "01:40", "2026-04-05", "2026-04-04T14:40:00Z"},
		{"a midnight that does not exist", "America/Santiago", "00:10", "2026-09-06", "2026-09-06T04:00:00Z"},
		{"a day that does not exist", "Pacific/Apia", "09:00", "2011-12-30", "2011-12-30T10:00:00Z"},
	} {
		t.Run(x.situation, func(t *testing.T) {
			z := zone(t, x.zone)
			day, err := time.Parse(time.DateOnly, x.from)
			if err != nil {
				t.Fatal(err)
			}
			minutes, _ := parseTime(x.at)
			if got := firstInstant(day.Add(time.Duration(minutes)*time.Minute), z).Format(time.RFC3339); got != x.want {
				t.Errorf("it is due at %s, want %s", got, x.want)
			}
		})
	}
}

func TestDays(t *testing.T) {
	for text, want := range map[string]string{
		"mon-fri": "mon-fri", "Mon,Wed,Sat": "mon,wed,sat", "daily": "daily", "sat-mon": "mon,sat,sun", "mon-sun": "daily", " monday , fri-sun": "mon,fri-sun",
		"sun": "sun", "tue-tue": "tue",
	} {
		if got, err := parseDays(text); err != nil || got.String() != want {
			t.Errorf("%q are %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "mon-", "-fri", "mo", "mon;tue", "every day", "mon,,tue", "mond"} {
		if got, err := parseDays(text); err == nil {
			t.Errorf("%q are taken for %v", text, got)
		}
	}
}

func BenchmarkNextRun(b *testing.B) {
	z := zone(b, "Europe/Berlin")
	e := parse(b, "[[schedule]]\nroutine = \"x\"\nat = \"07:00\"\ndays = \"sun\"")
	now := time.Date(2026, 3, 23, 12, 0, 0, 0, z)
	b.ReportAllocs()
	for b.Loop() {
		for range e.runs(now, now.Add(horizon), z) {
			break
		}
	}
}
