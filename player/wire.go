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
		value, err := plain(raw)
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

// plain is a JSON string, number or truth value as text.
func plain(raw json.RawMessage) (string, error) {
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
