package history

import (
	"math"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"guided/player"
)

func zoneNamed(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// sumsOf sums up sessions of five minutes that begin at the moments.
func sumsOf(zone *time.Location, moments ...time.Time) *Sums {
	s := NewSums(zone)
	for n, at := range moments {
		s.Add(session(n, at))
	}
	return s
}

func TestStreak(t *testing.T) {
	zone := zoneNamed(t, "Europe/Berlin")
	evening := func(day int) time.Time { return time.Date(2026, 11, day, 22, 0, 0, 0, zone) }
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, zone)
	for name, tt := range map[string]struct {
		days         []int
		now, longest int
	}{
		"nothing yet":                           {nil, 0, 0},
		"today alone":                           {[]int{28}, 1, 1},
		"today is not over":                     {[]int{25, 26, 27}, 3, 3},
		"today too":                             {[]int{26, 27, 28}, 3, 3},
		"twice a day":                           {[]int{27, 27, 28, 28}, 2, 2},
		"a gap":                                 {[]int{24, 25, 26, 28}, 1, 3},
		"yesterday was missed":                  {[]int{24, 25, 26}, 0, 3},
		"across the end of a month":             {[]int{-1, 0, 1, 2}, 0, 4},
		"written in another order":              {[]int{28, 26, 27}, 3, 3},
		"days to come, of a clock that was off": {[]int{27, 28, 29, 30}, 2, 4},
	} {
		t.Run(name, func(t *testing.T) {
			var moments []time.Time
			for _, d := range tt.days {
				moments = append(moments, evening(d).Add(-11*time.Hour))
			}
			got := sumsOf(zone, moments...).Summary(now)
			if got.Streak != tt.now || got.LongestStreak != tt.longest {
				t.Errorf("%d, the longest %d; want %d and %d", got.Streak, got.LongestStreak, tt.now, tt.longest)
			}
		})
	}
	t.Run("less than a minute counts only where it was finished", func(t *testing.T) {
		for _, tt := range []struct {
			heard    float64
			finished bool
			streak   int
		}{{59.9, false, 0}, {60, false, 1}, {20, true, 1}} {
			s := NewSums(zone)
			s.Add(player.Record{Started: now, Ended: now, Heard: tt.heard, Finished: tt.finished})
			if got := s.Summary(now); got.Streak != tt.streak || got.Sessions != 1 {
				t.Errorf("%+v: %+v", tt, got)
			}
		}
	})
	t.Run("a session belongs to the day on which it began", func(t *testing.T) {
		s := sumsOf(zone, time.Date(2026, 11, 27, 23, 58, 0, 0, zone))
		if got := s.Summary(now); got.TodaySessions != 0 || got.Streak != 1 || got.Minutes != 5 {
			t.Errorf("%+v", got)
		}
	})
}

// A day is a day of the calendar, however many hours it has, at either end of it.
func TestDaysOfChangingClocks(t *testing.T) {
	for name, from := range map[string]time.Time{
		"Berlin, spring":                           time.Date(2026, 3, 27, 0, 0, 0, 0, zoneNamed(t, "Europe/Berlin")),
		"Berlin, autumn":                           time.Date(2026, 10, 23, 0, 0, 0, 0, zoneNamed(t, "Europe/Berlin")),
		"New York, spring":                         time.Date(2026, 3, 6, 0, 0, 0, 0, zoneNamed(t, "America/New_York")),
		"New York, autumn":                         time.Date(2026, 10, 30, 0, 0, 0, 0, zoneNamed(t, "America/New_York")),
		"Lord Howe, half an hour":                  time.Date(2026, 4, 3, 0, 0, 0, 0, zoneNamed(t, "Australia/Lord_Howe")),
		"Cairo, put forward at midnight":           time.Date(2024, 4, 24, 0, 0, 0, 0, zoneNamed(t, "Africa/Cairo")),
		"Havana, put back to midnight":             time.Date(2026, 10, 30, 0, 0, 0, 0, zoneNamed(t, "America/Havana")),
		"São Paulo, put back before midnight":      time.Date(2018, 2, 15, 0, 0, 0, 0, zoneNamed(t, "America/Sao_Paulo")),
		"Apia, where a day is missing":             time.Date(2011, 12, 28, 0, 0, 0, 0, zoneNamed(t, "Pacific/Apia")),
		"Kathmandu, where nothing changes":         time.Date(2026, 3, 27, 0, 0, 0, 0, zoneNamed(t, "Asia/Kathmandu")),
		"Los Angeles, across the end of a century": time.Date(1999, 12, 30, 0, 0, 0, 0, zoneNamed(t, "America/Los_Angeles")),
	} {
		t.Run(name, func(t *testing.T) {
			zone := from.Location()
			date := func(at time.Time) string { return at.In(zone).Format(time.DateOnly) }
			end := from.AddDate(0, 0, 5)
			next := nextDay(from, zone)
			var starts []time.Time // of the days, found minute by minute
			for at := from; at.Before(end); at = at.Add(time.Minute) {
				if date(at) != date(at.Add(-time.Minute)) {
					starts = append(starts, at)
				}
				if !next.After(at) {
					next = nextDay(at, zone)
				}
				if got := nextDay(at, zone); !got.Equal(next) || !got.After(at) || date(got) == date(at) || date(got.Add(-time.Minute)) != date(at) {
					t.Fatalf("after %v the next day begins at %v", at, got)
				}
			}
			for _, inDay := range []time.Duration{0, time.Minute} {
				var moments []time.Time
				for _, at := range starts {
					moments = append(moments, at.Add(inDay))
				}
				if got := sumsOf(zone, moments...).Summary(starts[len(starts)-1].Add(time.Hour)); got.Streak != len(starts) && name != "Apia, where a day is missing" {
					t.Errorf("%d days without a gap, want %d", got.Streak, len(starts))
				}
			}
		})
	}
}

// Sums do not depend on the order of what is summed up, and no session makes any of them less.
func TestSumsOnlyGrow(t *testing.T) {
	s, before := NewSums(time.UTC), Summary{}
	var days []DaySum
	for n := range 500 {
		at := monday.Add(time.Duration(n*n%997) * time.Hour)
		r := session(n, at)
		r.Heard = math.Mod(float64(n)*7.3331, 31)
		s.Add(r)
		now := s.Summary(monday)
		if now.Minutes < before.Minutes || now.Sessions != before.Sessions+1 || now.Breaths < before.Breaths || now.Reps < before.Reps || now.LongestStreak < before.LongestStreak {
			t.Fatalf("after session %d: %+v, before %+v", n, now, before)
		}
		before = now
	}
	days = s.Days(monday.AddDate(0, 0, 60), 100)
	sessions := 0
	for _, d := range days {
		sessions += d.Sessions
	}
	if sessions != 500 || !slices.IsSortedFunc(days, func(a, b DaySum) int { return compare(a.Date, b.Date) }) {
		t.Errorf("%d sessions in %v", sessions, days)
	}
	recent := s.Recent(10)
	if len(recent) != 10 || !slices.IsSortedFunc(recent, func(a, b player.Record) int { return b.Ended.Compare(a.Ended) }) {
		t.Errorf("%+v", recent)
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
