package player_test

import (
	"context"
	"sync"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// ear is an audio.Output that pulls when a test says so and keeps what was heard. What it pulled is heard `depth`
// frames later. It runs in virtual time: a block takes as long as it sounds.
type ear struct {
	depth  int
	block  int // frames pulled at a time
	orders chan *order

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
}

// order is what a test wants of the device: so many frames, or that it fails.
type order struct {
	frames int
	err    error
	done   chan struct{}
}

func newEar(depth int) *ear {
	return &ear{depth: depth, block: audio.Block, orders: make(chan *order)}
}

func (e *ear) Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error {
	h := &hearing{samples: make([]float64, 0, 60*audio.Rate)}
	block := make([][2]float64, e.block)
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
			over := o.err != nil
			for !over && o.frames > 0 {
				n := min(o.frames, e.block)
				o.frames -= n
				time.Sleep(time.Duration(n) * time.Second / audio.Rate)
				over = h.pull(src, block[:n], e.depth)
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
func (h *hearing) pull(src beep.Streamer, block [][2]float64, depth int) bool {
	for got := 0; got < len(block) && !h.drained; {
		n, ok := src.Stream(block[got:])
		for _, f := range block[got : got+n] {
			h.samples = append(h.samples, f[0])
		}
		got += n
		h.drained = !ok
	}
	h.passed += len(block)
	h.heard = max(h.heard, min(h.passed-depth, len(h.samples)))
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

// heard is the left channel of all that was heard, one Play after another.
func (e *ear) heard() []float64 {
	var list []float64
	for _, h := range e.plays {
		list = append(list, h.samples[:h.heard]...)
	}
	return list
}
