package player

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"guided/routines"
)

// Command is one order to the player, from any remote.
type Command struct {
	Verb        string
	Routine     string        // start, select
	Text        string        // say
	For         time.Duration // start: the length asked for, 0 for its own
	Volume      *int          // volume, start
	Transaction string        // echoed in the response; the same one is carried out once
	SentAt      time.Time     // zero when not told
}

// Response answers a Command; every command is answered.
type Response struct {
	Status      string `json:"status"` // ok, error
	Command     string `json:"command"`
	Error       string `json:"error,omitempty"`
	Unchanged   bool   `json:"unchanged,omitempty"` // ok, and nothing had to change
	Transaction string `json:"transaction,omitempty"`
}

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
	return c, v.words(&c, words[1:])
}

// The shapes of what may follow a verb.
func noWords(_ *Command, words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("takes nothing after it, not %q", strings.Join(words, " "))
	}
	return nil
}

func anyWords(c *Command, words []string) error {
	c.Text = strings.Join(words, " ")
	return nil
}

func routineWords(c *Command, words []string) error {
	for len(words) >= 2 {
		key, value := strings.ToLower(words[len(words)-2]), words[len(words)-1]
		var err error
		switch key {
		case "for":
			c.For, err = parseFor(value)
		case "volume":
			c.Volume, err = parseVolume(value)
		default:
			c.Routine = strings.Join(words, " ")
			return nil
		}
		if err != nil {
			return err
		}
		words = words[:len(words)-2]
	}
	c.Routine = strings.Join(words, " ")
	return nil
}

func volumeWords(c *Command, words []string) (err error) {
	if len(words) == 0 {
		return nil
	}
	c.Volume, err = parseVolume(strings.Join(words, " "))
	return err
}

func parseFor(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf(`for: %q is not a length; write one such as "5m" or "90s"`, s)
	}
	if d > 4*time.Hour {
		return 0, fmt.Errorf("for: %q is longer than four hours", s)
	}
	return d, nil
}

func parseVolume(s string) (*int, error) {
	f, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return nil, fmt.Errorf("volume: %q is not a number from 0 to 100", s)
	}
	v := int(math.Round(f))
	return &v, nil
}

// wire is a command as JSON. Numbers may stand where Home Assistant's templates put them.
type wire struct {
	Command     string          `json:"command"`
	Routine     *string         `json:"routine"`
	For         *string         `json:"for"`
	Volume      *json.Number    `json:"volume"`
	Text        *string         `json:"text"`
	Transaction json.RawMessage `json:"transaction"`
	SentAt      json.RawMessage `json:"sent_at"`
}

func parseJSON(data []byte) (Command, error) {
	var w wire
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return Command{Transaction: plain(w.Transaction)}, jsonError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Command{Transaction: plain(w.Transaction)}, errors.New("the JSON goes on after its end; send one command a message")
	}
	c, err := parseWords(w.Command)
	c.Transaction = plain(w.Transaction)
	if err != nil {
		return c, err
	}
	if w.Routine != nil {
		c.Routine = *w.Routine
	}
	if w.Text != nil {
		c.Text = *w.Text
	}
	if w.For != nil {
		if c.For, err = parseFor(*w.For); err != nil {
			return c, err
		}
	}
	if w.Volume != nil {
		if c.Volume, err = parseVolume(w.Volume.String()); err != nil {
			return c, err
		}
	}
	c.SentAt, err = parseSentAt(w.SentAt)
	return c, err
}

func jsonError(err error) error {
	if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		known := []string{"command", "routine", "for", "volume", "text", "transaction", "sent_at"}
		name := strings.Trim(field, `"`)
		if near := routines.Nearest(name, known); near != "" {
			return fmt.Errorf("unknown key %q; did you mean %q?", name, near)
		}
		return fmt.Errorf("unknown key %q; use %s", name, strings.Join(known, ", "))
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: a %s cannot stand here", wrong.Field, wrong.Value)
	}
	return fmt.Errorf("not a command in JSON: %w", err)
}

// plain is a JSON string or number as text.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if s = string(raw); s == "null" {
		return ""
	}
	return s
}

// parseSentAt reads a time stamp with its zone, or seconds since 1970.
func parseSentAt(raw json.RawMessage) (time.Time, error) {
	s := plain(raw)
	if s == "" {
		return time.Time{}, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1e11 {
		return time.UnixMilli(int64(f * 1000)), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf(`sent_at: %q is not a time; write one such as "2026-01-31T07:30:00Z", or seconds since 1970`, s)
	}
	return t, nil
}
