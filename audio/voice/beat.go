package voice

import (
	"guided/audio"
	"math"
)

// The speech band whose envelope tells the beat, the window that smooths it, and how far into a clip its first
// word's beat may lie.
const (
	bandLow, bandHigh = 300.0, 3000.0
	beatWindow        = audio.Rate * 60 / 1000
	maxBeat           = audio.Rate * 300 / 1000
	beatStep          = audio.Rate / 2000 // the beat is told to half a millisecond
)

// Beat is the sample where a listener feels a word to fall, its P-centre: the steepest rise of the envelope of the
// speech band in the first 300 ms. Words placed by it are even to the ear, placed by their start they are not
// (Morton, Marcus & Frankish 1976; for the measure JASA 155(4) 2698, 2024). Filters run both ways, so that the beat
// is not late by their delay.
func Beat(samples []float64) int {
	n := min(len(samples), maxBeat+2*beatWindow)
	padded := make([]float64, beatWindow+n) // a clip may begin in the middle of its rise
	copy(padded[beatWindow:], samples[:n])
	audio.HighPass(bandLow).FilterBothWays(padded)
	audio.LowPass(bandHigh).FilterBothWays(padded)
	envelope := smoothEnvelope(padded)
	best, steepest := 0, 0.0
	for i := range min(n, maxBeat) / beatStep {
		at := i + beatWindow/beatStep
		const reach = beatWindow / 4 / beatStep
		rise := envelope[min(at+reach, len(envelope)-1)] - envelope[at-reach]
		if rise > steepest {
			best, steepest = i*beatStep, rise
		}
	}
	return best
}

// smoothEnvelope is the amplitude of samples under a Hann window, once every beatStep.
func smoothEnvelope(samples []float64) []float64 {
	const half = beatWindow / 2 / beatStep
	window := make([]float64, 2*half)
	for i := range window {
		window[i] = 0.5 - 0.5*math.Cos(math.Pi*(float64(i)+0.5)/half)
	}
	power := make([]float64, len(samples)/beatStep)
	for i := range power {
		power[i] = audio.MeanSquare(samples[i*beatStep : (i+1)*beatStep])
	}
	out := make([]float64, len(power))
	for i := range out {
		out[i] = math.Sqrt(audio.Between(power, i-1, window)) // power i−1 ends, and power i begins, where out i stands
	}
	return out
}
