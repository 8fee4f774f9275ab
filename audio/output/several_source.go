package output

import (
	"context"
	"guided/audio"
	"time"
)

const (
	cushion  = audio.Depth     // frames that a follower keeps between what comes and what is heard
	tooFar   = 3 * audio.Block // from that, before it drops or repeats a block at a quiet place
	farthest = 6 * audio.Block // before it does so at any place
	thin     = cushion / 4     // of the cushion left, before it gives silence in the place of what does not come
	quiet    = 1.0 / (1 << 8)  // the peak of a quiet place: -48 dB
)

// feed is the sound for one Play of a follower. Its Stream waits for what the clock plays; so the follower's device
// holds what lies between the two, and that is what is kept even.
type feed struct {
	ctx   context.Context
	relay *relay
	gain  float64
	next  int // the frame of the relay to read next

	began time.Time
	given int       // frames
	heard int       // of those
	at    time.Time // when they were
	own   float64   // frames that the device itself is late, as far as is known
	mean  float64   // of spare, over seconds
	sound bool      // has come
}

func newFeed(ctx context.Context, r *relay, gain float64) *feed {
	head, _ := r.now()
	return &feed{ctx: ctx, relay: r, gain: gain, next: head, mean: cushion}
}

// spare is how many frames are between what the clock has played and what is heard here, save what the device is late.
func (f *feed) spare(head int, now time.Time) float64 {
	waiting := float64(head - f.next + f.given)
	if f.heard == 0 {
		return waiting - framesIn(now.Sub(f.began))
	}
	return waiting - float64(f.heard) - framesIn(now.Sub(f.at)) - f.own
}

// hear is what the follower's Play tells.
func (f *feed) hear(frames int) {
	now := time.Now()
	if f.heard == 0 && frames > 0 {
		f.own = framesIn(now.Sub(f.began)) - float64(frames)
	}
	if frames > f.heard {
		f.heard, f.at = frames, now
	}
}

func (f *feed) Stream(samples [][2]float64) (int, bool) {
	samples = samples[:min(len(samples), audio.Block)]
	if f.began.IsZero() {
		f.began = time.Now()
	}
	n := f.await(len(samples))
	switch {
	case n == 0:
		return 0, false
	case n < 0: // nothing has come in time
		n = len(samples)
		clear(samples)
	default:
		f.read(samples[:n])
	}
	f.given += n
	return n, true
}

func (f *feed) Err() error { return nil }

// await waits for n frames, and tells how many there are: fewer at the end, and -1 where the device cannot wait longer.
func (f *feed) await(n int) int {
	want := n
	if f.mean > cushion+tooFar {
		want = 2 * n // to drop one of them
	}
	for {
		over := f.relay.over() // before the rest is counted
		head, more := f.relay.now()
		there := head - f.next
		least := float64(cushion)
		if f.sound {
			least = thin
		}
		left := f.spare(head, time.Now()) - float64(there) - least
		switch {
		case f.ctx.Err() != nil:
			return 0
		case there >= want || over:
			return min(there, n)
		case left <= 0:
			return -1
		}
		late := time.NewTimer(lasting(int(left) + 1))
		select {
		case <-f.ctx.Done():
		case <-more:
		case <-f.relay.ended:
		case <-late.C:
		}
		late.Stop()
	}
}

// read fills samples, and keeps even what is between the clock and the ear.
func (f *feed) read(samples [][2]float64) {
	n := len(samples)
	head, _ := f.relay.now()
	if !f.relay.read(f.next, samples) { // the device stood still: what is forgotten is left out
		f.next = head - (head-f.next)%audio.Block - cushion
		f.mean = cushion
		f.relay.read(f.next, samples)
	}
	f.sound = true
	f.mean += (f.spare(head, time.Now()) - f.mean) / (2 * audio.Rate / audio.Block)
	off := f.mean - cushion
	silent := loudest(samples) < quiet
	var other [audio.Block][2]float64
	switch {
	case (off > tooFar && silent || off > farthest) && head-f.next >= 2*n:
		f.relay.read(f.next+n, other[:n])
		fadeOver(samples, samples, other[:n])
		f.next += n
		f.mean -= float64(n)
	case (-off > tooFar && silent || -off > farthest) && f.next >= n:
		f.relay.read(f.next-n, other[:n])
		fadeOver(samples, samples, other[:n])
		f.next -= n
		f.mean += float64(n)
	}
	f.next += n
	for i := range samples {
		samples[i][0] *= f.gain
		samples[i][1] *= f.gain
	}
}

func loudest(samples [][2]float64) float64 {
	most := 0.0
	for _, s := range samples {
		most = max(most, s[0], -s[0], s[1], -s[1])
	}
	return most
}

// fadeOver goes from one sound to another.
func fadeOver(dst, from, to [][2]float64) {
	for i := range dst {
		x := float64(i) / float64(len(dst))
		for c := range dst[i] {
			dst[i][c] = from[i][c] + float64(x*(to[i][c]-from[i][c]))
		}
	}
}
