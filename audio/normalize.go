package audio

import (
	"errors"
	"math"
)

const (
	limiterReach  = Rate * 5 / 1000 // samples around a peak in which the gain goes down to it and back
	limiterMaxCut = 8.0             // dB that a peak may be brought down; more would be heard
)

// limitPeaks brings peaks down to a ceiling, in place. The gain goes smoothly to each peak and back.
func limitPeaks(samples []float64, ceiling float64) {
	gain := make([]float64, len(samples))
	for i := range gain {
		gain[i] = 1
	}
	for i, top := range truePeaksAround(samples) {
		if top <= ceiling {
			continue
		}
		for j := max(0, i-limiterReach); j <= min(len(gain)-1, i+limiterReach); j++ {
			gain[j] = min(gain[j], ceiling/top)
		}
	}
	gain = movingMean(movingMean(gain, limiterReach/2), limiterReach/2)
	for i := range samples {
		samples[i] *= gain[i]
	}
}

// truePeaksAround is the highest level around each sample, between samples too.
func truePeaksAround(samples []float64) []float64 {
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

// movingMean is the mean of what is up to reach samples around each; beyond the ends all goes on as it is there.
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

// LevelPhrase brings a phrase to phraseLUFS and its lift; its peaks are limited to room below truePeak. What would need more than limitMost
// of that stays lower. What is below the absolute gate is no phrase: it would come out as loud noise.
func LevelPhrase(samples []float64) error {
	loud := Loudness(samples)
	if loud < AbsoluteGate || math.IsNaN(loud) {
		return errors.New("the recording is silent")
	}
	target := PhraseTarget(samples)
	ceiling := Gain(TruePeak - codecHeadroom)
	most := ceiling * Gain(limiterMaxCut) / Peak(samples) // of all gains together
	for range 4 {                                         // what the limiter takes is given back
		gain := min(Gain(target-loud), most)
		most /= gain
		for i := range samples {
			samples[i] *= gain
		}
		if Peak(samples) <= ceiling {
			break
		}
		limitPeaks(samples, ceiling)
		if loud = Loudness(samples); loud > target-0.1 {
			break
		}
	}
	return nil
}

// PhraseTarget is how loud a recording is made.
func PhraseTarget(samples []float64) float64 {
	if len(samples) < Rate {
		return PhraseLUFS + wordOffset
	}
	return PhraseLUFS + phraseOffset
}
