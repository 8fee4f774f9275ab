package player_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// fakeOutput is an audio.Output that pulls when a test says so and keeps what was heard. What it pulled is heard `depth`
// frames later. It runs in virtual time: a block takes as long as it sounds.
type fakeOutput struct {
	depth   int
	reserve int // frames pulled before their time, which can be taken back; 0: none can
	block   int // frames pulled at a time
	steps   chan *deviceStep

	mu          sync.Mutex
	unavailable error // how opening the device fails
	calls       int   // how often Play was called
	plays       []*playCall
	current     *playCall // nil: the device is closed
}

// playCall is one Play.
type playCall struct {
	samples []float64 // pulled, the left channel
	heard   int
	elapsed int // frames of time, with those after the end of the stream
	drained bool
	failed  bool // the device went away: what was heard last was cut
}

// deviceStep is what a test wants of the device: so many frames, or that it fails.
type deviceStep struct {
	frames      int
	err         error
	returnEarly bool // that it returns, against its contract
	done        chan struct{}
}

// sampleBuffers are used again: the race detector makes fresh memory dear.
var sampleBuffers = sync.Pool{New: func() any {
	tape := make([]float64, 0, 12*audio.Rate)
	return &tape
}}

// releaseBuffers gives the tapes back.
func (e *fakeOutput) releaseBuffers() {
	for _, h := range e.plays {
		tape := h.samples
		sampleBuffers.Put(&tape)
		h.samples = nil
	}
}

func newFakeOutput(depth int) *fakeOutput {
	return &fakeOutput{depth: depth, block: audio.Block, steps: make(chan *deviceStep)}
}

func (e *fakeOutput) Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error {
	h := &playCall{samples: (*sampleBuffers.Get().(*[]float64))[:0]}
	var block [][2]float64
	e.mu.Lock()
	e.calls++
	if err := e.unavailable; err != nil {
		e.mu.Unlock()
		return err
	}
	e.current = h
	e.plays = append(e.plays, h)
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.current = nil
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o := <-e.steps:
			h.failed = o.err != nil || o.returnEarly
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
				e.current = nil
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
func (h *playCall) pull(src beep.Streamer, block [][2]float64, e *fakeOutput) bool {
	if r, is := src.(audio.Rewinder); is && e.reserve > 0 {
		select {
		case <-r.Changed():
			if n := len(h.samples) - h.elapsed; n > 0 {
				h.samples = h.samples[:h.elapsed]
				h.drained = false
				r.Rewind(n)
			}
		default:
		}
	}
	for h.elapsed += len(block); len(h.samples) < h.elapsed+e.reserve && !h.drained; {
		n, ok := src.Stream(block[:min(len(block), h.elapsed+e.reserve-len(h.samples))])
		for _, f := range block[:n] {
			h.samples = append(h.samples, f[0])
		}
		h.drained = !ok
	}
	h.heard = max(h.heard, min(h.elapsed-e.depth, len(h.samples)))
	return h.drained && h.heard == len(h.samples)
}

// send hands an order to the Play that is going on, and waits until it was carried out.
func (e *fakeOutput) send(o *deviceStep) {
	o.done = make(chan struct{})
	e.steps <- o
	<-o.done
}

// openPlay is the Play that is going on, nil for none.
func (e *fakeOutput) openPlay() *playCall {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current
}

func (e *fakeOutput) setUnavailable(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unavailable = err
}

func (e *fakeOutput) playCount() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls
}

// pieces is the left channel of all that was heard, Play by Play.
func (e *fakeOutput) pieces() [][]float64 {
	var list [][]float64
	for _, h := range e.plays {
		list = append(list, h.samples[:h.heard])
	}
	return list
}

// heard is all that was heard.
func (e *fakeOutput) heard() []float64 { return slices.Concat(e.pieces()...) }
