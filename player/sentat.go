package player

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A command may say when it was sent. Its sender's clock may be wrong, and so may ours; so:
//
//   - a time more than maxCommandAge in the past refuses the command, and the answer names both clocks;
//   - a time of a clock that was never set (see unsetClock), or more than maxCommandAge in the future, is of a clock that is wrong; where our own is
//     not trusted, no time can be checked. Such a time is passed over, and the answer says so in its note;
//   - the order of a stop and a start is taken from the times of one clock only: from two that lie within maxCommandAge
//     of each other, of commands that arrived within maxCommandAge of each other by our monotonic clock.
//
// So no stamp, and no step of our clock, disables a later start for longer than maxCommandAge, and never silently.

// maxCommandAge is how old a command with a time stamp may be.
const maxCommandAge = 30 * time.Second

// A time before unsetClock and further than unsetAge in the past is shown by a device whose clock was never set: it
// counts from 1970, or some clock chips from 2000, when it is switched on.
var unsetClock = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

const unsetAge = 365 * 24 * time.Hour

// setSentAt reads a time stamp, or a number since 1970: seconds, or milli-, micro- or nanoseconds by its size. A blank
// may stand for the T. A stamp without a zone is in UTC or in our zone, whichever is nearer to now.
func setSentAt(c *Command, value string) error {
	if f, err := strconv.ParseFloat(value, 64); err == nil && math.Abs(f) < 1e20 {
		for _, unit := range [...]float64{1e17, 1e14, 1e11} { // in seconds the year 5138
			if math.Abs(f) >= unit {
				f /= unit / 1e8
				break
			}
		}
		c.SentAt = time.UnixMilli(int64(math.Round(f * 1000)))
		return nil
	}
	value = strings.ToUpper(strings.Replace(value, " ", "T", 1))
	if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
		c.SentAt = t
		return nil
	}
	if t, err := time.Parse("2006-01-02T15:04:05Z0700", value); err == nil {
		c.SentAt = t
		return nil
	}
	for _, zone := range [...]*time.Location{time.UTC, time.Local} {
		t, err := time.ParseInLocation("2006-01-02T15:04:05", value, zone)
		if err == nil && (c.SentAt.IsZero() || time.Since(t).Abs() < time.Since(c.SentAt).Abs()) {
			c.SentAt = t
		}
	}
	if c.SentAt.IsZero() {
		return fmt.Errorf(`sent_at: %q is not a time such as "2026-01-31T07:30:00Z", or seconds since 1970`, shorten(value))
	}
	return nil
}

// checkAge refuses a command that is too old. note says why a time could not be checked, empty where it was.
func (p *Player) checkAge(c Command) (note string, err error) {
	if c.SentAt.IsZero() {
		return "", nil
	}
	here := p.cfg.Now()
	sent, age := c.SentAt.UTC().Format(time.RFC3339), here.Sub(c.SentAt)
	switch {
	case c.SentAt.Before(unsetClock) && age > unsetAge:
		return fmt.Sprintf("sent_at is %s, so the sender's clock is not set; it was passed over", sent), nil
	case !p.cfg.ClockTrusted():
		return "sent_at was passed over: the clock here is not set yet", nil
	case age < -maxCommandAge:
		return fmt.Sprintf("sent_at is %s, %v ahead of the clock here; it was passed over", sent, roundAge(-age)), nil
	case age > maxCommandAge:
		return "", fmt.Errorf("the command is %v old and was not carried out; commands expire after %v (sent_at is %s, the clock here shows %s; if it was given just now, set the sender's clock)",
			roundAge(age), maxCommandAge, sent, here.UTC().Format(time.RFC3339))
	}
	return "", nil
}

// roundAge is a duration in whole seconds. One that is beyond time.Duration is its longest.
func roundAge(d time.Duration) time.Duration { return d.Truncate(time.Second) }

// silenced is a stop or a pause that said when it was sent.
type silenced struct{ sent, received time.Time }

// maxSilenced is how many of them are kept: more within maxCommandAge are not given by people.
const maxSilenced = 16

// checkOrder refuses a command that would begin sound and was sent before a stop or a pause that has been received
// already: on its way one message may overtake another.
func (p *Player) checkOrder(c Command) error {
	if c.SentAt.IsZero() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silenced = slices.DeleteFunc(p.silenced, func(s silenced) bool { return time.Since(s.received) > maxCommandAge })
	switch c.Verb {
	case "stop", "pause":
		if len(p.silenced) == maxSilenced {
			p.silenced = slices.Delete(p.silenced, 0, 1)
		}
		p.silenced = append(p.silenced, silenced{c.SentAt, time.Now()})
	case "start", "resume", "toggle":
		if slices.ContainsFunc(p.silenced, func(s silenced) bool {
			earlier := s.sent.Sub(c.SentAt)
			return earlier > 0 && earlier <= maxCommandAge
		}) {
			return fmt.Errorf("this %s was given before the last stop or pause, and came after it; send it again if it is still wanted", c.Verb)
		}
	}
	return nil
}
