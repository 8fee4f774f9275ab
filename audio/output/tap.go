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

// What is heard reaches the listeners tapInterval at a time, and silence silenceStep at a time: all listeners are woken at once,
// and seldom, as a player at the far end buffers some seconds. While an output plays, sound is missed only silenceAfter
// after it was due, because it may be told late.
const (
	tapInterval  = audio.Rate // frames
	silenceAfter = 1200 * time.Millisecond
	silenceStep  = time.Second
)

// maxListeners is how many may listen at a time: more than there are rooms and browsers in a house. Each copies the sound
// under the lock that the output also takes.
const maxListeners = 200

// ErrTooManyListeners is the error of Listen when maxListeners listen already.
var ErrTooManyListeners = fmt.Errorf("%d are listening already, which is the most; close one of them", maxListeners)

// A Tap gives listeners what an output plays, as it is heard there, and silence in between, as one stream in real time; what
// the output has rewound they never get. A listener cannot block the output or another listener, and without listeners a
// tap costs next to nothing.
type Tap struct {
	mu        sync.Mutex // held for arithmetic and copying only
	listeners int
	joinedAt  time.Time     // when the first of them came
	ring      []byte        // of tapCapacity frames, 16-bit stereo; nil without listeners
	head      int64         // frames of the stream so far
	due       time.Time     // when the frame at head is due
	playing   bool          // an output plays
	sounding  bool          // and sound of it ends at head, so that what is heard next belongs there
	alarm     *time.Timer   // calls fill; nil before the first listener
	written   chan struct{} // closed to wake the listeners

	pieces sync.Pool // of *[]byte, for what is being written to a listener
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
	o.tap.setPlaying(true)
	t := &heardTap{src: src, gain: 1, onFrames: o.tap.write, onHeard: heard, interval: o.tap.interval}
	err := o.out.Play(ctx, t, t.report)
	t.flush()
	o.tap.setPlaying(false)
	return err
}

// interval is how many frames may be heard before write gets them: listeners wait for them.
func (t *Tap) interval() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners == 0 {
		return audio.FarAhead
	}
	return tapInterval
}

// setPlaying tells the tap that an output begins or ends to play.
func (t *Tap) setPlaying(playing bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if playing && t.listeners > 0 && t.writeSilence(time.Now()) { // sound comes only after an interval
		t.wake()
	}
	t.playing, t.sounding = playing, false
	t.setAlarm()
}

// write takes frames that were heard until now, but for the next ones, which were heard after them. first is the index of the
// first of them in the source; they are encoded as the output itself does.
func (t *Tap) write(first int, frames [][2]float64, next int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ends := time.Now().Add(-toDuration(next))
	begins := ends.Add(-toDuration(len(frames)))
	if t.listeners > 0 {
		early := min(len(frames), max(0, int(toFrames(t.joinedAt.Sub(begins))))) // heard before anybody listened
		frames, first = frames[early:], first+early
		if !t.sounding {
			t.writeSilence(begins)
		}
	}
	t.sounding = true
	for len(frames) > 0 && t.ring != nil {
		at := int(t.head % tapCapacity)
		n := min(len(frames), tapCapacity-at)
		audio.Encode(t.ring[at*audio.FrameBytes:], frames[:n], first)
		frames, first = frames[n:], first+n
		t.head += int64(n)
	}
	t.due = ends
	if next == 0 {
		t.setAlarm()
		t.wake()
	}
}

// fill completes the stream with the silence that is due, and wakes the listeners: one moment serves them all.
func (t *Tap) fill() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners == 0 {
		return
	}
	if t.writeSilence(time.Now().Add(-t.patience())) {
		t.sounding = false
		t.wake()
	}
	t.setAlarm()
}

// patience is how long sound may be due and not be told.
func (t *Tap) patience() time.Duration {
	if t.playing {
		return silenceAfter
	}
	return 0
}

// setAlarm sets the alarm for the moment when a step of silence is due, unless there is sound before.
func (t *Tap) setAlarm() {
	if t.listeners > 0 {
		t.alarm.Reset(time.Until(t.due.Add(t.patience() + silenceStep)))
	}
}

