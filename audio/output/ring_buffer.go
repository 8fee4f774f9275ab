package output

import (
	"sync"
	"time"

	"guided/audio"
)

// ringBuffer holds what the clock has played in the last seconds, or plays next. One goroutine writes, any number read.
type ringBuffer struct {
	mu     sync.Mutex // held for arithmetic and copying only
	frames [][2]float64
	ringState
	closed chan struct{} // closed when nothing more will be written
}

type ringState struct {
	head    int           // frames written so far
	heard   int           // frames that the clock had played
	heardAt time.Time     // then; zero before the first
	written chan struct{} // closed at the next write
}

// clock is how many frames the clock has played: it goes on between its reports.
func (r ringState) clock(now time.Time) int {
	if r.heardAt.IsZero() {
		return 0
	}
	return r.heard + min(int(toFrames(now.Sub(r.heardAt))), longLag)
}

// playing is the frame that the clock plays, as far as it is written.
func (r ringState) playing(now time.Time) int { return min(r.head, r.clock(now)) }

func newRingBuffer() *ringBuffer {
	const size = 2*audio.Rate + followAhead
	return &ringBuffer{frames: make([][2]float64, size), ringState: ringState{written: make(chan struct{})}, closed: make(chan struct{})}
}

// setHeard takes how many frames the clock has played by now.
func (r *ringBuffer) setHeard(frames int) {
	if frames == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard, r.heardAt = frames, time.Now()
}

// write takes frames, before the next ones of the same moment.
func (r *ringBuffer) write(_ int, frames [][2]float64, next int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(frames) > 0 {
		n := copy(r.frames[r.head%len(r.frames):], frames)
		frames = frames[n:]
		r.head += n
	}
	if next == 0 {
		close(r.written)
		r.written = make(chan struct{})
	}
}

func (r *ringBuffer) close() { close(r.closed) }

func (r *ringBuffer) isClosed() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}

func (r *ringBuffer) state() ringState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ringState
}

// read copies written frames from index from on. It is false when they have been overwritten.
func (r *ringBuffer) read(from int, samples [][2]float64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if from < r.head-len(r.frames) {
		return false
	}
	for len(samples) > 0 {
		n := copy(samples, r.frames[from%len(r.frames):])
		samples = samples[n:]
		from += n
	}
	return true
}
