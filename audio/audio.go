package audio

import (
	"context"

	"github.com/gopxl/beep/v2"

	"guided/routines"
)

// Rate is the one rate of the program, in samples a second.
const Rate = routines.Rate

// Block is how many frames an output pulls at a time: 10 ms, so that a pause is rendered at once.
const Block = Rate / 100

// Depth is how many frames an output keeps between what it pulled and what is heard: 100 ms. Deep enough
// for a busy Pi, shallow enough that a pause is heard within 150 ms without taking anything back.
const Depth = Rate / 10

// Reserve is how many frames an output keeps ahead that can take back what is not heard yet: 1 s. A machine may be
// busy that long without a gap, and a pause is still heard at once.
const Reserve = Rate

// A Rewinder is a source whose future may change after it was pulled. An output that can take back what it has pulled
// does so when Changed tells it to, and calls Rewind with the number of the last frames that nobody will hear; then it
// pulls on, and gets what belongs there now. An output that cannot, pulls on as ever.
type Rewinder interface {
	beep.Streamer
	Changed() <-chan struct{}
	Rewind(frames int)
}

// An Output plays src at its own pace and returns
//
//	nil                    when src is drained and its last sample was heard,
//	ctx.Err()              when ctx ended first; what was buffered is dropped,
//	any other error        when the device failed or could not be opened.
//
// It opens its device at the start of the call and has closed it at the end. Play may be called again with the
// same src, which then goes on where it stood. heard is called from Play's own goroutine after every block with
// the frames of src that have left the device since this call began (never more than were pulled, never less
// than the last time); it must not block.
type Output interface {
	Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error
}
