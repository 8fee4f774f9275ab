package mix

import (
	"math"

	"guided/audio"
)

// waves is the sea: white noise in three bands, whose levels follow waveLevel one after the other, the low swell first
// and the bright foam last.
type waves struct {
	rumble                        highPass
	air, swellBand, surfBand      onePole
	swellGain, surfGain, foamGain gainCurve

	rumbleState                     biquadState
	airState, swellState, surfState onePoleState
	frames, swellFrames, surfFrames [controlBlock][2]float64
}

func newWaves() *waves {
	const level = 0.159 // gives bedLUFS
	envelope := &waveLevels{}
	return &waves{
		rumble: newHighPass(70), air: newOnePole(4500), swellBand: newOnePole(260), surfBand: newOnePole(1500),
		swellGain: gainCurve{value: func(at int) float64 { return level * (1 + float64(1.2*envelope.at(at))) }},
		surfGain:  gainCurve{value: func(at int) float64 { return level * (0.14 + float64(0.9*math.Pow(envelope.at(at-surfDelay), 1.6))) }},
		foamGain:  gainCurve{value: func(at int) float64 { return level * (0.01 + float64(0.3*math.Pow(envelope.at(at-foamDelay), 2.6))) }},
	}
}

// How much later than the swell the surf and the foam come, in samples.
const surfDelay, foamDelay = audio.Rate / 5, audio.Rate / 2

func (w *waves) reset(int) {
	w.rumbleState, w.airState, w.swellState, w.surfState = biquadState{}, onePoleState{}, onePoleState{}, onePoleState{}
}

func (w *waves) advance(n, at int) {
	frames, swells, surfs := w.frames[:n], w.swellFrames[:n], w.surfFrames[:n]
	rumble, air := w.rumbleState, w.airState
	for i := range frames {
		l, r := whiteNoise(at + i)
		l, rumble.left1, rumble.left2 = w.rumble.step(l, rumble.left1, rumble.left2)
		r, rumble.right1, rumble.right2 = w.rumble.step(r, rumble.right1, rumble.right2)
		l, air.left = w.air.step(l, air.left)
		r, air.right = w.air.step(r, air.right)
		frames[i][0], frames[i][1] = l, r
	}
	w.rumbleState, w.airState = rumble, air
	swell, surf := w.swellState, w.surfState
	for i := range frames {
		l, r := frames[i][0], frames[i][1]
		swells[i][0], swell.left = w.swellBand.step(l, swell.left)
		swells[i][1], swell.right = w.swellBand.step(r, swell.right)
		surfs[i][0], surf.left = w.surfBand.step(l, surf.left)
		surfs[i][1], surf.right = w.surfBand.step(r, surf.right)
	}
	w.swellState, w.surfState = swell, surf
}

func (w *waves) fill(frames [][2]float64, at int) {
	w.advance(len(frames), at)
	all, swell, surf := w.frames[:len(frames)], w.swellFrames[:len(frames)], w.surfFrames[:len(frames)]
	swellRamp, surfRamp, foamRamp := w.swellGain.ramp(at), w.surfGain.ramp(at), w.foamGain.ramp(at)
	for i := range frames {
		g1, g2, g3 := swellRamp.at(i), surfRamp.at(i), foamRamp.at(i)
		frames[i][0] = float64(g1*swell[i][0]) + float64(g2*surf[i][0]) + float64(g3*(all[i][0]-surf[i][0]))
		frames[i][1] = float64(g1*swell[i][1]) + float64(g2*surf[i][1]) + float64(g3*(all[i][1]-surf[i][1]))
	}
}

// waveLevels keeps the latest values of waveLevel at multiples of controlBlock: the surf and the foam, whose delays are
// such multiples, ask for the same as the swell did before.
type waveLevels [512]struct {
	at    int
	known bool
	level float64
}

func (w *waveLevels) at(at int) float64 {
	v := &w[floorDiv(at, controlBlock)&(len(w)-1)]
	if !v.known || v.at != at {
		v.at, v.known, v.level = at, true, waveLevel(at)
	}
	return v.level
}

// waveLevel is the envelope of the sea, from 0 to about 1: one wave each 7.5 s, overlapping, with a random delay, height
// and length. A high wave lowers the one after it, so that every half minute is equally loud.
func waveLevel(at int) float64 {
	const period = 15 * audio.Rate / 2
	current := floorDiv(at, period)
	sum := 0.0
	for k := current - 2; k <= current+1; k++ {
		delay := float64(0.22 * (hashUniform(k, seedWaves) - 0.5))
		length := 1 + float64(0.35*hashUniform(k, seedWaves+2<<40))
		x := (float64(at-k*period)/period - delay) / length
		if x <= 0 || x >= waveLength {
			continue
		}
		height := math.Sqrt(1.175 / length * (1 + float64(0.3*(hashUniform(k, seedWaves+1<<40)-hashUniform(k-1, seedWaves+1<<40)))))
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
