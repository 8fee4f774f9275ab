package output

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
)

// drainTimeout is how long Play of a combined output waits for its followers after the clock has finished.
const drainTimeout = 3 * time.Second

// A follower's output that failed is opened again after firstRetry, and then after twice the wait before, up to maxRetry.
const (
	firstRetry = 500 * time.Millisecond
	maxRetry   = 30 * time.Second
)

// A follower keeps its lag behind the clock near a target. Clocks of devices differ by some 100 ppm, so now and then it
// drops or repeats one block. It gets what the clock has played in pieces of a little less than half of its lag: by the rest a
// piece may be late.
const (
	targetLag = audio.Depth         // frames between the position of the clock and that of the follower
	longLag   = 5 * audio.Depth     // the same for a follower that is heard a second later anyway: Snapcast
	softDrift = 2 * audio.Block     // off by more, it corrects at the next quiet block
	hardDrift = 4 * audio.Block     // off by more, it corrects at the next block
	minLeft   = audio.Block * 3 / 2 // with less left in its device, it plays silence instead of waiting for the clock
	quietPeak = 1.0 / (1 << 8)      // the peak below which a block is quiet: -48 dBFS
)

// part is one output of a combined one, by its name in the settings. volume is 0 to 100.
type part struct {
	name   string
	output audio.Output
	volume int
}

func (p part) gain() float64 { return audio.VolumeGain(p.volume) }

// lag is the lag that it aims at as a follower.
func (p part) lag() int {
	if p.isSnapcast() {
		return longLag
	}
	return targetLag
}

// ahead is how far ahead of what it plays its followers get the sound: where it takes nothing back, they can have it before.
func (p part) ahead() int {
	if p.isSnapcast() {
		return followAhead
	}
	return 0
}

func (p part) isSnapcast() bool { return strings.HasPrefix(p.name, "snapcast:") }

// followAhead is how far ahead of what a clock plays that takes nothing back its followers get the sound, at most: where less than
// half of it is left they get more, so that few pieces do.
const followAhead = audio.Rate

// combined is one output made of several. The clock pulls, rewinds, reports what is heard and fails as if it were
// alone. The followers get what was heard there, or what will be, and are behind it by their lag and by the latency of their
// devices. The output with the longest latency, such as Snapcast, is therefore the best clock. Followers have no lead-in
// of their own.
//
// A follower never blocks the clock. One that fails is logged once and tried again while the sound goes on. Only the end
// of Play waits for the followers that are not lost, until they have played what the clock has.
type combined struct {
	clock     part
	followers []*follower
	feed      int // frames that the followers get at a time; FarAhead without any
}

func combine(log *slog.Logger, clock part, others ...part) audio.Output {
	c := &combined{clock: clock, feed: audio.FarAhead}
	for _, p := range others {
		c.followers = append(c.followers, &follower{part: p, log: log.With("output", p.name)})
		c.feed = min(c.feed, p.lag()/2-audio.Block)
	}
	return c
}

func (c *combined) Play(ctx context.Context, src beep.Streamer, heard func(frames int) (next int)) error {
	ring := newRingBuffer()
	followCtx, cancel := context.WithCancel(ctx)
	var followers sync.WaitGroup
	for _, f := range c.followers {
		f.start(followCtx)
		followers.Go(func() { f.follow(f.ctx, ring, c.feed) })
	}
	tap := &heardTap{src: src, gain: c.clock.gain(), onFrames: ring.write, onHeard: heard, interval: func() int { return c.feed }, ahead: c.clock.ahead()}
	if len(c.followers) == 0 {
		tap.onFrames = func(int, [][2]float64, int) {}
	}
	err := c.clock.output.Play(ctx, tap, func(frames int) (next int) {
		ring.setHeard(frames)
		return tap.report(frames)
	})
	tap.flush()
	// Nothing here is deferred: after a panic the process must not wait for the followers.
	ring.close()
	if err != nil {
		cancel()
	}
	for _, f := range c.followers {
		if f.lost.Load() && !f.sounding.Load() {
			f.cancel() // it has nothing to finish
		}
	}
	timeout := time.AfterFunc(drainTimeout, cancel)
	followers.Wait()
	if !timeout.Stop() {
		for _, f := range c.followers {
			if !f.began.Load() {
				f.logLost(errNotBegun)
			}
		}
	}
	cancel()
	return err
}

