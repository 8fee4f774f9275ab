package player

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"guided/routines"
)

// Command is one order to the player, from any remote.
type Command struct {
	Verb        string
	Routine     string // start, select
	Parameters         // start
	Extend      routines.Amount
	Text        string    // say
	Gap         bool      // say: between the words, where there is a place soon
	Volume      *int      // volume, start
	Transaction string    // echoed in the response; the same one is carried out once
	SentAt      time.Time // zero when not told
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

// extendWords reads how much; nothing is half a minute.
func extendWords(c *Command, words []string) (err error) {
	if len(words) > 0 {
		c.Extend, err = parseExtend(strings.Join(words, " "))
	}
	return err
}

func volumeWords(c *Command, words []string) (err error) {
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
