package player_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// ear is an audio.Output that pulls when a test says so and keeps what was heard. What it pulled is heard `depth`
// frames later. It runs in virtual time: a block takes as long as it sounds.
type ear struct {
	depth   int
	reserve int // frames pulled before their time, which can be taken back; 0: none can
	block   int // frames pulled at a time
	orders  chan *order

	mu     sync.Mutex
	away   error // how opening the device fails
	opened int   // how often Play was called
	plays  []*hearing
	now    *hearing // nil: the device is closed
}

// hearing is one Play.
type hearing struct {
	samples []float64 // pulled, the left channel
	heard   int
	passed  int // frames of time, with those after the end of the stream
	drained bool
	failed  bool // the device went away: what was heard last was cut
}

// order is what a test wants of the device: so many frames, or that it fails.
type order struct {
	frames int
	err    error
	quit   bool // that it returns, against its contract
	done   chan struct{}
}

// tapes are used again: the race detector makes fresh memory dear.
var tapes = sync.Pool{New: func() any {
	tape := make([]float64, 0, 12*audio.Rate)
	return &tape
}}

// close gives the tapes back.
func (e *ear) close() {
	for _, h := range e.plays {
		tape := h.samples
		tapes.Put(&tape)
		h.samples = nil
	}
}

func newEar(depth int) *ear {
	return &ear{depth: depth, block: audio.Block, orders: make(chan *order)}
}

func (e *ear) Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error {
	h := &hearing{samples: (*tapes.Get().(*[]float64))[:0]}
	var block [][2]float64
	e.mu.Lock()
	e.opened++
	if err := e.away; err != nil {
		e.mu.Unlock()
		return err
	}
	e.now = h
	e.plays = append(e.plays, h)
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.now = nil
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o := <-e.orders:
			h.failed = o.err != nil || o.quit
			over := h.failed
			for !over && o.frames > 0 {
				n := min(o.frames, e.block)
				o.frames -= n
				time.Sleep(time.Duration(n) * time.Second / audio.Rate)
				if len(block) < n {
					block = make([][2]float64, n)
				}
				over = h.pull(src, block[:n], e)
				heard(h.heard)
			}
			if over {
				e.mu.Lock()
				e.now = nil
				e.mu.Unlock()
			}
			close(o.done)
			if over {
				return o.err
			}
		}
	}
}

// pull lets a block of time go by, and tells whether all was heard.
func (h *hearing) pull(src beep.Streamer, block [][2]float64, e *ear) bool {
	if r, is := src.(audio.Rewinder); is && e.reserve > 0 {
		select {
		case <-r.Changed():
			if n := len(h.samples) - h.passed; n > 0 {
				h.samples = h.samples[:h.passed]
				h.drained = false
				r.Rewind(n)
			}
		default:
		}
	}
	for h.passed += len(block); len(h.samples) < h.passed+e.reserve && !h.drained; {
		n, ok := src.Stream(block[:min(len(block), h.passed+e.reserve-len(h.samples))])
		for _, f := range block[:n] {
			h.samples = append(h.samples, f[0])
		}
		h.drained = !ok
	}
	h.heard = max(h.heard, min(h.passed-e.depth, len(h.samples)))
	return h.drained && h.heard == len(h.samples)
}

// give hands an order to the Play that is going on, and waits until it was carried out.
func (e *ear) give(o *order) {
	o.done = make(chan struct{})
	e.orders <- o
	<-o.done
}

// open is the Play that is going on, nil for none.
func (e *ear) open() *hearing {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *ear) unplug(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away = err
}

func (e *ear) attempts() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.opened
}

// pieces is the left channel of all that was heard, Play by Play.
func (e *ear) pieces() [][]float64 {
	var list [][]float64
	for _, h := range e.plays {
		list = append(list, h.samples[:h.heard])
	}
	return list
}

// heard is all that was heard.
func (e *ear) heard() []float64 { return slices.Concat(e.pieces()...) }
