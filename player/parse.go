package player

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"guided/routines"
)

// Parse reads a command as words (`start 4-4-6 for 5m volume 40`) or as JSON
// (`{"command":"start","routine":"4-4-6","for":"5m"}`). Nothing, or a question mark, asks for the status. What could
// be read is returned with the error too, so that the answer can name it.
func Parse(payload []byte) (Command, error) {
	text := strings.TrimSpace(string(payload))
	if strings.HasPrefix(text, "{") {
		return parseJSON([]byte(text))
	}
	return parseWords(text)
}

func parseWords(text string) (Command, error) {
	words := strings.Fields(text)
	if len(words) == 0 || text == "?" {
		return Command{Verb: "status"}, nil
	}
	c := Command{Verb: strings.ToLower(words[0])}
	v, err := findVerb(c.Verb)
	if err != nil {
		return c, err
	}
	if err := v.parse(&c, words[1:]); err != nil {
		return c, fmt.Errorf("%w; write: %s", err, v.usage)
	}
	return c, nil
}

// The shapes of what may follow a verb.
func parseNothing(c *Command, words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("%s takes nothing after it, not %q", c.Verb, strings.Join(words, " "))
	}
	return nil
}

func parseText(c *Command, words []string) error {
	c.Text = strings.Join(words, " ")
	return nil
}

func parseName(c *Command, words []string) error {
	c.Routine = strings.Join(words, " ")
	return nil
}

// parseExtendWords reads how much; nothing is half a minute.
func parseExtendWords(c *Command, words []string) (err error) {
	if len(words) > 0 {
		c.Extend, err = parseExtend(strings.Join(words, " "))
	}
	return err
}

func parseVolumeWords(c *Command, words []string) (err error) {
	if len(words) == 0 {
		return nil
	}
	c.Volume, err = parseVolume(strings.Join(words, " "))
	return err
}

func parseVolume(s string) (*int, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, "%")), 64)
	if err != nil || !(f >= 0 && f <= 100) || strings.HasPrefix(s, "+") { // not a change by so much: that is no volume
		return nil, fmt.Errorf("volume: %q is not a number from 0 to 100", s)
	}
	v := int(math.Round(f))
	return &v, nil
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

// parseStartWords reads a name of several words and what may follow it.
func parseStartWords(c *Command, words []string) error {
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
	return parseName(c, words)
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

// wire is a command as JSON. Each value may be a string, or a number where a template put one; null is not told.
type wire struct {
	Command     json.RawMessage `json:"command"`
	Routine     json.RawMessage `json:"routine"`
	For         json.RawMessage `json:"for"`
	Volume      json.RawMessage `json:"volume"`
	Voice       json.RawMessage `json:"voice"`
	Verbosity   json.RawMessage `json:"verbosity"`
	Holds       json.RawMessage `json:"holds"`
	Bed         json.RawMessage `json:"bed"`
	Text        json.RawMessage `json:"text"`
	When        json.RawMessage `json:"when"`
	Transaction json.RawMessage `json:"transaction"`
	SentAt      json.RawMessage `json:"sent_at"`
}

// wireKeys are its keys.
var wireKeys = []string{"command", "routine", "for", "volume", "voice", "verbosity", "holds", "bed", "text", "when", "transaction", "sent_at"}

func parseJSON(data []byte) (Command, error) {
	var w wire
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	wrong := jsonError(d.Decode(&w))
	if _, err := d.Token(); wrong == nil && err != io.EOF {
		wrong = errors.New("the JSON goes on after its end; send one command a message")
	}
	values := map[string]string{}
	for key, raw := range map[string]json.RawMessage{"command": w.Command, "routine": w.Routine, "for": w.For, "volume": w.Volume, "voice": w.Voice, "verbosity": w.Verbosity, "holds": w.Holds, "bed": w.Bed, "text": w.Text, "when": w.When, "transaction": w.Transaction, "sent_at": w.SentAt} {
		value, err := jsonText(raw)
		if err != nil && wrong == nil {
			wrong = fmt.Errorf("%s: %w", key, err)
		}
		values[key] = value
	}
	c, err := parseWords(values["command"])
	c.Transaction = values["transaction"]
	switch {
	case wrong != nil:
		return c, wrong
	case err != nil:
		return c, err
	}
	return c, c.add(values)
}

// add takes what stands beside the command.
func (c *Command) add(values map[string]string) (err error) {
	v, _ := findVerb(c.Verb) // it was found before
	for _, key := range wireKeys[1:] {
		value := values[key]
		switch {
		case value == "" || key == "transaction" || key == "sent_at":
		case values["command"] == "":
			return fmt.Errorf(`%q without a command; add "command":"start"`, key)
		case !slices.Contains(strings.Fields(v.keys), key):
			return fmt.Errorf("%s takes no %q; write: %s", v.name, key, v.usage)
		default:
			err = c.set(key, value)
		}
		if err != nil {
			return err
		}
	}
	c.SentAt, err = parseSentAt(values["sent_at"])
	return err
}

func jsonError(err error) error {
	if err == nil {
		return nil
	}
	if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		name := strings.Trim(field, `"`)
		if near := routines.Nearest(name, wireKeys); near != "" {
			return fmt.Errorf("unknown key %q; did you mean %q?", name, near)
		}
		return fmt.Errorf("unknown key %q; use %s", name, strings.Join(wireKeys, ", "))
	}
	return fmt.Errorf("not a command in JSON: %w", err)
}

// jsonText is a JSON string, number or truth value as text.
func jsonText(raw json.RawMessage) (string, error) {
	var s string
	var b bool
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil {
		return strings.TrimSpace(s), nil
	}
	if json.Unmarshal(raw, &b) == nil {
		return strconv.FormatBool(b), nil
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), nil
	}
	return "", errors.New("want a text or a number")
}

// parseSentAt reads a time stamp with its zone, or seconds since 1970; a blank may stand for the T.
func parseSentAt(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1e11 {
		return time.UnixMilli(int64(f * 1000)), nil
	}
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(s, " ", "T", 1))
	if err != nil {
		return t, fmt.Errorf(`sent_at: %q is not a time such as "2026-01-31T07:30:00Z", or seconds since 1970`, s)
	}
	return t, nil
}
