package output

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// tapCapacity is how many frames a listener may be behind: 2 s.
const tapCapacity = 2 * audio.Rate

// Sound is heard in bursts, a little early and a little late. A listener fills in silence only after silenceAfter
// without sound, in steps of silenceStep, and completes it before the next sound. So the stream keeps real time over any
// number of pauses, and a player's buffer at its other end does not run dry.
const (
	silenceAfter = 200 * time.Millisecond
	silenceStep  = 50 * time.Millisecond
)

// maxListeners is how many may listen at a time: more than there are rooms and browsers in a house. Each is woken twenty
// times a second and copies the sound under the lock that the output also takes.
const maxListeners = 200

// ErrTooManyListeners is the error of Listen when maxListeners listen already.
var ErrTooManyListeners = fmt.Errorf("%d are listening already, which is the most; close one of them", maxListeners)

// A Tap gives listeners what an output plays, as it is heard there; what the output has rewound they never
// get. A listener cannot block the output or another listener, and without listeners a tap costs next to nothing.
type Tap struct {
	mu        sync.Mutex // held for arithmetic and copying only
	listeners int
	ring      []byte        // of tapCapacity frames, 16-bit stereo; nil without listeners
	head      int64         // frames written to the ring so far
	heardAt   time.Time     // when the last of them was heard
	wokenAt   int64         // head when the listeners were woken last
	written   chan struct{} // closed to wake them
}

// NewTap makes a tap without listeners.
func NewTap() *Tap { return &Tap{written: make(chan struct{})} }

// Output wraps out, so that the listeners get what it plays.
func (t *Tap) Output(out audio.Output) audio.Output { return tappedOutput{out, t} }

type tappedOutput struct {
	out audio.Output
	tap *Tap
}

func (o tappedOutput) Play(ctx context.Context, src beep.Streamer, heard func(frames int) (next int)) error {
	defer o.tap.wake(1) // for what was written since the listeners were woken last
	t := &heardTap{src: src, gain: 1, onFrames: o.tap.write, onHeard: heard, every: o.tap.reportInterval}
	return o.out.Play(ctx, t, t.report)
}

// reportInterval is how many frames may be heard without a report: listeners wait for them.
func (t *Tap) reportInterval() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners == 0 {
		return audio.FarAhead
	}
	return wakeEvery
}

// wakeEvery is how many frames listeners are woken for: waking a hundred of them at every block would cost more than the
// sound.
const wakeEvery = audio.Rate / 20

// write takes frames that were heard, first being the index of the first of them in the source.
func (t *Tap) write(first int, frames [][2]float64) {
	t.store(first, frames)
	t.wake(wakeEvery)
}

// store encodes frames as the output itself does.
func (t *Tap) store(first int, frames [][2]float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(frames) > 0 && t.ring != nil {
		at := int(t.head % tapCapacity)
		n := min(len(frames), tapCapacity-at)
		audio.Encode(t.ring[at*audio.FrameBytes:], frames[:n], first)
		frames, first = frames[n:], first+n
		t.head += int64(n)
		t.heardAt = time.Now()
	}
}

// wake wakes the listeners when at least so many frames were written since the last time.
func (t *Tap) wake(frames int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.head-t.wokenAt >= int64(frames) {
		t.wokenAt = t.head
		close(t.written)
		t.written = make(chan struct{})
	}
}

// Listen adds a listener, until ctx ends. The reader gives 16-bit little-endian stereo at audio.Rate, in whole frames
// and in real time: what is heard from now on, and silence while nothing is. A listener that is more than two seconds
// behind misses the oldest frames, in whole blocks. Read is for one goroutine at a time; it blocks while nothing is due,
// returns io.EOF after ctx has ended, and io.ErrShortBuffer for less than a frame. The error is ErrTooManyListeners.
func (t *Tap) Listen(ctx context.Context) (io.Reader, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners == maxListeners {
		return nil, ErrTooManyListeners
	}
	if t.listeners++; t.ring == nil {
		t.ring = make([]byte, tapCapacity*audio.FrameBytes)
	}
	context.AfterFunc(ctx, t.removeListener)
	return &tapListener{ctx: ctx, tap: t, next: t.head, due: time.Now(), silent: true}, nil
}