var errNotBegun = fmt.Errorf("its device has neither opened nor failed within %v", drainTimeout)

// follower is an output that plays what the clock has played.
type follower struct {
	part
	log  *slog.Logger
	lost atomic.Bool // its last failure is logged, and it has not played since

	ctx      context.Context // of the Play of the clock; it may end before that
	cancel   context.CancelFunc
	sounding atomic.Bool // frames were heard since its device was opened
	began    atomic.Bool // frames were heard since start
}

// start prepares for a Play of the clock.
func (f *follower) start(ctx context.Context) {
	f.ctx, f.cancel = context.WithCancel(ctx)
	f.sounding.Store(false)
	f.began.Store(false)
}

// logLost logs the first failure since frames were heard.
func (f *follower) logLost(err error) {
	if !f.lost.Swap(true) {
		f.log.Warn("an output is lost; the others play on, and it is tried again", "err", err)
	}
}

// follow plays until the ring is closed and all of it is heard, or until ctx ends. The ring gets feed frames at a time.
func (f *follower) follow(ctx context.Context, ring *ringBuffer, feed int) {
	for wait := firstRetry; ; wait = min(2*wait, maxRetry) {
		src := newFollowerSource(ctx, ring, f.part, feed)
		err := f.output.Play(ctx, src, func(frames int) int {
			if src.onHeard(frames); frames == 0 {
				return audio.Block
			}
			f.sounding.Store(true)
			f.began.Store(true)
			if f.lost.Swap(false) {
				f.log.Info("the output is back")
			}
			return audio.FarAhead // src tells what is heard between the reports
		})
		f.sounding.Store(false)
		if err == nil || ctx.Err() != nil {
			return
		}
		f.logLost(err)
		if src.heard > 10*audio.Rate {
			wait = firstRetry
		}
		retry := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-ring.closed:
		case <-retry.C:
		}
		retry.Stop()
		if ctx.Err() != nil || ring.isClosed() {
			return
		}
	}
}

// followerSource is what one Play of a follower pulls from. Its Stream waits for the clock, so the buffer of the
// follower's device holds what lies between the two positions: the lag, which Stream keeps near targetLag.
type followerSource struct {
	ctx  context.Context
	ring *ringBuffer
	gain float64
	aim  int // frames of lag
	feed int // frames that the ring gets at a time
	next int // the frame of the ring to read next

	startedAt     time.Time
	delivered     int       // frames given to the device, silence included
	heard         int       // of those
	heardAt       time.Time // when heard was reported
	deviceLatency float64   // frames from the first pull to the first sound, as far as it is known
	meanLag       float64   // over seconds
	started       bool      // frames of the ring were delivered
	silence       int       // frames that ready has promised
	alarm         alarm
}

func newFollowerSource(ctx context.Context, ring *ringBuffer, p part, feed int) *followerSource {
	return &followerSource{ctx: ctx, ring: ring, gain: p.gain(), aim: p.lag(), feed: feed, next: ring.state().playing(time.Now()), meanLag: float64(p.lag())}
}

// lag is how many frames the follower is behind the clock, without the latency of its device.
func (f *followerSource) lag(ring ringState, now time.Time) float64 {
	return f.left(now) + float64(ring.clock(now)-f.next)
}

// left is how many frames its device has left to play.
func (f *followerSource) left(now time.Time) float64 {
	if f.heard == 0 {
		return float64(f.delivered) - toFrames(now.Sub(f.startedAt))
	}
	return float64(f.delivered-f.heard) - toFrames(now.Sub(f.heardAt)) - f.deviceLatency
}

// onHeard takes what the follower's Play reports.
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
	n, timedOut := f.wait(len(samples))
	switch {
	case timedOut:
		n = len(samples)
		clear(samples)
		f.silence -= min(f.silence, n)
	case n == 0:
		return 0, false
	default:
		f.read(samples[:n])
	}
	f.delivered += n
	return n, true
}

func (f *followerSource) Err() error { return nil }

