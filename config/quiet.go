package config

import (
	"fmt"
	"time"
)

// Hours is a part of the day by the clock on the wall, such as 22:00-07:00; the zero value is never.
type Hours struct {
	set      bool
	from, to time.Duration // since midnight
}

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
	clock := func(h, m int) time.Duration { return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute }
	*h = Hours{true, clock(a, b), clock(c, d)}
	return nil
}

// contains tells whether a moment lies in it.
func (h Hours) contains(t time.Time) bool {
	if !h.set {
		return false
	}
	now := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if h.from <= h.to {
		return h.from <= now && now < h.to
	}
	return h.from <= now || now < h.to
}

// AllDay is the whole day.
func AllDay() Hours { return Hours{set: true, to: 24 * time.Hour} }

// QuietNow tells whether what starts now is played softly. A clock that is not known to be right is not asked.
func (c Config) QuietNow() bool {
	return c.Audio.Quiet == AllDay() || c.Audio.Quiet.contains(time.Now()) && ClockTrusted()
}
