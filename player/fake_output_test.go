package player_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// fakeOutput is an audio.Output that pulls when a test sends it a step, and records what was heard. A frame is heard
// depth frames after it was pulled. It runs in virtual time: a block takes as long as it sounds.
type fakeOutput struct {
	depth   int
	reserve int // frames pulled ahead, which can be rewound; 0: it cannot rewind
	block   int // frames pulled at a time
	steps   chan *deviceStep

	mu          sync.Mutex
	unavailable error // the error of opening the device, nil: it opens
	calls       int   // of Play
	plays       []*playCall
	current     *playCall // nil: the device is closed
}

// playCall is one call of Play.
type playCall struct {
	samples []float64 // the left channel of what was pulled and not rewound
	heard   int
	elapsed int // frames of time, counting on after the end of the stream
	drained bool
	failed  bool // the device failed, so the last sound may be cut
}

// deviceStep lets the device run for so many frames, or fail.
type deviceStep struct {
	frames      int
	err         error
	returnEarly bool // Play returns nil before the stream has ended, against its contract
	done        chan struct{}
}

// sampleBuffers are reused: the race detector makes new memory expensive.
var sampleBuffers = sync.Pool{New: func() any {
	samples := make([]float64, 0, 12*audio.Rate)
	return &samples
}}

// releaseBuffers returns the buffers of all calls.
func (f *fakeOutput) releaseBuffers() {
	for _, h := range f.plays {
		samples := h.samples
		sampleBuffers.Put(&samples)
		h.samples = nil
	}
}

func newFakeOutput(depth int) *fakeOutput {
	return &fakeOutput{depth: depth, block: audio.Block, steps: make(chan *deviceStep)}
}

func (f *fakeOutput) Play(ctx context.Context, src beep.Streamer, heard func(frames int) (next int)) error {
	h := &playCall{samples: (*sampleBuffers.Get().(*[]float64))[:0]}
	const reportEvery = 50 // blocks: an output reports whenever it has pulled, half a second at a time
	var block [][2]float64
	blocks, next := 0, 0
	f.mu.Lock()
	f.calls++
	if err := f.unavailable; err != nil {
		f.mu.Unlock()
		return err
	}
	f.current = h
	f.plays = append(f.plays, h)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.current = nil
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o := <-f.steps:
			h.failed = o.err != nil || o.returnEarly
			over := h.failed
			for !over && o.frames > 0 {
				n := min(o.frames, f.block)
				o.frames -= n
				time.Sleep(time.Duration(n) * time.Second / audio.Rate)
				if len(block) < n {
					block = make([][2]float64, n)
				}
				over = h.pull(src, block[:n], f)
				if blocks++; h.heard >= next || over || blocks%reportEvery == 0 {
					next = heard(h.heard)
				}
			}
			if over {
				f.mu.Lock()
				f.current = nil
				f.mu.Unlock()
			}
			close(o.done)
			if over {
				return o.err
			}
		}
	}
}

// pull lets the time of a block pass, and reports whether the whole stream was heard.
func (h *playCall) pull(src beep.Streamer, block [][2]float64, f *fakeOutput) bool {
	if r, is := src.(audio.Rewinder); is && f.reserve > 0 {
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
	for h.elapsed += len(block); len(h.samples) < h.elapsed+f.reserve && !h.drained; {
		n, ok := src.Stream(block[:min(len(block), h.elapsed+f.reserve-len(h.samples))])
		for _, frame := range block[:n] {
			h.samples = append(h.samples, frame[0])
		}
		h.drained = !ok
	}
	h.heard = max(h.heard, min(h.elapsed-f.depth, len(h.samples)))
	return h.drained && h.heard == len(h.samples)
}

// send makes the current Play carry out a step, and waits for it.
func (f *fakeOutput) send(o *deviceStep) {
	o.done = make(chan struct{})
	f.steps <- o
	<-o.done
}

// openPlay is the current Play, nil for none.
func (f *fakeOutput) openPlay() *playCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current
}

func (f *fakeOutput) setUnavailable(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unavailable = err
}

func (f *fakeOutput) playCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// pieces is the left channel of what was heard, one slice for each Play.
func (f *fakeOutput) pieces() [][]float64 {
	var list [][]float64
	for _, h := range f.plays {
		list = append(list, h.samples[:h.heard])
	}
	return list
}

// heard is the left channel of everything heard.
func (f *fakeOutput) heard() []float64 { return slices.Concat(f.pieces()...) }
