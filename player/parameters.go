package player

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"guided/audio/mix"
	"guided/routines"
)

// Parameters is what a start may ask for; what is zero is as the settings say.
type Parameters struct {
	For       time.Duration      // the length of the whole; 0: the routine's own
	Voice     string             // who speaks
	Verbosity routines.Verbosity // how much is said
	Holds     *bool              // breaths with their holds, or without
	Bed       string             // what sounds under it, or "none"
}

// startKeys are the words that may stand before a value after the name of what is started. They may stand in a title
// too: only with a value that can be theirs they are more than that.
var startKeys = []struct {
	name string
	is   func(value string) bool
}{
	{"for", isNumber}, {"volume", isNumber},
	{"voice", func(string) bool { return true }},
	{"verbosity", func(v string) bool { return routines.Options{Verbosity: routines.Verbosity(v)}.Check() == nil }},
	{"holds", func(v string) bool { _, err := parseSwitch("", v); return err == nil }},
	{"bed", func(v string) bool { return routines.Options{Bed: v}.Check() == nil }},
}

func isNumber(value string) bool { return strings.ContainsAny(value[:1], "+-.0123456789") }

// startWords reads a name of several words and what may follow it.
func startWords(c *Command, words []string) error {
	for len(words) >= 2 {
		key, value := strings.ToLower(words[len(words)-2]), words[len(words)-1]
		known := false
		for _, k := range startKeys {
			known = known || k.name == key && k.is(value)
		}
		if !known {
			break
		}
		if err := c.set(key, value); err != nil {
			return err
		}
		words = words[:len(words)-2]
	}
	return nameWords(c, words)
}

// set takes a value by its name, as words or JSON bring it.
func (c *Command) set(key, value string) (err error) {
	switch key {
	case "routine":
		c.Routine = value
	case "text":
		c.Text = value
	case "when":
		if c.Gap = value == "gap"; !c.Gap && value != "now" {
			err = fmt.Errorf(`when: %q is neither "now" nor "gap"`, value)
		}
	case "volume":
		c.Volume, err = parseVolume(value)
	case "for":
		if c.Verb == "extend" {
			c.Extend, err = parseExtend(value)
		} else {
			c.For, err = parseFor(value)
		}
	case "voice":
		c.Voice = strings.ToLower(value)
	case "verbosity":
		c.Verbosity = routines.Verbosity(strings.ToLower(value))
		err = routines.Options{Verbosity: c.Verbosity}.Check()
	case "holds":
		c.Holds, err = parseSwitch(key, value)
	case "bed":
		c.Bed = value
		err = routines.Options{Bed: value}.Check()
	}
	return err
}

func parseFor(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf(`for: %q is not a length such as "5m" or "90s"`, s)
	}
	if d > 4*time.Hour {
		return 0, fmt.Errorf("for: %q is longer than four hours", s)
	}
	return d, nil
}

func parseExtend(s string) (routines.Amount, error) {
	a, err := routines.ParseAmount(s)
	if err != nil {
		err = fmt.Errorf("extend: %w", err)
	}
	return a, err
}

func parseSwitch(key, s string) (*bool, error) {
	on := false
	switch strings.ToLower(s) {
	case "true", "on", "yes":
		on = true
	case "false", "off", "no":
	default:
		return nil, fmt.Errorf("%s: %q is neither on nor off", key, s)
	}
	return &on, nil
}

// options is what the compiler is asked for: the parameters over the settings.
func (p *Player) options(c Parameters) routines.Options {
	o := routines.Options{For: c.For, Verbosity: cmp.Or(c.Verbosity, p.cfg.Verbosity), NoHolds: p.cfg.NoHolds, Bed: c.Bed}
	if c.Holds != nil {
		o.NoHolds = !*c.Holds
	}
	if p.cfg.Quiet != nil {
		o.Quiet = p.cfg.Quiet()
	}
	return o
}

// request is one start, checked.
type request struct {
	routine *routines.Routine
	bank    *mix.Bank // of the voice asked for
	options routines.Options
	volume  *int // for this session only, nil: the player's
}

// same tells two starts of the same; what was changed since, and the hour, make no difference.
func (r request) same(o request) bool {
	a, b := r.options, o.options
	return r.routine.Name == o.routine.Name && r.bank == o.bank &&
		a.For == b.For && a.Verbosity == b.Verbosity && a.NoHolds == b.NoHolds && a.Bed == b.Bed
}
