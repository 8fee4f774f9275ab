package audio

import (
	"errors"
	"math"
)

// The levels of recordings and of the mix, measured as stereo with both channels alike (ITU-R BS.1770-5).
const (
	// PhraseLUFS is the loudness of a spoken phrase: integrated from one second on, for a shorter one the K-weighted
	// mean of all that trimming left of it.
	PhraseLUFS = -18.0
	// MaxTruePeak is the level in dBTP that no recording and no mix exceeds.
	MaxTruePeak = -1.0

	phraseOffset  = 0.4 // LU that a phrase is brought above PhraseLUFS, and a word: in a routine the silence around
	wordOffset    = 0.8 // them counts, and the whole must come to PhraseLUFS ±1
	codecHeadroom = 0.8 // dB: Opus raises some peaks

	limiterReach  = Rate * 5 / 1000 // samples before and after a peak in which the gain goes down and back
	limiterMaxCut = 8.0             // dB; more would be heard
)

// TargetLoudness returns the loudness in LUFS that NormalizePhrase aims at for samples of this length.
func TargetLoudness(samples []float64) float64 {
	if len(samples) < Rate {
		return PhraseLUFS + wordOffset
	}
	return PhraseLUFS + phraseOffset
}

// NormalizePhrase brings a recording of speech to TargetLoudness, in place, with its peaks limited to codecHeadroom below the
// highest true peak. What would need more limiting than limiterMaxCut stays softer. A recording below the absolute gate
// is an error: it would come out as loud noise.
func NormalizePhrase(samples []float64) error {
	loudness := Loudness(samples)
	if loudness < AbsoluteGate || math.IsNaN(loudness) {
		return errors.New("the recording is silent")
	}
	target := TargetLoudness(samples)
	ceiling := GainFromDB(MaxTruePeak - codecHeadroom)
	maxGain := ceiling * GainFromDB(limiterMaxCut) / TruePeak(samples) // of all passes together
	for range 4 {                                                      // a pass restores the loudness that the limiter took
		gain := min(GainFromDB(target-loudness), maxGain)
		maxGain /= gain
		for i := range samples {
			samples[i] *= gain
		}
		if TruePeak(samples) <= ceiling {
			break
		}
		limitPeaks(samples, ceiling)
		if loudness = Loudness(samples); loudness > target-0.1 {
			break
		}
	}
	return nil
}

// limitPeaks is a look-ahead limiter: it brings true peaks down to a ceiling, in place. The gain goes smoothly to each
// peak and back.
func limitPeaks(samples []float64, ceiling float64) {
	gain := make([]float64, len(samples))
	for i := range gain {
		gain[i] = 1
	}
	for i, peak := range truePeaksAround(samples) {
		if peak <= ceiling {
			continue
		}
		for j := max(0, i-limiterReach); j <= min(len(gain)-1, i+limiterReach); j++ {
			gain[j] = min(gain[j], ceiling/peak)
		}
	}
	gain = movingMean(movingMean(gain, limiterReach/2), limiterReach/2)
	for i := range samples {
		samples[i] *= gain[i]
	}
}

// truePeaksAround returns the highest level from each sample to before the next, interpolated at four times the rate.
func truePeaksAround(samples []float64) []float64 {
	peaks := make([]float64, len(samples))
	for i, x := range samples {
		peaks[i] = math.Abs(x)
	}
	for _, frac := range []float64{0.25, 0.5, 0.75} {
		filter := sincFilter(1, frac)
		for i := range samples {
			peaks[i] = max(peaks[i], math.Abs(ConvolveAt(samples, i, filter)))
		}
	}
	return peaks
}

// movingMean returns the mean of up to reach samples to each side of every one; beyond the ends the list is continued
// with its first and last value.
func movingMean(list []float64, reach int) []float64 {
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
