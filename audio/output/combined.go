package output

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"guided/audio"

	"github.com/gopxl/beep/v2"
)

// A part is one of several outputs, and how loud it is: 0 to 100, a gain of (v/100)³.
type part struct {
	Name   string
	Output audio.Output
	Volume int
}

func (p part) gain() float64 { return math.Pow(float64(p.Volume)/100, 3) }

// combine is one output made of many. The clock pulls, takes back, tells what is heard and fails as if it were alone.
// The others get what was heard there, so they are behind it by about Depth and by what their devices keep; a clock
// that is heard late, as Snapcast is, suits the rest best. They should have no lead-in of their own.
//
// None of the others holds up the clock. One that is faster or slower repeats or drops a block now and then, at a quiet
// place if there is one. One that fails is told once and tried again while the sound goes on. Only the end waits for
// them, until they have played what the clock has.
func combine(log *slog.Logger, clock part, others ...part) audio.Output {
	s := &combined{clock: clock}
	for _, p := range others {
		s.followers = append(s.followers, &follower{part: p, log: log.With("output", p.Name)})
	}
	return s
}

type combined struct {
	clock     part
	followers []*follower
}

// drainTimeout is how long the end may wait for the others.
const drainTimeout = 3 * time.Second

func (s *combined) Play(ctx context.Context, src beep.Streamer, heard func(frames int)) error {
	r := newRingBuffer()
	following, leave := context.WithCancel(ctx)
	defer leave()
	var others sync.WaitGroup
	defer others.Wait()
	for _, f := range s.followers {
		others.Go(func() { f.follow(following, r) })
	}
	t := &heardTap{src: src, gain: s.clock.gain(), onFrames: r.write, onHeard: heard}
	err := s.clock.Output.Play(ctx, t, t.report)
	r.close()
	if err != nil {
		leave()
		return err
	}
	late := time.AfterFunc(drainTimeout, leave)
	defer late.Stop()
	others.Wait()
	return nil
}

// The waits between attempts to open an output that is away.
const (
	firstRetry = 500 * time.Millisecond
	maxRetry   = 30 * time.Second
)

// follower is an output that plays what another has played.
type follower struct {
	part
	log  *slog.Logger
	lost bool // and told so
}

// follow plays until the relay ends and all of it is heard, or until ctx ends.
func (f *follower) follow(ctx context.Context, r *ringBuffer) {
	for wait := firstRetry; ; wait = min(2*wait, maxRetry) {
		s := newFollowerSource(ctx, r, f.gain())
		err := f.Output.Play(ctx, s, func(frames int) {
			if s.onHeard(frames); frames > 0 && f.lost {
				f.lost = false
				f.log.Info("the output is back")
			}
		})
		if err == nil || ctx.Err() != nil {
			return
		}
		if !f.lost {
			f.lost = true
			f.log.Warn("an output is lost; the others play on, and it is tried again", "err", err)
		}
		if s.heard > 10*audio.Rate {
			wait = firstRetry
		}
		late := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.closed:
		case <-late.C:
		}
		late.Stop()
		if ctx.Err() != nil || r.isClosed() {
			return
		}
	}
}

const (
	targetLag = audio.Depth     // frames that a follower keeps between what comes and what is heard
	softDrift = 3 * audio.Block // from that, before it drops or repeats a block at a quiet place
	hardDrift = 6 * audio.Block // before it does so at any place
	minLag    = targetLag / 4   // of the cushion left, before it gives silence in the place of what does not come
	quietPeak = 1.0 / (1 << 8)  // the peak of a quiet place: -48 dB
)

// followerSource is the sound for one Play of a follower. Its Stream waits for what the clock plays; so the follower's device
// holds what lies between the two, and that is what is kept even.
type followerSource struct {
	ctx  context.Context
	ring *ringBuffer
	gain float64
	next int // the frame of the relay to read next

	startedAt     time.Time
	delivered     int       // frames
	heard         int       // of those
	heardAt       time.Time // when they were
	deviceLatency float64   // frames that the device itself is late, as far as is known
	meanLag       float64   // of spare, over seconds
	started       bool      // has come
}

func newFollowerSource(ctx context.Context, r *ringBuffer, gain float64) *followerSource {
	head, _ := r.position()
	return &followerSource{ctx: ctx, ring: r, gain: gain, next: head, meanLag: targetLag}
}

// lag is how many frames are between what the clock has played and what is heard here, save what the device is late.
func (f *followerSource) lag(head int, now time.Time) float64 {
	waiting := float64(head - f.next + f.delivered)
	if f.heard == 0 {
		return waiting - toFrames(now.Sub(f.startedAt))
	}
	return waiting - float64(f.heard) - toFrames(now.Sub(f.heardAt)) - f.deviceLatency
}