// writeSilence completes the stream up to a time with silence, of which listeners get two seconds at most. It is false where
// no silence is due.
func (t *Tap) writeSilence(to time.Time) bool {
	frames := int(toFrames(min(to.Sub(t.due), toDuration(tapCapacity))))
	if frames <= 0 {
		return false
	}
	if t.due = t.due.Add(toDuration(frames)); to.Sub(t.due) > silenceStep { // the machine was suspended
		t.due = to
	}
	for frames > 0 {
		at := int(t.head % tapCapacity)
		n := min(frames, tapCapacity-at)
		clear(t.ring[at*audio.FrameBytes : (at+n)*audio.FrameBytes])
		frames -= n
		t.head += int64(n)
	}
	return true
}

// wake wakes the listeners.
func (t *Tap) wake() {
	if t.listeners > 0 {
		close(t.written)
		t.written = make(chan struct{})
	}
}

// Listen adds a listener, until ctx ends. The listener gives 16-bit little-endian stereo at audio.Rate, in whole frames
// and in real time: what is heard from now on, and silence while nothing is. A listener that is more than two seconds
// behind misses the oldest frames, in whole blocks. Its methods are for one goroutine at a time. Read blocks while nothing is due,
// returns io.EOF after ctx has ended, and io.ErrShortBuffer for less than a frame. The error is ErrTooManyListeners.
func (t *Tap) Listen(ctx context.Context) (*TapListener, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners == maxListeners {
		return nil, ErrTooManyListeners
	}
	now := time.Now()
	if t.listeners++; t.listeners == 1 {
		t.ring = make([]byte, tapCapacity*audio.FrameBytes)
		t.joinedAt, t.due = now, now
		if t.alarm == nil {
			t.alarm = time.AfterFunc(time.Hour, t.fill)
		}
		t.setAlarm()
		if t.playing { // without listeners the output tells seldom what is heard
			t.alarm.Reset(toDuration(audio.RewindDepth) + silenceStep)
		}
	}
	context.AfterFunc(ctx, t.removeListener)
	next := t.head + max(0, int64(toFrames(now.Sub(t.due)))) // what is heard before now comes too, for those who listen already
	return &TapListener{ctx: ctx, tap: t, next: next}, nil
}

func (t *Tap) removeListener() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners--; t.listeners == 0 {
		t.ring = nil
		t.alarm.Stop()
	}
}

// TapListener is a listener of a [Tap].
type TapListener struct {
	ctx  context.Context
	tap  *Tap
	next int64 // the frame of the stream to read next
}

// Read implements [io.Reader].
func (l *TapListener) Read(b []byte) (int, error) {
	if len(b) < audio.FrameBytes {
		return 0, io.ErrShortBuffer
	}
	for l.ctx.Err() == nil {
		frames, written := l.read(b[:len(b)/audio.FrameBytes*audio.FrameBytes])
		if frames > 0 {
			return frames * audio.FrameBytes, nil
		}
		select {
		case <-l.ctx.Done():
		case <-written:
		}
	}
	return 0, io.EOF
}

// WriteTo implements [io.WriterTo]: it writes what there is, a quarter of a second at a time, and holds no memory while nothing is
// due. It returns nil after ctx has ended.
func (l *TapListener) WriteTo(w io.Writer) (n int64, err error) {
	for l.ctx.Err() == nil {
		piece, _ := l.tap.pieces.Get().(*[]byte)
		if piece == nil {
			piece = new([]byte)
			*piece = make([]byte, audio.Rate/4*audio.FrameBytes)
		}
		frames, written := l.read(*piece)
		if frames > 0 {
			var wrote int
			wrote, err = w.Write((*piece)[:frames*audio.FrameBytes])
			n += int64(wrote)
		}
		l.tap.pieces.Put(piece)
		switch {
		case err != nil:
			return n, err
		case frames > 0:
			continue
		}
		select {
		case <-l.ctx.Done():
		case <-written:
		}
	}
	return n, nil
}

