package output

import (
	"context"
	"guided/audio"
	"io"
	"sync"
	"time"

	"github.com/gopxl/beep/v2"
)

// tapKept is how many frames a listener may be behind: 2 s.
const tapKept = 2 * audio.Rate

// A Tap lets any number of listeners hear what an output plays, as it is heard there: what the output took back they
// never get. None of them can hold up the sound or another listener, and while there are none it costs next to nothing.
type Tap struct {
	mu        sync.Mutex // held for arithmetic and for copying, never for long
	listeners int
	ring      []byte        // of tapKept frames, 16-bit stereo; nil without listeners
	head      int           // frames that went into rings
	at        time.Time     // when the last of them was heard
	told      int           // the head when the listeners were woken last
	more      chan struct{} // closed to wake them
}

// NewTap makes a tap without listeners.
func NewTap() *Tap { return &Tap{more: make(chan struct{})} }

// Output is out, tapped.
func (t *Tap) Output(out audio.Output) audio.Output { return tapped{out, t} }

type tapped struct {
	out audio.Output
	tap *Tap
}

func (o tapped) Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error {
	defer o.tap.wake(1) // for the last of it
	t := &trail{src: src, gain: 1, show: o.tap.put, tell: heard}
	return o.out.Play(ctx, t, t.hear)
}

// put adds what was heard, as the bytes that an output makes of it.
func (t *Tap) put(first int, frames [][2]float64) {
	const often = audio.Rate / 20 // a hundred listeners woken at every block would cost more than the sound
	t.add(first, frames)
	t.wake(often)
}

func (t *Tap) add(first int, frames [][2]float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(frames) > 0 && t.ring != nil {
		at := t.head % tapKept
		n := min(len(frames), tapKept-at)
		audio.Encode(t.ring[at*audio.FrameBytes:], frames[:n], first)
		frames, first = frames[n:], first+n
		t.head += n
		t.at = time.Now()
	}
}

// wake wakes the listeners when there are so many frames that they were not told of.
func (t *Tap) wake(frames int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.head-t.told >= frames {
		t.told = t.head
		close(t.more)
		t.more = make(chan struct{})
	}
}

// Listen begins to listen. The reader gives 16-bit stereo at Rate, little-endian, in whole frames, as time goes by:
// what is heard from now on, and silence while nothing is. Who is more than two seconds behind misses the oldest, in
// whole blocks. Read is called by one goroutine at a time, waits where nothing is due, and is io.EOF once ctx ends.
func (t *Tap) Listen(ctx context.Context) io.Reader {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners++; t.ring == nil {
		t.ring = make([]byte, tapKept*audio.FrameBytes)
	}
	context.AfterFunc(ctx, t.leave)
	return &tapListener{ctx: ctx, tap: t, next: t.head, until: time.Now(), silent: true}
}

func (t *Tap) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners--; t.listeners == 0 {
		t.ring = nil
	}
}
