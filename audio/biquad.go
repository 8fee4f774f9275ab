package audio

import (
	"math"
	"slices"
)

// biquad is a second-order filter, normalised so that a0 is 1.
type biquad struct{ b0, b1, b2, a1, a2 float64 }

// run filters samples in place.
func (f biquad) run(samples []float64) {
	var z1, z2 float64
	for i, x := range samples {
		y := float64(f.b0*x) + z1
		z1 = float64(f.b1*x) - float64(f.a1*y) + z2
		z2 = float64(f.b2*x) - float64(f.a2*y)
		samples[i] = y
	}
}

// both filters in place, forward and backward, so that nothing is delayed.
func (f biquad) both(samples []float64) {
	f.run(samples)
	slices.Reverse(samples)
	f.run(samples)
	slices.Reverse(samples)
}

// lowPass and highPass are Butterworth filters at Rate.
func lowPass(hz float64) biquad {
	k := math.Tan(math.Pi * hz / Rate)
	n := 1 / (1 + math.Sqrt2*k + k*k)
	return biquad{k * k * n, 2 * k * k * n, k * k * n, 2 * (k*k - 1) * n, (1 - math.Sqrt2*k + k*k) * n}
}

func highPass(hz float64) biquad {
	k := math.Tan(math.Pi * hz / Rate)
	n := 1 / (1 + math.Sqrt2*k + k*k)
	return biquad{n, -2 * n, n, 2 * (k*k - 1) * n, (1 - math.Sqrt2*k + k*k) * n}
}
