package player

import (
	"bytes"
	"cmp"
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

// key is a value that a command can carry.
type key struct {
	name   string
	set    func(c *Command, value string) error
	isWord func(value string) bool // whether a value can follow the key in the words of start; nil: the key is JSON only
	common bool                    // every verb takes it
}

// keys are the keys of a command in JSON. Those that may follow the name of a routine as words may stand in a title too;
// so there they count only before a value that can be theirs.
var keys = []key{
	{name: "command"}, // parsed as words
	{name: "routine", set: func(c *Command, v string) error { c.Routine = v; return nil }},
	{name: "for", set: setFor, isWord: isNumber},
	{name: "volume", set: setVolume, isWord: isNumber},
	{name: "voice", set: func(c *Command, v string) error { c.Voice = strings.ToLower(v); return nil }, isWord: func(string) bool { return true }},
	{name: "verbosity", set: setVerbosity, isWord: func(v string) bool { return routines.Options{Verbosity: routines.Verbosity(v)}.Check() == nil }},
	{name: "holds", set: setHolds, isWord: func(v string) bool { return setHolds(&Command{}, v) == nil }},
	{name: "bed", set: setBed, isWord: func(v string) bool { return setBed(&Command{}, v) == nil }},
	{name: "text", set: func(c *Command, v string) error { c.Text = v; return nil }},
	{name: "when", set: setWhen},
	{name: "transaction", set: func(c *Command, v string) error { c.Transaction = v; return nil }, common: true},
	{name: "sent_at", set: setSentAt, common: true},
}

// keyNames lists the keys.
func keyNames() []string {
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
	}
	return names
}

// Parse reads a command as words (`start 4-4-6 for 5m volume 40`) or as JSON
// (`{"command":"start","routine":"4-4-6","for":"5m"}`). An empty payload, or a question mark, asks for the status. What
// could be read is returned with the error too, so that the response can name it.
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

// What may follow a verb in words.

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

// parseStart reads a name of several words, and the keys with values after it.
func parseStart(c *Command, words []string) error {
	for len(words) >= 2 {
		name, value := strings.ToLower(words[len(words)-2]), words[len(words)-1]
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == name && k.isWord != nil && k.isWord(value) })
		if i < 0 {
			break
		}
		if err := keys[i].set(c, value); err != nil {
			return err
		}
		words = words[:len(words)-2]
	}
	return parseName(c, words)
}

// parseExtend reads by how much; without words the amount is zero.
func parseExtend(c *Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	return setFor(c, strings.Join(words, " "))
}

// parseVolume reads a volume; without words it is nil.
func parseVolume(c *Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	return setVolume(c, strings.Join(words, " "))
}

// parseJSON reads an object with the keys above. A value may be a string, or a number where a template put one; null
// and an empty string count as left out.
func parseJSON(data []byte) (Command, error) {
	values, err := jsonValues(data)
	return commandOf(values, err)
}

// ParseBody reads a command whose verb is known, and whose keys are a JSON object; an empty body has none. The verb wins
// over a "command" of the object.
func ParseBody(verb string, body []byte) (Command, error) {
	values := map[string]string{}
	var err error
	if len(body) > 0 {
		values, err = jsonValues(body)
	}
	values["command"] = verb
	return commandOf(values, err)
}

// ParseValues reads a command from its keys and values, "command" among them. An empty value counts as left out.
func ParseValues(values map[string]string) (Command, error) { return commandOf(values, nil) }

// commandOf makes a command of its values; invalid is why they could not all be read.
func commandOf(values map[string]string, invalid error) (Command, error) {
	c, err := parseWords(values["command"])
	c.Transaction = values["transaction"]
	switch {
	case invalid != nil:
		return c, invalid
	case err != nil:
		return c, err
	}
	v, _ := findVerb(c.Verb) // parseWords found it
	for _, k := range keys[1:] {
		value := values[k.name]
		switch {
		case value == "":
			continue
		case k.common:
		case values["command"] == "":
			return c, fmt.Errorf(`%q without a command; add "command":"start"`, k.name)
		case !slices.Contains(strings.Fields(v.keys), k.name):
			return c, fmt.Errorf("%s takes no %q; write: %s", v.name, k.name, v.usage)
		}
		if err := k.set(&c, value); err != nil {
			return c, err
		}
	}
	return c, nil
}

