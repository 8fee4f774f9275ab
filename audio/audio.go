// Package audio is what the packages below it share: the one sample rate, the contract of an output, reading of sound
// files (decode.go, wav.go), resampling, filters, loudness (loudness.go, normalize.go), and the one encoder of samples to
// bytes (pcm.go).
//
// Its law: inside, sound is float64 of ±1 at Rate, and lengths and positions are int samples or frames. Files from
// outside are not trusted. All processing gives the same bytes on every machine: where a product is added to a sum, a
// conversion to float64 forbids a fused multiply-add.
//
// Begin with Output and Rewinder below. Package mix makes the sound of a score, voice the recordings in it, output
// plays it, and prove checks a recording of it.
package audio

import (
	"context"
	"math"

	"github.com/gopxl/beep/v2"

	"guided/routines"
)

// Rate is the sample rate of the program, in samples a second.
const Rate = routines.Rate

// Rewinder is a source whose future may change after it was pulled. Changed receives when it has. An output that can
// drop what it has buffered then calls Rewind with the number of pulled frames that will not be heard, the last ones,
// and pulls them again. Other outputs ignore it and pull on.
type Rewinder interface {
	beep.Streamer
	Changed() <-chan struct{}
	Rewind(frames int)
}

// Output plays sound on a device, which it opens at the start of Play and has closed at its end. Play pulls src at the
// device's pace and returns
//
//	nil                    when src is drained and its last sample was heard,
//	ctx.Err()              when ctx ended first; what was buffered is dropped,
//	any other error        when the device failed or could not be opened.
//
// Play may be called again with the same src, which then goes on where it was.
//
// heard is called from the one goroutine that pulls src, and never after Play has returned, with the frames of src that have
// left the device since this call began: never more than were pulled, never less than the last time. It must not block. It
// returns at how many frames it is to be called again; an output calls it within 5 ms of that, and earlier whenever it has
// pulled or rewound src. In between an output may sleep, so a wrapper that needs reports more often returns a smaller number
// than what it wraps. FarAhead asks for none.
//
// An output may pull much at once, up to RewindDepth ahead of what is heard, in pieces of a Block or more, where it can rewind;
// what src decides while it is pulled must be seen from what heard returns after that.
type Output interface {
	Play(ctx context.Context, src beep.Streamer, heard func(frames int) (next int)) error
}

// FarAhead is a number of frames that is never heard.
const FarAhead = math.MaxInt
