package audio

import (
	"math"
	"slices"
)

// Biquad holds the coefficients of a second-order IIR filter, normalised so that a0 is 1. It has no state.
type Biquad struct{ B0, B1, B2, A1, A2 float64 }

// LowPass returns a second-order Butterworth low-pass at Rate.
func LowPass(hz float64) Biquad {
	k := math.Tan(math.Pi * hz / Rate)
	n := 1 / (1 + math.Sqrt2*k + k*k)
	return Biquad{k * k * n, 2 * k * k * n, k * k * n, 2 * (k*k - 1) * n, (1 - math.Sqrt2*k + k*k) * n}
}

// HighPass returns a second-order Butterworth high-pass at Rate.
func HighPass(hz float64) Biquad {
	k := math.Tan(math.Pi * hz / Rate)
	n := 1 / (1 + math.Sqrt2*k + k*k)
	return Biquad{n, -2 * n, n, 2 * (k*k - 1) * n, (1 - math.Sqrt2*k + k*k) * n}
}

// OnePoleLowPass returns a first-order low-pass at Rate, which falls by 6 dB an octave above hz.
func OnePoleLowPass(hz float64) Biquad {
	pole := math.Exp(-2 * math.Pi * hz / Rate)
	return Biquad{B0: 1 - pole, A1: -pole}
}

// BandPass returns a band-pass at Rate with unit gain at its centre (Bristow-Johnson, Audio EQ Cookbook).
func BandPass(hz, q float64) Biquad {
	w := 2 * math.Pi * hz / Rate
	alpha := math.Sin(w) / (2 * q)
	n := 1 / (1 + alpha)
	return Biquad{B0: alpha * n, B2: -alpha * n, A1: -2 * math.Cos(w) * n, A2: (1 - alpha) * n}
}

// Filter filters samples in place, from a state of silence.
func (f Biquad) Filter(samples []float64) {
	(&monoFilter{Biquad: f}).filter(samples)
}

// monoFilter is a Biquad with its state, so that a sound can be filtered block by block.
type monoFilter struct {
	Biquad
	z1, z2 float64
}

// filter filters the next samples in place.
func (f *monoFilter) filter(samples []float64) {
	z1, z2 := f.z1, f.z2
	for i, x := range samples {
		samples[i], z1, z2 = f.step(x, z1, z2)
	}
	f.z1, f.z2 = z1, z2
}

// step filters one sample in a state, and returns the next state (transposed direct form II).
func (f *Biquad) step(x, z1, z2 float64) (y, next1, next2 float64) {
	y = float64(f.B0*x) + z1
	return y, float64(f.B1*x) - float64(f.A1*y) + z2, float64(f.B2*x) - float64(f.A2*y)
}

// FilterZeroPhase filters in place, forward and backward, which doubles the order and leaves no delay at any frequency.
func (f Biquad) FilterZeroPhase(samples []float64) {
	f.Filter(samples)
	slices.Reverse(samples)
	f.Filter(samples)
	slices.Reverse(samples)
}
