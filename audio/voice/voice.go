package voice

import (
	"context"
	"errors"
	"strings"

	"guided/routines"
)

// A Voice speaks texts: the same text gives the same recording.
type Voice interface {
	// Measure tells a text's extent without waiting, false when the voice does not have it (yet).
	Measure(text string) (routines.Extent, bool)
	// Speak gives the text's recording; for a program this may take seconds. ErrUnspoken when the voice lacks it.
	Speak(ctx context.Context, text string) (Recording, error)
}

// ErrUnspoken is the error of a voice that does not have a text.
var ErrUnspoken = errors.New("the voice does not have this text")

// textKeys are the keys a text is looked up by: as it stands, then without its last punctuation. Case and blanks do
// not matter; a final comma keeps the voice up, so "two," and "two." may be two recordings.
func textKeys(text string) [2]string {
	exact := strings.ToLower(strings.Join(strings.Fields(text), " "))
	return [2]string{exact, strings.TrimRight(exact, ".,;:!?… ")}
}
