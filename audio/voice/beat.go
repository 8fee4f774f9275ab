package voice

import (
	"math"

	"guided/audio"
)

const (
	bandLow, bandHigh = 300.0, 3000.0           // Hz: the band of speech whose envelope is measured
	beatWindow        = audio.Rate * 60 / 1000  // samples of the Hann window that smooths the envelope
	maxBeat           = audio.Rate * 300 / 1000 // samples into a clip, before which the beat of its first word lies
	beatStep          = audio.Rate / 2000       // samples: the resolution of the beat, half a millisecond
)

// FindBeat returns the beat of a recording's first word, its P-centre: the sample at which a listener perceives the word to
// occur. It is the steepest rise of the envelope of the speech band in the first 300 ms, and 0 where nothing rises.
// samples are mono at audio.Rate. Words placed by their P-centres sound evenly spaced; placed by their starts they do
// not (Morton, Marcus & Frankish 1976; for this measure JASA 155(4) 2698, 2024).
//
// Every filter runs forward and backward, so that the beat is not late by the filters' delay.
func FindBeat(samples []float64) int {
	n := min(len(samples), maxBeat+2*beatWindow)
	padded := make([]float64, beatWindow+n) // zeros before it: a clip may begin in the middle of its rise
	copy(padded[beatWindow:], samples[:n])
	audio.HighPass(bandLow).FilterZeroPhase(padded)
	audio.LowPass(bandHigh).FilterZeroPhase(padded)
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

// smoothEnvelope returns the RMS amplitude of samples under a Hann window, one value every beatStep samples.
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
		out[i] = math.Sqrt(audio.ConvolveAt(power, i-1, window)) // out[i] is centred on the boundary of power[i-1] and power[i]
	}
	return out
}