// jsonValues are the values of a JSON object as text, by their keys. With an error it returns what could be read.
func jsonValues(data []byte) (map[string]string, error) {
	values := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(data))
	var object json.RawMessage
	if err := d.Decode(&object); err != nil {
		return values, fmt.Errorf("not a command in JSON: %w", err)
	}
	if object[0] != '{' {
		return values, errors.New(`no JSON object, such as {"routine":"yoga"}`)
	}
	var unknown, invalid error
	if _, err := d.Token(); err != io.EOF {
		invalid = errors.New("the JSON goes on after its end; send one command a message")
	}
	raw := map[string]json.RawMessage{}
	fields := json.NewDecoder(bytes.NewReader(object)) // of valid JSON, so it cannot fail
	_, _ = fields.Token()                              // the brace
	for fields.More() {
		token, _ := fields.Token()
		name, _ := token.(string)
		var value json.RawMessage
		_ = fields.Decode(&value)
		if i := slices.IndexFunc(keys, func(k key) bool { return strings.EqualFold(k.name, name) }); i >= 0 {
			raw[keys[i].name] = value
		} else {
			unknown = cmp.Or(unknown, unknownKey(name))
		}
	}
	for _, k := range keys {
		value, err := jsonText(raw[k.name])
		if err != nil {
			invalid = cmp.Or(invalid, fmt.Errorf("%s: %w", k.name, err))
		}
		values[k.name] = value
	}
	return values, cmp.Or(unknown, invalid)
}

func unknownKey(name string) error {
	return fmt.Errorf("unknown key %q; %s", name, routines.DidYouMean(name, keyNames()))
}

// jsonText is a JSON string, number or boolean as text; null and no value are empty.
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

// The values of the keys.

func isNumber(value string) bool { return strings.ContainsAny(value[:1], "+-.0123456789") }

// setFor sets the length of a start, or the amount of an extend.
func setFor(c *Command, value string) (err error) {
	if c.Verb == "extend" {
		if c.Extend, err = routines.ParseLength(value); err != nil {
			err = fmt.Errorf("extend: %w", err)
		}
		return err
	}
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return fmt.Errorf(`for: %q is not a length such as "5m" or "90s"`, value)
	}
	if d > 4*time.Hour {
		return fmt.Errorf("for: %q is longer than four hours", value)
	}
	c.For = d
	return nil
}

func setVolume(c *Command, value string) error {
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(value, "%")), 64)
	if err != nil || !(f >= 0 && f <= 100) || strings.HasPrefix(value, "+") { // relative volumes do not exist
		return fmt.Errorf("volume: %q is not a number from 0 to 100", value)
	}
	v := int(math.Round(f))
	c.Volume = &v
	return nil
}

func setVerbosity(c *Command, value string) error {
	c.Verbosity = routines.Verbosity(strings.ToLower(value))
	return routines.Options{Verbosity: c.Verbosity}.Check()
}

func setHolds(c *Command, value string) error {
	on := false
	switch strings.ToLower(value) {
	case "true", "on", "yes":
		on = true
	case "false", "off", "no":
	default:
		return fmt.Errorf("holds: %q is neither on nor off", value)
	}
	c.Holds = &on
	return nil
}

func setBed(c *Command, value string) error {
	c.Bed = value
	return routines.Options{Bed: value}.Check()
}

func setWhen(c *Command, value string) error {
	if c.InGap = value == "gap"; !c.InGap && value != "now" {
		return fmt.Errorf(`when: %q is neither "now" nor "gap"`, value)
	}
	return nil
}

// setSentAt reads a time stamp with its zone, or seconds since 1970; a blank may stand for the T.
func setSentAt(c *Command, value string) error {
	if f, err := strconv.ParseFloat(value, 64); err == nil && math.Abs(f) < 1e11 {
		c.SentAt = time.UnixMilli(int64(f * 1000))
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(value, " ", "T", 1))
	if err != nil {
		return fmt.Errorf(`sent_at: %q is not a time such as "2026-01-31T07:30:00Z", or seconds since 1970`, value)
	}
	c.SentAt = t
	return nil
}
