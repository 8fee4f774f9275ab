package audio

import (
	"encoding/binary"
	"time"
)

// rustle is a streamer of noise that is a function of the frame alone, and that is silent between frames from and to.
type rustle struct {
	at, frames int
	quietFrom  int
	pulledAt   time.Time // when the first quiet frame was pulled
	pulled     chan struct{}
}

func newRustle(frames int) *rustle {
	return &rustle{frames: frames, quietFrom: frames, pulled: make(chan struct{})}
}

func (r *rustle) Stream(samples [][2]float64) (int, bool) {
	if r.at == 0 {
		close(r.pulled)
	}
	n := min(len(samples), r.frames-r.at)
	for i := range samples[:n] {
		samples[i] = rustleAt(r.at + i)
		if r.at+i >= r.quietFrom {
			samples[i] = [2]float64{}
			if r.pulledAt.IsZero() {
				r.pulledAt = time.Now()
			}
		}
	}
	r.at += n
	return n, n > 0
}

func (r *rustle) Err() error { return nil }

// rustleAt is a frame of the noise: a hash of its index.
func rustleAt(i int) [2]float64 {
	x := uint64(i)*0x9e3779b97f4a7c15 + 1
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x ^= x >> 27
	const scale = 0.3 / (1 << 31)
	return [2]float64{scale * float64(int32(x>>32)), scale * float64(int32(x))}
}

// loudFrames are the frames of a recording that are more than dither.
func loudFrames(b []byte) (first, last int) {
	first, last = -1, -1
	for i := 0; i+4 <= len(b); i += 4 {
		l, r := int16(binary.LittleEndian.Uint16(b[i:])), int16(binary.LittleEndian.Uint16(b[i+2:]))
		if max(l, -l, r, -r) > 8 {
			if first < 0 {
				first = i / 4
			}
			last = i / 4
		}
	}
	return first, last
}