// ready waits as Stream does, and returns how many frames that gives without waiting.
func (f *followerSource) ready() int {
	_, timedOut := f.wait(audio.Block)
	ring := f.ring.state()
	if timedOut {
		if f.silence == 0 {
			f.silence = (max(0, int(f.silenceDue(ring, time.Now())))/audio.Block + 1) * audio.Block
		}
		return f.silence
	}
	return max(audio.Block, ring.head-f.next)
}

// silenceDue is how many frames of silence its device must get now, and negative where it needs none yet: what keeps it from
// running dry, and, before the first sound, what makes the lag.
func (f *followerSource) silenceDue(ring ringState, now time.Time) float64 {
	switch {
	case f.started:
		return minLeft - f.left(now)
	case ring.head > f.next:
		return float64(f.aim-audio.Block) - f.lag(ring, now)
	}
	most := float64(f.aim - f.feed) // the rest of the lag is the first piece
	missing := most - f.left(now)
	if missing < most/2 {
		return missing - most/2 // and then much at once
	}
	return missing
}

// wait waits until the ring holds n frames to read, and returns how many it holds, n at most: fewer once it is closed,
// and none when ctx ends. timedOut is true when silence is due before there are enough.
func (f *followerSource) wait(n int) (available int, timedOut bool) {
	if f.startedAt.IsZero() {
		f.startedAt = time.Now()
	}
	want := n
	if f.meanLag > float64(f.aim+softDrift) {
		want = 2 * n // read may drop one block
	}
	for {
		closed := f.ring.isClosed() // before the state is read, so that no frame is missed
		ring := f.ring.state()
		available := ring.head - f.next
		due := f.silenceDue(ring, time.Now())
		switch {
		case f.ctx.Err() != nil:
			return 0, false
		case f.silence > 0:
			return 0, true
		case closed || available >= want && (f.started || due < 0):
			return min(available, n), false
		case due >= 0:
			return 0, true
		}
		select {
		case <-f.ctx.Done():
		case <-ring.written:
		case <-f.ring.closed:
		case <-f.alarm.after(toDuration(int(-due) + 1)):
		}
	}
}

// read fills samples from the ring, and drops or repeats a block when the lag has drifted.
func (f *followerSource) read(samples [][2]float64) {
	n := len(samples)
	ring := f.ring.state()
	head := ring.head
	if !f.ring.read(f.next, samples) { // the device stood still for longer than the ring holds
		playing := ring.playing(time.Now())
		f.next = playing - (playing-f.next)%audio.Block - f.aim
		f.meanLag = float64(f.aim)
		f.ring.read(f.next, samples)
	}
	f.started = true
	f.meanLag += (f.lag(ring, time.Now()) - f.meanLag) / (2 * audio.Rate / audio.Block)
	drift := f.meanLag - float64(f.aim)
	quiet := peak(samples) < quietPeak
	var neighbour [audio.Block][2]float64
	switch {
	case (drift > softDrift && quiet || drift > hardDrift) && head-f.next >= 2*n: // drop a block
		f.ring.read(f.next+n, neighbour[:n])
		crossfade(samples, samples, neighbour[:n])
		f.next += n
		f.meanLag -= float64(n)
	case (-drift > softDrift && quiet || -drift > hardDrift) && f.next >= n: // repeat a block
		f.ring.read(f.next-n, neighbour[:n])
		crossfade(samples, samples, neighbour[:n])
		f.next -= n
		f.meanLag += float64(n)
	}
	f.next += n
	for i := range samples {
		samples[i][0] *= f.gain
		samples[i][1] *= f.gain
	}
}

// peak is the largest absolute value of any sample.
func peak(samples [][2]float64) float64 {
	p := 0.0
	for _, s := range samples {
		p = max(p, s[0], -s[0], s[1], -s[1])
	}
	return p
}

// crossfade fades linearly from one sound to the other over the length of dst, which may be one of them.
func crossfade(dst, from, to [][2]float64) {
	for i := range dst {
		x := float64(i) / float64(len(dst))
		for c := range dst[i] {
			dst[i][c] = from[i][c] + float64(x*(to[i][c]-from[i][c]))
		}
	}
}
