package player

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"guided/routines"
)

// Deadline is when a routine that starts now must have ended. It is a fit at the start: what the listener does afterwards
// (pause, extend, a step that waits) moves the end.
type Deadline struct {
	text string // as it was asked for
	at   time.Time
	lead time.Duration // from a start to its first sound
}

// maxUntil is how far ahead an end may be: no routine lasts longer.
const maxUntil = 4 * time.Hour

// retypeTime is what a hint allows for until somebody has said the start again.
const retypeTime = 15 * time.Second

// NewDeadline is the end that a value of "until" names (see checkUntil). now is the time in the zone in which a time of
// the day counts; lead is how long a start takes to its first sound, as far as known. The error is for whoever asked.
func NewDeadline(text string, now time.Time, lead time.Duration) (*Deadline, error) {
	d := &Deadline{text: text, lead: lead}
	clock, isClock, err := parseClock(text)
	switch {
	case err != nil:
		return nil, err
	case isClock:
		d.at = clock.next(now)
	default:
		d.at = parseInstant(text, now.Location()).In(now.Location())
	}
	left := d.at.Sub(now)
	shown := formatClock(now)
	switch {
	case left <= 0:
		return nil, fmt.Errorf("until: %s has passed: it is %s; name a time ahead, or say for how long, such as for 10m", text, now.Format("2006-01-02 15:04:05"))
	case left <= maxUntil:
		return d, nil
	case isClock && clock.hour < 12 && !clock.meridiem && left-12*time.Hour > 0 && left-12*time.Hour <= maxUntil:
		clock.hour += 12
		return nil, fmt.Errorf("until: it is %s, and %s is in the morning; for the evening write until %s", shown, text, clock)
	case isClock && left > 12*time.Hour:
		return nil, fmt.Errorf("until: %s has passed: it is %s; name a time ahead, or say for how long, such as for 10m", text, shown)
	}
	return nil, fmt.Errorf("until: it is %s, and %s is more than four hours ahead; nothing lasts so long", shown, text)
}

// Fit has a routine end at the deadline or just before it, if it starts now.
func (d *Deadline) Fit(o *routines.Options, now time.Time) {
	o.For, o.AtMost = max(1, d.at.Sub(now)-d.lead), true
}

// Explain turns the error of a length that is not possible into when the routine can end.
func (d *Deadline) Explain(err error, now time.Time) error {
	var e *routines.LengthError
	if !errors.As(err, &e) {
		return err
	}
	now = now.In(d.at.Location()).Add(d.lead)
	from := now.Add(e.Shortest + retypeTime + time.Minute - 1).Truncate(time.Minute)
	to := now.Add(e.Longest).Truncate(time.Minute)
	shortest, longest := e.Shortest.Round(time.Second), e.Longest.Round(time.Second)
	rigid := e.Rigid || shortest == longest
	switch begin := d.at.Add(-e.Longest - d.lead).Truncate(time.Minute); {
	case rigid && begin.After(now):
		return fmt.Errorf("until: %s always lasts %v; start it at %s to end at %s, or without until", e.Routine, longest, formatClock(begin), d.text)
	case rigid:
		return fmt.Errorf("until: %s always lasts %v and ends at %s if it starts now; start it without until", e.Routine, longest, formatClock(now.Add(e.Longest)))
	case to.Before(from):
		return fmt.Errorf("until: %s lasts %v to %v and ends at %s if it starts now; start it without until", e.Routine, shortest, longest, formatClock(now.Add(e.Shortest)))
	}
	return fmt.Errorf("until: %s can be fitted to between %v and %v: until %s at the earliest, and until %s at the latest; or say for how long, such as for %v",
		e.Routine, shortest, longest, formatClock(from), formatClock(to), shortest)
}

// same reports whether two deadlines, which may be nil, are one.
func (d *Deadline) same(o *Deadline) bool {
	return d == nil && o == nil || d != nil && o != nil && d.at.Equal(o.at)
}

// earlyEnd is when a score ends that starts now, where that is a minute or more before the deadline; else false.
func (d *Deadline) earlyEnd(score *routines.Score, now time.Time) (string, bool) {
	end := now.In(d.at.Location()).Add(d.lead + routines.Duration(score.Elapsed(score.Len)))
	return formatClock(end), d.at.Sub(end) >= time.Minute
}

