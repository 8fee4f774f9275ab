package output

import (
	"context"
	"io"
	"sync"
	"time"

	"guided/audio"

	"github.com/gopxl/beep/v2"
)

// tapCapacity is how many frames a listener may be behind: 2 s.
const tapCapacity = 2 * audio.Rate

// A Tap lets any number of listeners hear what an output plays, as it is heard there: what the output took back they
// never get. None of them can hold up the sound or another listener, and while there are none it costs next to nothing.
type Tap struct {
	mu        sync.Mutex // held for arithmetic and for copying, never for long
	listeners int
	ring      []byte        // of tapKept frames, 16-bit stereo; nil without listeners
	head      int           // frames that went into rings
	heardAt   time.Time     // when the last of them was heard
	wokenAt   int           // the head when the listeners were woken last
	written   chan struct{} // closed to wake them
}

// NewTap makes a tap without listeners.
func NewTap() *Tap { return &Tap{written: make(chan struct{})} }

// Output is out, tapped.
func (t *Tap) Output(out audio.Output) audio.Output { return tappedOutput{out, t} }

type tappedOutput struct {
	out audio.Output
	tap *Tap
}

func (o tappedOutput) Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error {
	defer o.tap.wake(1) // for the last of it
	t := &heardTap{src: src, gain: 1, onFrames: o.tap.write, onHeard: heard}
	return o.out.Play(ctx, t, t.report)
}

// write adds what was heard, as the bytes that an output makes of it.
func (t *Tap) write(first int, frames [][2]float64) {
	const often = audio.Rate / 20 // a hundred listeners woken at every block would cost more than the sound
	t.store(first, frames)
	t.wake(often)
}

func (t *Tap) store(first int, frames [][2]float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(frames) > 0 && t.ring != nil {
		at := t.head % tapCapacity
		n := min(len(frames), tapCapacity-at)
		audio.Encode(t.ring[at*audio.FrameBytes:], frames[:n], first)
		frames, first = frames[n:], first+n
		t.head += n
		t.heardAt = time.Now()
	}
}

// wake wakes the listeners when there are so many frames that they were not told of.
func (t *Tap) wake(frames int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.head-t.wokenAt >= frames {
		t.wokenAt = t.head
		close(t.written)
		t.written = make(chan struct{})
	}
}

// Listen begins to listen. The reader gives 16-bit stereo at Rate, little-endian, in whole frames, as time goes by:
// what is heard from now on, and silence while nothing is. Who is more than two seconds behind misses the oldest, in
// whole blocks. Read is called by one goroutine at a time, waits where nothing is due, and is io.EOF once ctx ends.
func (t *Tap) Listen(ctx context.Context) io.Reader {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners++; t.ring == nil {
		t.ring = make([]byte, tapCapacity*audio.FrameBytes)
	}
	context.AfterFunc(ctx, t.removeListener)
	return &tapListener{ctx: ctx, tap: t, next: t.head, due: time.Now(), silent: true}
}

func (t *Tap) removeListener() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners--; t.listeners == 0 {
		t.ring = nil
	}
}

// The sound that is heard comes in steps, a little late and a little early. Only where it has not come for tapPatience
// is there silence, in steps of tapSilence; the silence that is due is made good before the next sound, so that a
// stream keeps time over any number of pauses and a player's buffer at its other end never runs dry.
const (
	silenceAfter = 200 * time.Millisecond
	silenceStep  = 50 * time.Millisecond
)

// tapListener is one of a Tap. It makes its silence itself, so nothing runs where nobody reads.
type tapListener struct {
	ctx    context.Context
	tap    *Tap
	next   int       // the frame of the tap to read next
	due    time.Time // when what was read last was due
	silent bool      // since the last sound, or since it began
}

func (l *tapListener) Read(b []byte) (int, error) {
	if len(b) < audio.FrameBytes {
		return 0, io.ErrShortBuffer
	}
	b = b[:min(len(b), audio.Depth*audio.FrameBytes)/audio.FrameBytes*audio.FrameBytes]
	for l.ctx.Err() == nil {
		n, more := l.read(b)
		if n == 0 {
			n = l.wait(b, more)
		}
		if n > 0 {
			return n * audio.FrameBytes, nil
		}
	}
	return 0, io.EOF
}