func (t *Tap) removeListener() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners--; t.listeners == 0 {
		t.ring = nil
	}
}

// tapListener makes its silence in Read, so no goroutine runs for it.
type tapListener struct {
	ctx    context.Context
	tap    *Tap
	next   int64     // the frame of the tap to read next
	due    time.Time // when the frame after the last one read is due
	silent bool      // there was silence since the last sound, or no sound yet
}

func (l *tapListener) Read(b []byte) (int, error) {
	if len(b) < audio.FrameBytes {
		return 0, io.ErrShortBuffer
	}
	b = b[:min(len(b), audio.Depth*audio.FrameBytes)/audio.FrameBytes*audio.FrameBytes]
	for l.ctx.Err() == nil {
		n, written := l.read(b)
		if n == 0 {
			n = l.wait(b, written)
		}
		if n > 0 {
			return n * audio.FrameBytes, nil
		}
	}
	return 0, io.EOF
}

// read reads frames that were heard, or the silence that is due before them, and returns how many. written is closed
// when there are more.
func (l *tapListener) read(b []byte) (frames int, written <-chan struct{}) {
	t := l.tap
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.head == l.next || t.ring == nil {
		return 0, t.written
	}
	if missed := t.head - tapCapacity - l.next; missed > 0 {
		l.next += (missed + audio.Block - 1) / audio.Block * audio.Block
		l.silent = false // the silence before it is missed too
	}
	begins := t.heardAt.Add(-toDuration(t.head - l.next))
	if l.silent {
		if n := l.readSilence(b, begins); n > 0 {
			return n, nil
		}
		l.silent = false
	}
	at := int(l.next % tapCapacity)
	n := min(len(b)/audio.FrameBytes, int(min(t.head-l.next, tapCapacity)), tapCapacity-at)
	copy(b, t.ring[at*audio.FrameBytes:(at+n)*audio.FrameBytes])
	l.next += int64(n)
	l.due = begins.Add(toDuration(n))
	return n, nil
}

// readSilence reads the silence that is due up to a time, two seconds at most, and returns how many frames, which may be
// none.
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

// wait waits for a write, and reads silence when none comes in time.
func (l *tapListener) wait(b []byte, written <-chan struct{}) int {
	patience := silenceAfter
	if l.silent {
		patience += silenceStep
	}
	timeout := time.NewTimer(time.Until(l.due.Add(patience)))
	defer timeout.Stop()
	select {
	case <-l.ctx.Done():
	case <-written:
	case now := <-timeout.C:
		l.silent = true
		return l.readSilence(b, now.Add(-silenceAfter))
	}
	return 0
}

// heardTap is a source that keeps what is pulled from it until it is heard, and then hands it to onFrames; what is
// rewound is never handed on. It belongs to the goroutine of one Play, whose reports go to report.
type heardTap struct {
	src      beep.Streamer
	gain     float64                              // of what is pulled; onFrames gets it without
	onFrames func(first int, frames [][2]float64) // frames that were heard, and the index of the first one in src
	onHeard  func(frames int) (next int)          // gets what report gets
	every    func() int                           // how many frames may be heard without a report

	pending [][2]float64 // pulled; the first passed of them are heard already
	passed  int
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

// Changed is nil, a channel that never delivers, when src is no Rewinder.
func (t *heardTap) Changed() <-chan struct{} {
	if r, ok := t.src.(audio.Rewinder); ok {
		return r.Changed()
	}
	return nil
}

// Rewind is called only after Changed has delivered, so src is a Rewinder.
func (t *heardTap) Rewind(frames int) {
	t.pending = t.pending[:len(t.pending)-frames]
	t.src.(audio.Rewinder).Rewind(frames)
}

// report takes what Play reports as heard.
func (t *heardTap) report(frames int) (next int) {
	if n := frames - t.heard; n > 0 {
		t.onFrames(t.heard, t.pending[t.passed:t.passed+n])
		t.heard = frames
		if t.passed += n; t.passed >= audio.RewindDepth { // seldom, because up to a second is moved
			t.pending = t.pending[:copy(t.pending, t.pending[t.passed:])]
			t.passed = 0
		}
	}
	next = t.onHeard(frames)
	if every := t.every(); every < next-frames {
		next = frames + every
	}
	return next
}
