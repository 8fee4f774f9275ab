// Package voice turns texts into recordings.
//
// A Voice has two implementations. One is made of recordings in a folder, embedded in the program or the user's
// (recorded.go). The other asks an Engine for any text (engine.go): an external program such as espeak-ng (command.go)
// or a Wyoming server such as Piper (wyoming.go). What an engine answers is untrusted: it is decoded, trimmed, brought
// to one loudness and its beat found (import.go, beat.go) before it is stored in the Cache on disk (cache.go).
//
// The Builder records a whole folder with an engine, as Ogg Opus (build.go, opus.go).
//
// The law: the same text gives the same recording, and a Recording is immutable. A score counts on the length and the
// beat that Measure reported: an index fixes those of a recorded voice, and the cache keeps what an engine once answered.
//
// Begin reading at Voice and Recording below; then the two methods Speak, in recorded.go and in engine.go.
package voice

import (
	"context"
	"errors"

	"guided/routines"
)

// A Voice turns texts into recordings: the same text gives the same recording. Both methods may be called concurrently.
type Voice interface {
	// Measure returns the length and the beat of a text without waiting; false when the voice does not have it (yet).
	Measure(text string) (routines.Extent, bool)
	// Speak returns the recording of a text. With an engine this may take seconds. A voice without an engine
	// returns the error below for a text that it lacks.
	Speak(ctx context.Context, text string) (Recording, error)
}

// ErrNoRecording is the error of a voice that does not have a text.
var ErrNoRecording = errors.New("the voice does not have this text")

// Recording is one sound as it is stored and played: mono 16-bit samples at audio.Rate, and the beat of its first word
// (see beat.go; 0 where it was not looked for). It is immutable.
type Recording struct {
	PCM  []int16
	Beat int // in samples from the start
}

// Extent is what a score needs to know of a recording.
func (r Recording) Extent() routines.Extent { return routines.Extent{Len: len(r.PCM), Beat: r.Beat} }
