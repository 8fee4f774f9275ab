package history

import (
	"maps"
	"math"
	"slices"
	"time"

	"guided/player"
)

// Summary is what a person wants to know of all that was done. It is published whole.
type Summary struct {
	Date          string         `json:"date"`                // today's, in the time zone of the settings
	TodayMinutes  float64        `json:"today_min"`           // what was heard of the sessions that began today
	TodaySessions int            `json:"today_sessions"`      //
	Minutes       float64        `json:"total_min"`           // of all sessions
	Sessions      int            `json:"sessions"`            //
	Breaths       int            `json:"breaths"`             //
	Reps          int            `json:"reps"`                //
	Streak        int            `json:"streak_days"`         // days without a gap; today breaks none before it is over
	LongestStreak int            `json:"longest_streak_days"` //
	Last          *player.Record `json:"last"`                // the session that ended last; nil: none
}

// DaySum is what was done on one day.
type DaySum struct {
	Date     string  `json:"date"` // 2026-11-28
	Minutes  float64 `json:"minutes"`
	Sessions int     `json:"sessions"`
	Counts   bool    `json:"counts"` // for the streak
}

// countsFrom is how long a session must have been heard to count for the streak, where it was not finished: a minute.
const countsFrom = 60.0

// maxRecent is how many of the last records Sums keep.
const maxRecent = 50

// day is a day of the calendar, as a number that grows by one a day: no clock and no summer time is in it.
type day int

// dayAt is the day of a moment in a time zone.
func dayAt(t time.Time, zone *time.Location) day {
	y, m, d := t.In(zone).Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

func (d day) String() string { return time.Unix(int64(d)*24*60*60, 0).UTC().Format(time.DateOnly) }

// dayTotal is a DaySum in whole milliseconds, so that sums do not depend on their order.
type dayTotal struct {
	heard    int64
	sessions int
	counts   bool
}

// Sums are kept up record by record. A session belongs to the day on which it began.
type Sums struct {
	zone          *time.Location
	days          map[day]dayTotal
	heard         int64 // ms
	sessions      int
	breaths, reps int
	last          player.Record   // that ended last, where there are sessions
	recent        []player.Record // the last maxRecent, a ring
}

// NewSums are those of no record. Days are those of the zone.
func NewSums(zone *time.Location) *Sums {
	return &Sums{zone: zone, days: map[day]dayTotal{}}
}

// Add adds a record.
func (s *Sums) Add(r player.Record) {
	ms := int64(math.Round(r.Heard * 1000))
	s.heard += ms
	if len(s.recent) < maxRecent {
		s.recent = append(s.recent, r)
	} else {
		s.recent[s.sessions%maxRecent] = r
	}
	if s.sessions == 0 || !r.Ended.Before(s.last.Ended) {
		s.last = r
	}
	s.sessions++
	s.breaths += r.Breaths
	s.reps += r.Reps
	at := dayAt(r.Started, s.zone)
	d := s.days[at]
	d.heard += ms
	d.sessions++
	d.counts = d.counts || r.Heard >= countsFrom || r.Finished
	s.days[at] = d
}

// Summary is that of the moment.
func (s *Sums) Summary(now time.Time) Summary {
	today := dayAt(now, s.zone)
	d := s.days[today]
	streak, longest := s.streaks(today)
	sum := Summary{
		Date: today.String(), TodayMinutes: minutes(d.heard), TodaySessions: d.sessions,
		Minutes: minutes(s.heard), Sessions: s.sessions, Breaths: s.breaths, Reps: s.reps,
		Streak: streak, LongestStreak: longest,
	}
	if s.sessions > 0 {
		last := s.last
		sum.Last = &last
	}
	return sum
}

// streaks are the one that goes on today, and the longest that there was.
func (s *Sums) streaks(today day) (now, longest int) {
	run, before := 0, day(math.MinInt)
	for _, d := range slices.Sorted(maps.Keys(s.days)) {
		if !s.days[d].counts {
			continue
		}
		if d != before+1 {
			run = 0
		}
		run++
		before = d
		longest = max(longest, run)
		if d == today || d == today-1 {
			now = run
		}
	}
	return now, longest
}

// Days are the last n days up to that of the moment, the oldest first, those without a session too.
func (s *Sums) Days(now time.Time, n int) []DaySum {
	list := make([]DaySum, 0, n)
	today := dayAt(now, s.zone)
	for d := today - day(n) + 1; d <= today; d++ {
		t := s.days[d]
		list = append(list, DaySum{d.String(), minutes(t.heard), t.sessions, t.counts})
	}
	return list
}

// Recent are the last records, the newest first, n at most.
func (s *Sums) Recent(n int) []player.Record {
	list := slices.Clone(s.recent)
	slices.SortStableFunc(list, func(a, b player.Record) int { return b.Ended.Compare(a.Ended) })
	return list[:min(n, len(list))]
}

// minutes is milliseconds as minutes, to a tenth.
func minutes(ms int64) float64 { return math.Round(float64(ms)/6000) / 10 }

// nextDay is when the next day begins in a time zone. Where the clock is put forward at midnight, there is none that day;
// where it is put back soon after, there are two, and the first one counts. Clocks are put by quarters of an hour.
func nextDay(now time.Time, zone *time.Location) time.Time {
	today := dayAt(now, zone)
	y, m, d := now.In(zone).Date()
	at := time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	const quarter = 15 * time.Minute
	for dayAt(at, zone) == today {
		at = at.Add(quarter)
	}
	for before := at.Add(-quarter); before.After(now) && dayAt(before, zone) != today; before = at.Add(-quarter) {
		at = before
	}
	return at
}
