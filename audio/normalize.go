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
// peak and back. Beside samples it takes as much memory again.
func limitPeaks(samples []float64, ceiling float64) {
	gain := make([]float64, len(samples))
	for i := range gain {
		gain[i] = 1
	}
	filters, quiet := newPeakFilters(), 0 // before quiet, nothing reaches the ceiling
	for i, x := range samples {
		if i%taps == 0 && filters.bound(samples, i) <= ceiling {
			quiet = i + taps
		}
		if i < quiet {
			continue
		}
		peak := max(math.Abs(x), filters.after(samples, i)) // the highest level from this sample to before the next
		if peak <= ceiling {
			continue
		}
		for j := max(0, i-limiterReach); j <= min(len(gain)-1, i+limiterReach); j++ {
			gain[j] = min(gain[j], ceiling/peak)
		}
	}
	movingMean(gain, limiterReach/2)
	movingMean(gain, limiterReach/2)
	for i := range samples {
		samples[i] *= gain[i]
	}
}

// movingMean replaces every value by the mean of up to reach to each side of it; beyond the ends the list is continued
// with its first and last value.
func movingMean(list []float64, reach int) {
	if len(list) == 0 {
		return
	}
	first, last := list[0], len(list)-1
	old := make([]float64, reach+1) // a ring buffer of the latest values that were replaced, by index modulo its length
	sum := 0.0
	for j := -reach; j <= reach; j++ {
		sum += list[max(0, min(last, j))]
	}
	end := list[last]
	for i := range list {
		leaves, enters := first, end
		old[i%len(old)] = list[i]
		if i >= reach {
			leaves = old[(i-reach)%len(old)]
		}
		if i+reach+1 <= last {
			enters = list[i+reach+1]
		}
		list[i] = sum / float64(2*reach+1)
		sum += enters - leaves
	}
}
