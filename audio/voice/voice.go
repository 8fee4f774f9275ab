package voice

import (
	"context"
	"errors"

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

// Recording is one sound as it is kept and played: mono samples of 16 bits at Rate, and the beat of its first word.
// It is immutable.
type Recording struct {
	PCM  []int16
	Beat int
}

// Extent is what a score needs to know of it.
func (r Recording) Extent() routines.Extent { return routines.Extent{Len: len(r.PCM), Beat: r.Beat} }
