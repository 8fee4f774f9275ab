package mix

import (
	"guided/audio"
	"math"
)

// waves is a sea that comes in and goes out: a low swell all the time, the surf over it brighter the higher it comes.
type waves struct {
	low, air, swell, surf audio.StereoFilter
	deep, near            [cell][2]float64
}

func newWaves() *waves {
	return &waves{
		low: audio.StereoFilter{Biquad: audio.HighPass(70)}, air: audio.StereoFilter{Biquad: audio.Slope(4500)},
		swell: audio.StereoFilter{Biquad: audio.Slope(260)}, surf: audio.StereoFilter{Biquad: audio.Slope(1500)},
	}
}

func (w *waves) reset(int) {
	for _, f := range []*audio.StereoFilter{&w.low, &w.air, &w.swell, &w.surf} {
		f.Reset()
	}
}

func (w *waves) fill(frames [][2]float64, at int) {
	const level = 0.159 // to bedLUFS
	white(frames, at)
	w.low.Filter(frames)
	w.air.Filter(frames)
	deep, near := w.deep[:copy(w.deep[:], frames)], w.near[:copy(w.near[:], frames)]
	w.swell.Filter(deep)
	w.surf.Filter(near)
	deepLine := lineFrom(at, func(at int) float64 { return level * (1 + 1.2*surge(at)) })
	nearLine := lineFrom(at, func(at int) float64 { return level * (0.14 + 0.9*math.Pow(surge(at-audio.Rate/5), 1.6)) })
	highLine := lineFrom(at, func(at int) float64 { return level * (0.01 + 0.3*math.Pow(surge(at-audio.Rate/2), 2.6)) })
	for i, x := range frames {
		g1, g2, g3 := deepLine.at(i), nearLine.at(i), highLine.at(i)
		for c := range x {
			high := x[c] - near[i][c]
			frames[i][c] = float64(g1*deep[i][c]) + float64(g2*near[i][c]) + float64(g3*high)
		}
	}
}

// surge is how high the sea stands, from 0 to about 1. Each wave has a time, a height and a length of its own; a low one
// follows a high one, so that half a minute is as loud as the next.
func surge(at int) float64 {
	const every = 15 * audio.Rate / 2
	here := floorDiv(at, every)
	sum := 0.0
	for k := here - 2; k <= here+1; k++ {
		late := 0.22 * (chance(k, keySurges) - 0.5)
		long := 1 + 0.35*chance(k, keySurges+2<<40)
		x := (float64(at-k*every)/every - late) / long
		if x <= 0 || x >= swashEnd {
			continue
		}
		height := math.Sqrt(1.175 / long * (1 + 0.3*(chance(k, keySurges+1<<40)-chance(k-1, keySurges+1<<40))))
		sum += float64(0.8 * height * swash(x))
	}
	return sum
}

// swash is the shape of a wave from 0 to swashEnd: up the beach, and slower back.
func swash(x float64) float64 {
	if x < swashTop {
		return math.Pow(ease(x/swashTop), 1.3)
	}
	y := (swashEnd - x) / (swashEnd - swashTop)
	return smoothStep(y) * y
}

const swashTop, swashEnd = 0.4, 1.4