// onHeard is what the follower's Play tells.
func (f *followerSource) onHeard(frames int) {
	now := time.Now()
	if f.heard == 0 && frames > 0 {
		f.deviceLatency = toFrames(now.Sub(f.startedAt)) - float64(frames)
	}
	if frames > f.heard {
		f.heard, f.heardAt = frames, now
	}
}

func (f *followerSource) Stream(samples [][2]float64) (int, bool) {
	samples = samples[:min(len(samples), audio.Block)]
	if f.startedAt.IsZero() {
		f.startedAt = time.Now()
	}
	n := f.wait(len(samples))
	switch {
	case n == 0:
		return 0, false
	case n < 0: // nothing has come in time
		n = len(samples)
		clear(samples)
	default:
		f.read(samples[:n])
	}
	f.delivered += n
	return n, true
}

func (f *followerSource) Err() error { return nil }

// wait waits for n frames, and tells how many there are: fewer at the end, and -1 where the device cannot wait longer.
func (f *followerSource) wait(n int) int {
	want := n
	if f.meanLag > targetLag+softDrift {
		want = 2 * n // to drop one of them
	}
	for {
		over := f.ring.isClosed() // before the rest is counted
		head, more := f.ring.position()
		there := head - f.next
		least := float64(targetLag)
		if f.started {
			least = minLag
		}
		left := f.lag(head, time.Now()) - float64(there) - least
		switch {
		case f.ctx.Err() != nil:
			return 0
		case there >= want || over:
			return min(there, n)
		case left <= 0:
			return -1
		}
		late := time.NewTimer(toDuration(int(left) + 1))
		select {
		case <-f.ctx.Done():
		case <-more:
		case <-f.ring.closed:
		case <-late.C:
		}
		late.Stop()
	}
}

// read fills samples, and keeps even what is between the clock and the ear.
func (f *followerSource) read(samples [][2]float64) {
	n := len(samples)
	head, _ := f.ring.position()
	if !f.ring.read(f.next, samples) { // the device stood still: what is forgotten is left out
		f.next = head - (head-f.next)%audio.Block - targetLag
		f.meanLag = targetLag
		f.ring.read(f.next, samples)
	}
	f.started = true
	f.meanLag += (f.lag(head, time.Now()) - f.meanLag) / (2 * audio.Rate / audio.Block)
	off := f.meanLag - targetLag
	silent := peak(samples) < quietPeak
	var other [audio.Block][2]float64
	switch {
	case (off > softDrift && silent || off > hardDrift) && head-f.next >= 2*n:
		f.ring.read(f.next+n, other[:n])
		crossfade(samples, samples, other[:n])
		f.next += n
		f.meanLag -= float64(n)
	case (-off > softDrift && silent || -off > hardDrift) && f.next >= n:
		f.ring.read(f.next-n, other[:n])
		crossfade(samples, samples, other[:n])
		f.next -= n
		f.meanLag += float64(n)
	}
	f.next += n
	for i := range samples {
		samples[i][0] *= f.gain
		samples[i][1] *= f.gain
	}
}

func peak(samples [][2]float64) float64 {
	most := 0.0
	for _, s := range samples {
		most = max(most, s[0], -s[0], s[1], -s[1])
	}
	return most
}

// crossfade goes from one sound to another.
func crossfade(dst, from, to [][2]float64) {
	for i := range dst {
		x := float64(i) / float64(len(dst))
		for c := range dst[i] {
			dst[i][c] = from[i][c] + float64(x*(to[i][c]-from[i][c]))
		}
	}
}

// ringBuffer hands on what the clock of several outputs has played.
type ringBuffer struct {
	mu      sync.Mutex // held for arithmetic and for copying, never for long
	frames  [][2]float64
	head    int           // frames heard
	written chan struct{} // closed when there are others, or no more
	closed  chan struct{} // closed at the end
}

func newRingBuffer() *ringBuffer {
	return &ringBuffer{frames: make([][2]float64, 2*audio.Rate), written: make(chan struct{}), closed: make(chan struct{})}
}

// write adds what was heard.
func (r *ringBuffer) write(_ int, frames [][2]float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(frames) > 0 {
		n := copy(r.frames[r.head%len(r.frames):], frames)
		frames = frames[n:]
		r.head += n
	}
	close(r.written)
	r.written = make(chan struct{})
}

// close tells that no more comes.
func (r *ringBuffer) close() { close(r.closed) }

func (r *ringBuffer) isClosed() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}

// position is how many frames were heard. more is closed when that changes.
func (r *ringBuffer) position() (head int, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head, r.written
}

// read copies frames from a place on, which were heard. It is false where they are forgotten.
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
