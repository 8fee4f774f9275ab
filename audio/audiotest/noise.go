package audiotest

import (
	"time"
)

// Noise is a streamer of noise that is a function of the frame alone, and that is silent between frames from and to.
type Noise struct {
	At, Frames int
	QuietFrom  int
	PulledAt   time.Time // when the first quiet frame was pulled
	pulled     chan struct{}
}

func NewNoise(frames int) *Noise {
	return &Noise{Frames: frames, QuietFrom: frames, pulled: make(chan struct{})}
}

func (r *Noise) Stream(samples [][2]float64) (int, bool) {
	if r.At == 0 {
		close(r.pulled)
	}
	n := min(len(samples), r.Frames-r.At)
	for i := range samples[:n] {
		samples[i] = NoiseAt(r.At + i)
		if r.At+i >= r.QuietFrom {
			samples[i] = [2]float64{}
			if r.PulledAt.IsZero() {
				r.PulledAt = time.Now()
			}
		}
	}
	r.At += n
	return n, n > 0
}

func (r *Noise) Err() error { return nil }

// NoiseAt is a frame of the noise: a hash of its index.
func NoiseAt(i int) [2]float64 {
	x := uint64(i)*0x9e3779b97f4a7c15 + 1
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x ^= x >> 27
	const scale = 0.3 / (1 << 31)
	return [2]float64{scale * float64(int32(x>>32)), scale * float64(int32(x))}
}
