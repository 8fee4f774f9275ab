package audio

import (
	"math"
	"slices"
)

// Levels, of the stereo mix that both channels make (ITU-R BS.1770-5).
const (
	PhraseLUFS    = -18.0 // integrated, for a phrase of a second and more; for a word the mean of all that trimming left of it
	phraseOffset  = 0.4   // dB above that a phrase is brought to, and a word: with the silence around them they measure
	wordOffset    = 0.8   // lower, and a whole routine must come to phraseLUFS ±1
	TruePeak      = -1.0  // dBTP that no recording goes over, nor a mix
	codecHeadroom = 0.8   // dB: Opus makes some peaks higher

	AbsoluteGate, relativeGate = -70.0, -10.0 // LUFS; LU below what the first gate lets through
)

// kWeighting is the filters of BS.1770 at Rate: a shelf for the head, a high-pass below 38 Hz.
func kWeighting() (shelf, high Biquad) {
	return Biquad{1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585},
		Biquad{1, -2, 1, -1.99004745483398, 0.99007225036621}
}

// KWeight is samples as BS.1770 weighs them.
func KWeight(samples []float64) []float64 {
	shelf, high := kWeighting()
	weighted := slices.Clone(samples)
	shelf.Filter(weighted)
	high.Filter(weighted)
	return weighted
}

// LUFS is the loudness of a mean square of one channel, played on two.
func LUFS(meanSquare float64) float64 { return -0.691 + 10*math.Log10(2*meanSquare) }

// Loudness is what a mono recording measures when it plays on both channels: integrated with both gates from one
// second on; below that, where gates of 400 ms say nothing, the K-weighted mean of all of it. It is −Inf for
// silence.
func Loudness(samples []float64) float64 {
	weighted := KWeight(samples)
	if len(samples) < Rate {
		return LUFS(MeanSquare(weighted))
	}
	const block, step = Rate * 400 / 1000, Rate * 100 / 1000
	var blocks []float64
	for i := 0; i+block <= len(weighted); i += step {
		blocks = append(blocks, MeanSquare(weighted[i:i+block]))
	}
	gated := func(threshold float64) float64 {
		sum, n := 0.0, 0
		for _, b := range blocks {
			if LUFS(b) > threshold {
				sum += b
				n++
			}
		}
		if n == 0 {
			return 0
		}
		return sum / float64(n)
	}
	return LUFS(gated(LUFS(gated(AbsoluteGate)) + relativeGate))
}

func MeanSquare(samples []float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sum := 0.0
	for _, x := range samples {
		sum += float64(x * x)
	}
	return sum / float64(len(samples))
}

// Peak is the highest level between samples too, looked at four times as finely (BS.1770-5 annex 2).
func Peak(samples []float64) float64 {
	high := 0.0
	for _, x := range samples {
		high = max(high, math.Abs(x))
	}
	for _, frac := range []float64{0.25, 0.5, 0.75} {
		filter := sincFilter(1, frac)
		for i := range samples {
			high = max(high, math.Abs(Between(samples, i, filter)))
		}
	}
	return high
}

// Gain is the factor of a gain in dB.
func Gain(db float64) float64 { return math.Pow(10, db/20) }

// PowerRatio is the factor of a gain in dB on a mean square.
func PowerRatio(db float64) float64 { return math.Pow(10, db/10) }
