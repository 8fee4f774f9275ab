package player

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
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
	if err := v.words(&c, words[1:]); err != nil {
		return c, fmt.Errorf("%w; write: %s", err, v.usage)
	}
	return c, nil
}

// The shapes of what may follow a verb.
func noWords(c *Command, words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("%s takes nothing after it, not %q", c.Verb, strings.Join(words, " "))
	}
	return nil
}

func textWords(c *Command, words []string) error {
	c.Text = strings.Join(words, " ")
	return nil
}

func nameWords(c *Command, words []string) error {
	c.Routine = strings.Join(words, " ")
	return nil
}

// startWords reads a name of several words and what may follow it. "for" and "volume" may stand in a title too: only
// with a number after them they are more than that.
func startWords(c *Command, words []string) (err error) {
	for len(words) >= 2 && err == nil {
		key, value := strings.ToLower(words[len(words)-2]), words[len(words)-1]
		number := strings.ContainsAny(value[:1], "+-.0123456789")
		switch {
		case key == "for" && number:
			c.For, err = parseFor(value)
		case key == "volume" && number:
			c.Volume, err = parseVolume(value)
		default:
			return nameWords(c, words)
		}
		words = words[:len(words)-2]
	}
	if err != nil {
		return err
	}
	return nameWords(c, words)
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
		return 0, fmt.Errorf(`for: %q is not a length such as "5m" or "90s"`, s)
	}
	if d > 4*time.Hour {
		return 0, fmt.Errorf("for: %q is longer than four hours", s)
	}
	return d, nil
}

func parseVolume(s string) (*int, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, "%")), 64)
	if err != nil || !(f >= 0 && f <= 100) || strings.HasPrefix(s, "+") { // not a change by so much: that is no volume
		return nil, fmt.Errorf("volume: %q is not a number from 0 to 100", s)
	}
	v := int(math.Round(f))
	return &v, nil
}
