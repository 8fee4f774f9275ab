package audiotest

import "time"

// Noise is a beep.Streamer of noise whose frames are a function of their index, silent from a frame on.
type Noise struct {
	At, Frames int       // the position and the length
	SilentFrom int       // the first silent frame
	PulledAt   time.Time // when that was pulled
}

// NewNoise returns noise of so many frames, none of them silent.
func NewNoise(frames int) *Noise {
	return &Noise{Frames: frames, SilentFrom: frames}
}

// Stream fills samples from the position on.
func (s *Noise) Stream(samples [][2]float64) (int, bool) {
	n := min(len(samples), s.Frames-s.At)
	for i := range samples[:n] {
		samples[i] = NoiseAt(s.At + i)
		if s.At+i >= s.SilentFrom {
			samples[i] = [2]float64{}
			if s.PulledAt.IsZero() {
				s.PulledAt = time.Now()
			}
		}
	}
	s.At += n
	return n, n > 0
}

// Err is nil.
func (s *Noise) Err() error { return nil }

// NoiseAt returns a frame of the noise, of ±0.3: a hash of its index.
func NoiseAt(i int) [2]float64 {
	x := uint64(i)*0x9e3779b97f4a7c15 + 1
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x ^= x >> 27
	const scale = 0.3 / (1 << 31)
	return [2]float64{scale * float64(int32(x>>32)), scale * float64(int32(x))}
}
