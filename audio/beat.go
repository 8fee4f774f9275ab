package audio

import "math"

// The speech band whose envelope tells the beat, the window that smooths it, and how far into a clip its first
// word's beat may lie.
const (
	bandLow, bandHigh = 300.0, 3000.0
	beatWindow        = Rate * 40 / 1000
	beatWithin        = Rate * 300 / 1000
)

// beat is the sample where a listener feels a word to fall, its P-centre: the steepest rise of the envelope of the
// speech band in the first 300 ms. Words placed by it are even to the ear, placed by their start they are not
// (Morton, Marcus & Frankish 1976; for the measure JASA 155(4) 2698, 2024). Filters run both ways, so that the beat
// is not late by their delay.
func beat(samples []float64) int {
	n := min(len(samples), beatWithin+2*beatWindow)
	padded := make([]float64, beatWindow+n) // a clip may begin in the middle of its rise
	copy(padded[beatWindow:], samples[:n])
	band := lowPass(bandHigh).both(highPass(bandLow).both(padded))
	envelope := smooth(band)
	best, steepest := 0, 0.0
	for i := range min(n, beatWithin) {
		at := i + beatWindow
		const reach = beatWindow / 4
		rise := envelope[min(at+reach, len(envelope)-1)] - envelope[at-reach]
		if rise > steepest {
			best, steepest = i, rise
		}
	}
	return best
}

// smooth is the amplitude of samples under a Hann window centred on each.
func smooth(samples []float64) []float64 {
	window := make([]float64, beatWindow+1)
	for i := range window {
		window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/beatWindow)
	}
	out := make([]float64, len(samples))
	for i := range out {
		sum := 0.0
		for k, w := range window {
			if j := i + k - beatWindow/2; j >= 0 && j < len(samples) {
				sum += float64(w * samples[j] * samples[j])
			}
		}
		out[i] = math.Sqrt(sum)
	}
	return out
}
