package mix

import (
	"guided/audio"
	"math"
)

// waves is a sea that comes in and goes out: a low swell all the time, the surf over it brighter the higher it comes.
type waves struct {
	low, air, swell, surf  audio.StereoFilter
	deepFrames, surfFrames [controlBlock][2]float64
}

func newWaves() *waves {
	return &waves{
		low: audio.StereoFilter{Biquad: audio.HighPass(70)}, air: audio.StereoFilter{Biquad: audio.OnePoleLowPass(4500)},
		swell: audio.StereoFilter{Biquad: audio.OnePoleLowPass(260)}, surf: audio.StereoFilter{Biquad: audio.OnePoleLowPass(1500)},
	}
}

func (w *waves) reset(int) {
	for _, f := range []*audio.StereoFilter{&w.low, &w.air, &w.swell, &w.surf} {
		f.Reset()
	}
}

func (w *waves) fill(frames [][2]float64, at int) {
	const level = 0.159 // to bedLUFS
	fillWhiteNoise(frames, at)
	w.low.Filter(frames)
	w.air.Filter(frames)
	deep, near := w.deepFrames[:copy(w.deepFrames[:], frames)], w.surfFrames[:copy(w.surfFrames[:], frames)]
	w.swell.Filter(deep)
	w.surf.Filter(near)
	deepLine := rampFrom(at, func(at int) float64 { return level * (1 + 1.2*waveLevel(at)) })
	nearLine := rampFrom(at, func(at int) float64 { return level * (0.14 + 0.9*math.Pow(waveLevel(at-audio.Rate/5), 1.6)) })
	highLine := rampFrom(at, func(at int) float64 { return level * (0.01 + 0.3*math.Pow(waveLevel(at-audio.Rate/2), 2.6)) })
	for i, x := range frames {
		g1, g2, g3 := deepLine.at(i), nearLine.at(i), highLine.at(i)
		for c := range x {
			high := x[c] - near[i][c]
			frames[i][c] = float64(g1*deep[i][c]) + float64(g2*near[i][c]) + float64(g3*high)
		}
	}
}

// waveLevel is how high the sea stands, from 0 to about 1. Each wave has a time, a height and a length of its own; a low one
// follows a high one, so that half a minute is as loud as the next.
func waveLevel(at int) float64 {
	const every = 15 * audio.Rate / 2
	here := floorDiv(at, every)
	sum := 0.0
	for k := here - 2; k <= here+1; k++ {
		late := 0.22 * (hashUniform(k, seedWaves) - 0.5)
		long := 1 + 0.35*hashUniform(k, seedWaves+2<<40)
		x := (float64(at-k*every)/every - late) / long
		if x <= 0 || x >= waveLength {
			continue
		}
		height := math.Sqrt(1.175 / long * (1 + 0.3*(hashUniform(k, seedWaves+1<<40)-hashUniform(k-1, seedWaves+1<<40))))
		sum += float64(0.8 * height * waveEnvelope(x))
	}
	return sum
}

// waveEnvelope is the shape of a wave from 0 to swashEnd: up the beach, and slower back.
func waveEnvelope(x float64) float64 {
	if x < waveCrest {
		return math.Pow(raisedCosine(x/waveCrest), 1.3)
	}
	y := (waveLength - x) / (waveLength - waveCrest)
	return smoothStep(y) * y
}

const waveCrest, waveLength = 0.4, 1.4
