package audio

import "math"

const (
	limitReach = Rate * 5 / 1000 // samples around a peak in which the gain goes down to it and back
	limitMost  = 8.0             // dB that a peak may be brought down; more would be heard
)

// limitPeaks brings peaks down to a ceiling, in place. The gain goes smoothly to each peak and back.
func limitPeaks(samples []float64, ceiling float64) {
	gain := make([]float64, len(samples))
	for i := range gain {
		gain[i] = 1
	}
	for i, top := range peaksOf(samples) {
		if top <= ceiling {
			continue
		}
		for j := max(0, i-limitReach); j <= min(len(gain)-1, i+limitReach); j++ {
			gain[j] = min(gain[j], ceiling/top)
		}
	}
	gain = smoothed(smoothed(gain, limitReach/2), limitReach/2)
	for i := range samples {
		samples[i] *= gain[i]
	}
}

// peaksOf is the highest level around each sample, between samples too.
func peaksOf(samples []float64) []float64 {
	tops := make([]float64, len(samples))
	for i, x := range samples {
		tops[i] = math.Abs(x)
	}
	for _, frac := range []float64{0.25, 0.5, 0.75} {
		filter := sincFilter(1, frac)
		for i := range samples {
			tops[i] = max(tops[i], math.Abs(Between(samples, i, filter)))
		}
	}
	return tops
}

// smoothed is the mean of what is up to reach samples around each; beyond the ends all goes on as it is there.
func smoothed(list []float64, reach int) []float64 {
	out := make([]float64, len(list))
	last := len(list) - 1
	sum := 0.0
	for j := -reach; j <= reach; j++ {
		sum += list[max(0, min(last, j))]
	}
	for i := range out {
		out[i] = sum / float64(2*reach+1)
		sum += list[min(last, i+reach+1)] - list[max(0, i-reach)]
	}
	return out
}
