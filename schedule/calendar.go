package schedule

import (
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dayMinutes are the minutes of a day by its clock.
const dayMinutes = 24 * 60

// Days are days of the week, a bit for each from Sunday on.
type Days uint8

const daily Days = 1<<7 - 1

func (d Days) has(day time.Weekday) bool { return d&(1<<day) != 0 }

// dayNames are the days in the order in which people write them.
func dayNames() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// weekday is the day at an index of dayNames.
func weekday(i int) time.Weekday { return time.Weekday((i + 1) % 7) }

// parseDays reads "mon-fri", "mon,wed,sat", "daily".
func parseDays(text string) (days Days, err error) {
	wrong := fmt.Errorf(`%q are no days; write them such as "mon-fri", "mon,wed,sat" or "daily"`, cut(text, maxName))
	if strings.EqualFold(strings.TrimSpace(text), "daily") {
		return daily, nil
	}
	index := func(name string) int {
		name = strings.ToLower(strings.TrimSpace(name))
		for i, short := range dayNames() {
			if name == short || len(name) > 3 && name == strings.ToLower(weekday(i).String()) {
				return i
			}
		}
		return -1
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := index(first), index(last)
		if from < 0 || to < 0 {
			return 0, wrong
		}
		for i := from; ; i = (i + 1) % 7 {
			days |= 1 << weekday(i)
			if i == to {
				break
			}
		}
	}
	return days, nil
}

// String is the days as they are written, such as "mon-fri,sun".
func (d Days) String() string {
	if d == daily {
		return "daily"
	}
	var parts []string
	for i := 0; i < 7; i++ {
		if !d.has(weekday(i)) {
			continue
		}
		last := i
		for last < 6 && d.has(weekday(last+1)) {
			last++
		}
		switch {
		case last > i+1:
			parts = append(parts, dayNames()[i]+"-"+dayNames()[last])
			i = last
		default:
			parts = append(parts, dayNames()[i])
		}
	}
	return strings.Join(parts, ",")
}

// parseTime is a time of day, such as "07:00", as minutes since midnight; "24:00" is the end of the day.
func parseTime(text string) (minutes int, ok bool) {
	m := regexp.MustCompile(`^([0-2]?\d):([0-5]\d)$`).FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, false
	}
	hour, _ := strconv.Atoi(m[1]) // digits
	minute, _ := strconv.Atoi(m[2])
	minutes = hour*60 + minute
	return minutes, minutes <= dayMinutes
}

func timeText(minutes int) string {
	return fmt.Sprintf("%02d:%02d", minutes/60%24, minutes%60)
}

// Run is one time at which an entry is due.
type Run struct {
	Entry *Entry
	// Local is the date and time of day that it is planned for, such as "2026-11-28T07:00". By it a run is known, whatever
	// happens to the clock.
	Local string
	At    time.Time // the instant
}

// runs are those of an entry after an instant, up to and with another, in order. Each instant comes once: two runs that the
// change to summer time moves to the same one are one.
func (e *Entry) runs(after, until time.Time, zone *time.Location) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		last := after
		// The days before too: slots may lie on the day after theirs, and a gap may move them further.
		begin := after.In(zone).AddDate(0, 0, -2)
		for n := 0; ; n++ {
			day := time.Date(begin.Year(), begin.Month(), begin.Day()+n, 0, 0, 0, 0, time.UTC)
			if firstInstant(day, zone).After(until) {
				return
			}
			if !e.Days.has(day.Weekday()) {
				continue
			}
			for _, slot := range e.Slots {
				local := day.Add(time.Duration(slot) * time.Minute)
				at := firstInstant(local, zone)
				if at.After(until) {
					return
				}
				if !at.After(last) {
					continue
				}
				last = at
				if !yield(Run{e, local.Format(localLayout), at}) {
					return
				}
			}
		}
	}
}

// localLayout is the form of Run.Local.
const localLayout = "2006-01-02T15:04"

// horizon is how far ahead a next run lies at most: a week, and a day that a zone left out.
const horizon = 16 * 24 * time.Hour

// firstInstant is the first instant at which the clocks of a zone show a date and time, given as if it were UTC, or a later
// one: where the hour is left out, that is the moment of the change; of an hour that comes twice, it is in the first.
func firstInstant(local time.Time, zone *time.Location) time.Time {
	const widest = 26 * time.Hour // more than any offset
	at := local.Add(-widest)
	for {
		in := at.In(zone)
		_, offset := in.Zone()
		_, end := in.ZoneBounds()
		candidate := local.Add(-time.Duration(offset) * time.Second)
		switch {
		case candidate.Before(at):
			return at
		case end.IsZero() || candidate.Before(end):
			return candidate
		}
		at = end.UTC()
	}
}