// read reads what there is of the stream, and returns how many frames. written is closed when there is more.
func (l *TapListener) read(b []byte) (frames int, written <-chan struct{}) {
	t := l.tap
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.head <= l.next || t.ring == nil {
		return 0, t.written
	}
	if missed := t.head - tapCapacity - l.next; missed > 0 {
		l.next += (missed + audio.Block - 1) / audio.Block * audio.Block
	}
	frames = int(min(int64(len(b)/audio.FrameBytes), t.head-l.next))
	b = b[:frames*audio.FrameBytes]
	n := copy(b, t.ring[int(l.next%tapCapacity)*audio.FrameBytes:])
	copy(b[n:], t.ring)
	l.next += int64(frames)
	return frames, t.written
}

// heardTap is a source that keeps what is pulled from it until it is heard, or will be soon, and then hands it to onFrames; what is
// rewound is never handed on. It belongs to the goroutine of one Play, whose reports go to report; flush follows that Play.
type heardTap struct {
	src      beep.Streamer
	gain     float64                                        // of what is pulled; onFrames gets it without
	onFrames func(first int, frames [][2]float64, next int) // frames, the index of the first one in src, and how many more come at once
	onHeard  func(frames int) (next int)                    // gets what report gets
	interval func() int                                     // how many frames are handed on at a time; FarAhead where nobody needs them soon
	ahead    int                                            // how long before they are heard, once the first is; 0 where an output may rewind

	pending frameRing // what was pulled and not handed on, from frame given of src on
	given   int
	heard   int // frames of src
}

func (t *heardTap) Stream(samples [][2]float64) (int, bool) {
	n, more := t.src.Stream(samples)
	t.pending.push(samples[:n])
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
	t.pending.len -= frames
	t.src.(audio.Rewinder).Rewind(frames)
}

// report takes what Play reports as heard.
func (t *heardTap) report(frames int) (next int) {
	t.heard = max(t.heard, frames)
	interval := t.interval()
	switch {
	case t.ahead > 0 && t.heard > 0 && interval < audio.FarAhead: // each piece that is pulled is followed by a report
		if t.given < t.heard+t.ahead/2 {
			t.handOn(min(t.heard+t.ahead, t.given+t.pending.len))
		}
		return t.onHeard(frames)
	case interval == audio.FarAhead || t.heard-t.given >= interval:
		t.flush()
	}
	next = t.onHeard(frames)
	if interval < next-t.given {
		next = t.given + interval
	}
	return next
}

// flush hands on all that was heard.
func (t *heardTap) flush() { t.handOn(t.heard) }

// handOn hands on what comes before a frame of src.
func (t *heardTap) handOn(end int) {
	for t.given < end {
		frames := t.pending.front(end - t.given)
		t.onFrames(t.given, frames, end-t.given-len(frames))
		t.pending.drop(len(frames))
		t.given += len(frames)
	}
}

// frameRing is a queue of frames. It grows to what is in it at most, in one or two steps.
type frameRing struct {
	frames [][2]float64
	first  int // where the queue begins
	len    int
}

// push appends frames.
func (r *frameRing) push(frames [][2]float64) {
	if most := r.len + len(frames); most > len(r.frames) {
		size := 10 * audio.Block
		if most > size {
			size = max(most+most/4, audio.RewindDepth+audio.Rate/2)
		}
		grown := make([][2]float64, size)
		n := copy(grown, r.front(r.len))
		copy(grown[n:], r.frames[:r.len-n])
		r.frames, r.first = grown, 0
	}
	for len(frames) > 0 {
		at := r.first + r.len
		if at >= len(r.frames) {
			at -= len(r.frames)
		}
		n := copy(r.frames[at:], frames)
		frames = frames[n:]
		r.len += n
	}
}

// front is the first of the queue, up to n frames: fewer where they do not lie together. They are valid until the next push.
func (r *frameRing) front(n int) [][2]float64 {
	return r.frames[r.first:min(r.first+n, len(r.frames))]
}

// drop removes the first n frames.
func (r *frameRing) drop(n int) {
	r.len -= n
	if r.first += n; r.first >= len(r.frames) {
		r.first -= len(r.frames)
	}
}
