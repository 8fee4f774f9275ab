package mix

import (
	"math"

	"guided/audio"
)

// waves is the sea: white noise in three bands, whose levels follow waveLevel one after the other, the low swell first
// and the bright foam last.
type waves struct {
	rumble, air, swellBand, surfBand audio.StereoFilter
	swellFrames, surfFrames          [controlBlock][2]float64
}

func newWaves() *waves {
	return &waves{
		rumble: audio.HighPass(70).Stereo(), air: audio.OnePoleLowPass(4500).Stereo(),
		swellBand: audio.OnePoleLowPass(260).Stereo(), surfBand: audio.OnePoleLowPass(1500).Stereo(),
	}
}

func (w *waves) reset(int) {
	for _, f := range []*audio.StereoFilter{&w.rumble, &w.air, &w.swellBand, &w.surfBand} {
		f.Reset()
	}
}

func (w *waves) fill(frames [][2]float64, at int) {
	const level = 0.159 // gives bedLUFS
	fillWhiteNoise(frames, at)
	w.rumble.Filter(frames)
	w.air.Filter(frames)
	swell, surf := w.swellFrames[:copy(w.swellFrames[:], frames)], w.surfFrames[:copy(w.surfFrames[:], frames)]
	w.swellBand.Filter(swell)
	w.surfBand.Filter(surf)
	swellRamp := rampFrom(at, func(at int) float64 { return level * (1 + 1.2*waveLevel(at)) })
	surfRamp := rampFrom(at, func(at int) float64 { return level * (0.14 + 0.9*math.Pow(waveLevel(at-audio.Rate/5), 1.6)) })
	foamRamp := rampFrom(at, func(at int) float64 { return level * (0.01 + 0.3*math.Pow(waveLevel(at-audio.Rate/2), 2.6)) })
	for i, x := range frames {
		g1, g2, g3 := swellRamp.at(i), surfRamp.at(i), foamRamp.at(i)
		for c := range x {
			foam := x[c] - surf[i][c]
			frames[i][c] = float64(g1*swell[i][c]) + float64(g2*surf[i][c]) + float64(g3*foam)
		}
	}
}

// waveLevel is the envelope of the sea, from 0 to about 1: one wave each 7.5 s, overlapping, with a random delay, height
// and length. A high wave lowers the one after it, so that every half minute is equally loud.
func waveLevel(at int) float64 {
	const period = 15 * audio.Rate / 2
	current := floorDiv(at, period)
	sum := 0.0
	for k := current - 2; k <= current+1; k++ {
		delay := 0.22 * (hashUniform(k, seedWaves) - 0.5)
		length := 1 + 0.35*hashUniform(k, seedWaves+2<<40)
		x := (float64(at-k*period)/period - delay) / length
		if x <= 0 || x >= waveLength {
			continue
		}
		height := math.Sqrt(1.175 / length * (1 + 0.3*(hashUniform(k, seedWaves+1<<40)-hashUniform(k-1, seedWaves+1<<40))))
		sum += float64(0.8 * height * waveEnvelope(x))
	}
	return sum
}

// The crest and the end of a wave, in periods from its start.
const waveCrest, waveLength = 0.4, 1.4

// waveEnvelope is the level of one wave from 0 to waveLength: a fast rise to 1 at waveCrest, and a slower fall.
func waveEnvelope(x float64) float64 {
	if x < waveCrest {
		return math.Pow(raisedCosine(x/waveCrest), 1.3)
	}
	y := (waveLength - x) / (waveLength - waveCrest)
	return smoothStep(y) * y
}
