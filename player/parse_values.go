package player

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"guided/routines"
)

// What is echoed and remembered has an end: a name or a transaction, in bytes, and what an error repeats of a text.
const (
	maxName        = 200
	maxTransaction = 200
	maxEcho        = 40
)

func setRoutine(c *Command, value string) error {
	if len(value) > maxName {
		return fmt.Errorf("routine: a name of %d letters is too long; %d are allowed", utf8.RuneCountInString(value), maxName)
	}
	c.Routine = value
	return nil
}

func setTransaction(c *Command, value string) error {
	if len(value) > maxTransaction {
		c.Transaction = ""
		return fmt.Errorf("transaction: %d letters are too many; %d are allowed", utf8.RuneCountInString(value), maxTransaction)
	}
	c.Transaction = value
	return nil
}

// shorten is a text as an error repeats it.
func shorten(text string) string {
	if letters := []rune(text); len(letters) > maxEcho {
		return string(letters[:maxEcho]) + "…"
	}
	return text
}

// setFor sets the length of a start or a snooze, or the amount of an extend.
func setFor(c *Command, value string) (err error) {
	if c.Verb == "extend" {
		if c.Extend, err = routines.ParseLength(shorten(value)); err != nil {
			err = fmt.Errorf("extend: %w", err)
		}
		return err
	}
	d, err := parseTime("for", value)
	if err == nil && d == 0 {
		err = fmt.Errorf(`for: %q is not a length such as "5m" or "90s"`, shorten(value))
	}
	switch {
	case err != nil:
		return err
	case c.Verb == "snooze":
		c.Snooze = d
	default:
		c.For = d
	}
	return nil
}

// parseTime reads a time of up to four hours, such as "5m".
func parseTime(key, value string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.ToLower(value))
	switch {
	case err != nil || d < 0:
		return 0, fmt.Errorf(`%s: %q is not a length such as "5m" or "90s"`, key, shorten(value))
	case d > 4*time.Hour:
		return 0, fmt.Errorf("%s: %q is longer than four hours", key, shorten(value))
	}
	return d, nil
}

func setUntil(c *Command, value string) error {
	c.Until = value
	return checkUntil(value)
}

func setFadeIn(c *Command, value string) (err error) {
	c.FadeIn, err = parseTime("fade_in", value)
	return err
}

func setFadeOut(c *Command, value string) (err error) {
	c.FadeOut, err = parseTime("fade_out", value)
	return err
}

func setVolume(c *Command, value string) error {
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(value, "%")), 64)
	if err != nil || !(f >= 0 && f <= 100) || strings.HasPrefix(value, "+") { // relative volumes do not exist
		return fmt.Errorf("volume: %q is not a number from 0 to 100", shorten(value))
	}
	v := int(math.Round(f))
	c.Volume = &v
	return nil
}

func setVerbosity(c *Command, value string) error {
	c.Verbosity = routines.Verbosity(shorten(strings.ToLower(value)))
	return routines.Options{Verbosity: c.Verbosity}.Check()
}

func setHolds(c *Command, value string) error {
	on := false
	switch strings.ToLower(value) {
	case "true", "on", "yes":
		on = true
	case "false", "off", "no":
	default:
		return fmt.Errorf("holds: %q is neither on nor off", shorten(value))
	}
	c.Holds = &on
	return nil
}

// setVoice takes a name; Voices say which there are.
func setVoice(c *Command, value string) error {
	c.Voice = value
	if !isPath(value) {
		c.Voice = strings.ToLower(value)
	}
	return nil
}

// setBed takes the name of a bed, or a sound file, whose case counts.
func setBed(c *Command, value string) error {
	if lower := strings.ToLower(value); lower == routines.NoBed || slices.Contains(routines.BedNames(), lower) {
		value = lower
	}
	if len(value) > maxName {
		value = shorten(value)
	}
	c.Bed = value
	return routines.Options{Bed: value}.Check()
}

func setWhen(c *Command, value string) error {
	if c.InGap = strings.EqualFold(value, "gap"); !c.InGap && !strings.EqualFold(value, "now") {
		return fmt.Errorf(`when: %q is neither "now" nor "gap"`, shorten(value))
	}
	return nil
}