// read reads frames that were heard, or the silence that is due before them. more is closed when there are others.
func (l *tapListener) read(b []byte) (n int, more <-chan struct{}) {
	t := l.tap
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.head == l.next || t.ring == nil {
		return 0, t.written
	}
	if missed := t.head - tapCapacity - l.next; missed > 0 {
		l.next += (missed + audio.Block - 1) / audio.Block * audio.Block
		l.silent = false // what was due before is missed too
	}
	begins := t.heardAt.Add(-toDuration(t.head - l.next))
	if l.silent {
		if n := l.readSilence(b, begins); n > 0 {
			return n, nil
		}
		l.silent = false
	}
	at := l.next % tapCapacity
	n = min(len(b)/audio.FrameBytes, t.head-l.next, tapCapacity-at)
	copy(b, t.ring[at*audio.FrameBytes:(at+n)*audio.FrameBytes])
	l.next += n
	l.due = begins.Add(toDuration(n))
	return n, nil
}

// readSilence gives what is due up to a time, which may be none, and of that no more than the last two seconds.
func (l *tapListener) readSilence(b []byte, to time.Time) int {
	if oldest := time.Now().Add(-toDuration(tapCapacity)); l.due.Before(oldest) {
		l.due = oldest
	}
	n := min(len(b)/audio.FrameBytes, int(toFrames(to.Sub(l.due))))
	if n <= 0 {
		return 0
	}
	clear(b[:n*audio.FrameBytes])
	l.due = l.due.Add(toDuration(n))
	return n
}

// wait waits for more, and gives silence where it does not come.
func (l *tapListener) wait(b []byte, more <-chan struct{}) int {
	patience := silenceAfter
	if l.silent {
		patience += silenceStep
	}
	late := time.NewTimer(time.Until(l.due.Add(patience)))
	defer late.Stop()
	select {
	case <-l.ctx.Done():
	case <-more:
	case now := <-late.C:
		l.silent = true
		return l.readSilence(b, now.Add(-silenceAfter))
	}
	return 0
}

// heardTap is a source that keeps what was pulled from it until it is heard, and then shows it: what an output takes back
// is never shown. It belongs to the goroutine of one Play.
type heardTap struct {
	src      beep.Streamer
	gain     float64                              // of what is pulled, not of what is shown
	onFrames func(first int, frames [][2]float64) // what was heard, and the number of its first frame
	onHeard  func(frames int)                     // is told what Play tells

	pending [][2]float64
	passed  int // frames of kept
	heard   int // frames of src
}

func (t *heardTap) Stream(samples [][2]float64) (int, bool) {
	n, more := t.src.Stream(samples)
	t.pending = append(t.pending, samples[:n]...)
	if t.gain != 1 {
		for i := range samples[:n] {
			samples[i][0] *= t.gain
			samples[i][1] *= t.gain
		}
	}
	return n, more
}

func (t *heardTap) Err() error { return t.src.Err() }

// Changed is nil, which never tells anything, where the source knows no change.
func (t *heardTap) Changed() <-chan struct{} {
	if r, is := t.src.(audio.Rewinder); is {
		return r.Changed()
	}
	return nil
}

// Rewind is called only after Changed told.
func (t *heardTap) Rewind(frames int) {
	t.pending = t.pending[:len(t.pending)-frames]
	t.src.(audio.Rewinder).Rewind(frames)
}

// report is what Play tells.
func (t *heardTap) report(frames int) {
	if n := frames - t.heard; n > 0 {
		t.onFrames(t.heard, t.pending[t.passed:t.passed+n])
		t.heard = frames
		if t.passed += n; t.passed >= audio.Reserve { // seldom, because what is moved may be a second
			t.pending = t.pending[:copy(t.pending, t.pending[t.passed:])]
			t.passed = 0
		}
	}
	t.onHeard(frames)
}
