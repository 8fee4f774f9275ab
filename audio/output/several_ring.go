package output

import (
	"guided/audio"
	"sync"
)

// relay hands on what the clock of several outputs has played.
type relay struct {
	mu    sync.Mutex // held for arithmetic and for copying, never for long
	ring  [][2]float64
	head  int           // frames heard
	more  chan struct{} // closed when there are others, or no more
	ended chan struct{} // closed at the end
}

func newRelay() *relay {
	return &relay{ring: make([][2]float64, 2*audio.Rate), more: make(chan struct{}), ended: make(chan struct{})}
}

// put adds what was heard.
func (r *relay) put(_ int, frames [][2]float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(frames) > 0 {
		n := copy(r.ring[r.head%len(r.ring):], frames)
		frames = frames[n:]
		r.head += n
	}
	close(r.more)
	r.more = make(chan struct{})
}

// end tells that no more comes.
func (r *relay) end() { close(r.ended) }

func (r *relay) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// now is how many frames were heard. more is closed when that changes.
func (r *relay) now() (head int, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head, r.more
}

// read copies frames from a place on, which were heard. It is false where they are forgotten.
func (r *relay) read(from int, samples [][2]float64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if from < r.head-len(r.ring) {
		return false
	}
	for len(samples) > 0 {
		n := copy(samples, r.ring[from%len(r.ring):])
		samples = samples[n:]
		from += n
	}
	return true
}