// formatClock is the time of the day, to the second where it is not a whole minute.
func formatClock(t time.Time) string {
	if t.Second() != 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// clockTime is a time of the day.
type clockTime struct {
	hour, minute, second int
	meridiem             bool // it was written with am or pm
}

func (c clockTime) String() string {
	if c.second != 0 {
		return fmt.Sprintf("%02d:%02d:%02d", c.hour, c.minute, c.second)
	}
	return fmt.Sprintf("%02d:%02d", c.hour, c.minute)
}

// clockForm is how a time of the day is written: 8:10, 08:10:30, 8.10, 8:10 pm, 8pm.
var clockForm = regexp.MustCompile(`(?i)^(\d{1,2})(?:[:.](\d{2})(?::(\d{2}))?)?\s*([ap]\.?m\.?)?$`)

// instantForms are those of a whole time stamp, whose zone may be missing.
var instantForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04"}

// checkUntil reports whether a value is an end: a time of the day, or a time stamp (RFC 3339, also with a blank for the T,
// and without a zone in that of the settings).
func checkUntil(value string) error {
	_, _, err := parseClock(value)
	return err
}

// parseClock reads a time of the day; isClock is false for a time stamp.
func parseClock(value string) (c clockTime, isClock bool, err error) {
	m := clockForm.FindStringSubmatch(value)
	if m == nil || m[2] == "" && m[4] == "" {
		if !parseInstant(value, time.UTC).IsZero() {
			return c, false, nil
		}
		return c, false, fmt.Errorf(`until: %q is not a time such as "08:10" or "8:10 pm", in quotes where YAML or JSON carries it`, shorten(value))
	}
	for i, n := range []*int{&c.hour, &c.minute, &c.second} {
		*n, _ = strconv.Atoi(m[i+1]) // two digits, or none
	}
	c.meridiem = m[4] != ""
	valid := c.hour < 24 && c.minute < 60 && c.second < 60
	if c.meridiem {
		valid = valid && c.hour >= 1 && c.hour <= 12
		c.hour %= 12
		if strings.EqualFold(m[4][:1], "p") {
			c.hour += 12
		}
	}
	if !valid {
		return c, false, fmt.Errorf(`until: there is no %q; a day goes from "00:00" to "23:59"`, shorten(value))
	}
	return c, true, nil
}

// parseInstant reads a time stamp; the zero time where it is none.
func parseInstant(value string, zone *time.Location) time.Time {
	value = strings.ToUpper(strings.Replace(value, " ", "T", 1))
	for _, form := range instantForms {
		if t, err := time.ParseInLocation(form, value, zone); err == nil {
			return t
		}
	}
	return time.Time{}
}

// next is the first instant after now at which clocks in its zone show the time of the day. Where they are turned back, a
// time comes twice, and the nearer one counts; where they are turned forward past it, it is as long after midnight as if
// they were not.
func (c clockTime) next(now time.Time) time.Time {
	year, month, day := now.Date()
	var first time.Time
	for offset := -1; offset <= 2; offset++ {
		wall := time.Date(year, month, day+offset, c.hour, c.minute, c.second, 0, time.UTC)
		for _, t := range instantsOf(wall, now.Location()) {
			if t.After(now) && (first.IsZero() || t.Before(first)) {
				first = t
			}
		}
	}
	return first
}

// instantsOf are the instants at which clocks of a zone show the date and time that wall has in UTC.
func instantsOf(wall time.Time, zone *time.Location) []time.Time {
	at := func(around time.Time) time.Time {
		_, offset := around.In(zone).Zone()
		return wall.Add(-time.Duration(offset) * time.Second).In(zone)
	}
	before, after := at(wall.Add(-26*time.Hour)), at(wall.Add(26*time.Hour)) // by the offsets before and after a change of the clocks
	shows := func(t time.Time) bool {
		_, offset := t.Zone()
		return t.Add(time.Duration(offset) * time.Second).Equal(wall)
	}
	var list []time.Time
	for _, t := range []time.Time{before, after} {
		if shows(t) {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		list = append(list, before) // it is passed over
	}
	return list
}
