package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"guided/player"
	"guided/routines"
)

// asked is what an address may ask for: what a start may be given, and where to begin.
type asked struct {
	player.Parameters
	volume *int
	from   time.Duration
}

// queryKeys are the parameters of an address; those of a start have its names.
func queryKeys() []string {
	return []string{"from", "for", "volume", "voice", "verbosity", "holds", "bed"}
}

// parseQuery reads the parameters of an address, as a start reads them.
func parseQuery(query string) (asked, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return asked{}, errors.New("what follows the question mark cannot be read; write ?for=10m&voice=heart")
	}
	start := map[string]string{"command": "start"}
	for key, values := range q {
		switch {
		case !slices.Contains(queryKeys(), key):
			return asked{}, fmt.Errorf("unknown parameter %q; %s", short(key), hint(key))
		case len(values) > 1:
			return asked{}, fmt.Errorf("%s stands more than once", key)
		case key != "from":
			start[key] = values[0]
		}
	}
	data, err := json.Marshal(start)
	if err != nil {
		return asked{}, err
	}
	c, err := player.Parse(data)
	if err != nil {
		return asked{}, err
	}
	a := asked{Parameters: c.Parameters, volume: c.Volume}
	a.from, err = parseFrom(q.Get("from"))
	return a, err
}

func hint(key string) string {
	if near := routines.Nearest(key, queryKeys()); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "use " + strings.Join(queryKeys(), ", ")
}

// short is what is worth saying back of a word.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// parseFrom reads a place in a routine: seconds, or a duration with its unit.
func parseFrom(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if seconds, failed := strconv.ParseFloat(s, 64); failed == nil && seconds >= 0 && seconds < 1e6 {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf(`from: %q is no place in a routine, such as "312" or "5m12s"`, short(s))
	}
	return d, nil
}
