package routines

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxLength is the longest time that any key, and any score, may have: a typing error such as "300m" must not start a
// day.
const maxLength = 4 * 60 * 60 * Rate

const maxBreaths = 1000

// limited converts a number of samples to an int, at most maxLength+1. What is longer is refused in any case, and the sum
// of three such ints fits in 32 bits.
func limited(n int64) int { return int(min(n, maxLength+1)) }

// Length is a length as people write it: a time, or a number of whole breaths. At most one field is set.
type Length struct {
	Samples int
	Breaths int
}

// Offset is a position inside a step. One field is set; the zero Offset is the step's start.
type Offset struct {
	FromStart, FromEnd int     // samples
	Fraction           float64 // of the body, between 0 and 1
}

// sample is the offset in samples from the start of a body of n samples; false when it lies outside.
func (o Offset) sample(n int) (int, bool) {
	at := o.FromStart
	switch {
	case o.FromEnd > 0:
		at = n - o.FromEnd
	case o.Fraction > 0:
		at = min(int(math.Round(o.Fraction*float64(n))), n-1) // rounding must not reach the end
	}
	return at, at >= 0 && at < n
}

// Samples converts a duration to samples, rounded to the nearest one. What an int of 32 bits cannot hold becomes its
// largest or smallest value.
func Samples(d time.Duration) int {
	return int(min(max(math.Round(d.Seconds()*Rate), math.MinInt), math.MaxInt))
}

// Duration converts samples to a duration.
func Duration(samples int) time.Duration {
	return time.Duration(math.Round(float64(samples) / Rate * float64(time.Second)))
}

func parseDuration(s string) (int, error) {
	return parseTime(s, `is not a duration; write one such as "45s", "3m" or "1m30s"`)
}

// parseTime reads a duration; notATime is the message for a text that is none.
func parseTime(s, notATime string) (int, error) {
	d, err := time.ParseDuration(strings.ReplaceAll(NormalizeText(s), " ", ""))
	switch {
	case err != nil && isNumber(s):
		return 0, fmt.Errorf("%q has no unit; write %q", s, strings.TrimSpace(s)+"s")
	case err != nil:
		return 0, fmt.Errorf("%q %s", s, notATime)
	case d < 0:
		return 0, fmt.Errorf("%q is negative", s)
	case d > Duration(maxLength):
		return 0, fmt.Errorf("%q is longer than four hours", s)
	}
	return Samples(d), nil
}

// ParseLength reads "45s", "3m" or "5 breaths". Zero and negative lengths are errors.
func ParseLength(s string) (Length, error) {
	if number, found := cutUnit(NormalizeText(s), "breaths", "breath"); found {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > maxBreaths {
			return Length{}, fmt.Errorf(`%q: write a whole number of breaths from 1 to %d, such as "5 breaths"`, s, maxBreaths)
		}
		return Length{Breaths: n}, nil
	}
	n, err := parseTime(s, `is not a length; write one such as "45s", "3m" or "5 breaths"`)
	if err == nil && n == 0 {
		err = fmt.Errorf("%q is nothing; leave the key out or give a length", s)
	}
	return Length{Samples: n}, err
}

// cutUnit cuts the first of units that s ends with; false when it ends with none.
func cutUnit(s string, units ...string) (string, bool) {
	for _, unit := range units {
		if number, found := strings.CutSuffix(strings.TrimSpace(s), unit); found {
			return strings.TrimSpace(number), true
		}
	}
	return s, false
}

// parseOffset reads "halfway", "20s", "10s before end" or "25%".
func parseOffset(s string) (Offset, error) {
	s = strings.TrimSpace(s)
	if plain := NormalizeText(s); !isPlain(s) && plain != s {
		return parseOffset(plain)
	}
	if s == "halfway" {
		return Offset{Fraction: 0.5}, nil
	}
	if percent, found := strings.CutSuffix(s, "%"); found {
		f, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(f > 0 && f < 100) {
			return Offset{}, fmt.Errorf("%q: write a part of the step between 0%% and 100%%", s)
		}
		return Offset{Fraction: f / 100}, nil
	}
	if left, found := cutUnit(s, "before end", "before the end"); found {
		n, err := parseDuration(left)
		if err == nil && n == 0 {
			err = fmt.Errorf("%q is the end itself; say it in the next step", s)
		}
		return Offset{FromEnd: n}, err
	}
	n, err := parseTime(s, `is not a moment; write "halfway", "20s", "10s before end" or "25%"`)
	return Offset{FromStart: n}, err
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return err == nil
}

// Timecode formats samples as minutes, seconds and milliseconds, such as 3:05.250.
func Timecode(samples int) string {
	ms := samples / (Rate / 1000)
	return fmt.Sprintf("%d:%02d.%03d", ms/60_000, ms/1000%60, ms%1000)
}

func inSeconds(samples int) float64 { return float64(samples) / Rate }

// minutesSeconds formats samples as minutes and whole seconds, such as 8:50.
func minutesSeconds(samples int) string {
	seconds := (samples + Rate/2) / Rate
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
