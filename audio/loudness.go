package audio

import "math"

// Levels, of the stereo mix that both channels make (ITU-R BS.1770-5).
const (
	phraseLUFS = -18.0 // integrated, for a phrase of a second and more; for a word its ungated mean
	truePeak   = -1.0  // dBTP that no recording goes over
)

// kWeighted filters samples at Rate as BS.1770 weighs them: a shelf for the head, a high-pass below 38 Hz.
func kWeighted(samples []float64) []float64 {
	shelf := biquad{1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585}
	high := biquad{1, -2, 1, -1.99004745483398, 0.99007225036621}
	return high.run(shelf.run(samples))
}

// lufs is the loudness of a mean square of one channel, played on two.
func lufs(meanSquare float64) float64 { return -0.691 + 10*math.Log10(2*meanSquare) }

// loudness is what a mono recording measures when it plays on both channels: integrated with both gates from one
// second on; below that the K-weighted mean over all of it. It is −Inf for silence.
func loudness(samples []float64) float64 {
	weighted := kWeighted(samples)
	if len(samples) < Rate {
		return lufs(meanSquare(weighted))
	}
	const block, step = Rate * 400 / 1000, Rate * 100 / 1000
	var blocks []float64
	for i := 0; i+block <= len(weighted); i += step {
		blocks = append(blocks, meanSquare(weighted[i:i+block]))
	}
	gated := func(threshold float64) float64 {
		sum, n := 0.0, 0
		for _, b := range blocks {
			if lufs(b) > threshold {
				sum += b
				n++
			}
		}
		if n == 0 {
			return 0
		}
		return sum / float64(n)
	}
	return lufs(gated(lufs(gated(-70)) - 10))
}

func meanSquare(samples []float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sum := 0.0
	for _, x := range samples {
		sum += float64(x * x)
	}
	return sum / float64(len(samples))
}

// peak is the highest level between samples too, looked at four times as finely (BS.1770-5 annex 2).
func peak(samples []float64) float64 {
	high := 0.0
	for _, x := range resample(samples, Rate/4) {
		high = math.Max(high, math.Abs(x))
	}
	return high
}

// level brings a phrase to phraseLUFS, or as near as its peak lets it.
func level(samples []float64) {
	loud := loudness(samples)
	if math.IsInf(loud, -1) {
		return
	}
	gain := decibels(phraseLUFS - loud)
	if top := peak(samples); top*gain > decibels(truePeak) {
		gain = decibels(truePeak) / top
	}
	for i := range samples {
		samples[i] *= gain
	}
}

// decibels is the factor of a gain in dB.
func decibels(db float64) float64 { return math.Pow(10, db/20) }
