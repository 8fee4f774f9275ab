package config

import (
	"fmt"
	"time"
)

// Hours is a part of the day in local time, such as 22:00-07:00, the end excluded. The zero value is empty.
type Hours struct {
	set      bool
	from, to time.Duration // since midnight
}

// UnmarshalTOML parses text such as "22:00-07:00"; "" is empty.
func (h *Hours) UnmarshalTOML(v any) error {
	s, is := v.(string)
	*h = Hours{}
	if is && s == "" {
		return nil
	}
	var a, b, c, d int
	if _, err := fmt.Sscanf(s+"|", "%2d:%2d-%2d:%2d|", &a, &b, &c, &d); !is || err != nil || a > 23 || c > 23 || b > 59 || d > 59 || min(a, b, c, d) < 0 {
		return fmt.Errorf(`%v is no part of a day; write it such as "22:00-07:00"`, v)
	}
	*h = Hours{true, sinceMidnight(a, b), sinceMidnight(c, d)}
	return nil
}

func sinceMidnight(hour, minute int) time.Duration {
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
}

// contains reports whether the time of day of t lies in the hours.
func (h Hours) contains(t time.Time) bool {
	if !h.set {
		return false
	}
	now := sinceMidnight(t.Hour(), t.Minute())
	if h.from <= h.to {
		return h.from <= now && now < h.to
	}
	return h.from <= now || now < h.to
}

// AllDay is the whole day, for --quiet.
func AllDay() Hours { return Hours{set: true, to: 24 * time.Hour} }

// usualNight is the night where no quiet hours are set.
func usualNight() Hours { return Hours{set: true, from: sinceMidnight(22, 0), to: sinceMidnight(7, 0)} }

// NightAt reports whether an instant lies in the night, in which nothing starts by itself: in the quiet hours, or from 22:00
// to 07:00 where none are set. It is meant for a clock that is trusted.
func (c Config) NightAt(t time.Time) bool {
	night := c.Audio.Quiet
	if !night.set {
		night = usualNight()
	}
	return night.contains(t.In(c.zone))
}

// QuietNow reports whether a routine that starts now is played softly. Hours count by the wall clock of the time zone of
// the settings, unless that clock is certainly wrong: one that nothing synchronizes is most often right.
func (c Config) QuietNow() bool { return c.quietAt(time.Now()) }

func (c Config) quietAt(now time.Time) bool {
	if c.Audio.Quiet == AllDay() {
		return true
	}
	return !clockWrong(now) && c.Audio.Quiet.contains(now.In(c.zone))
}
