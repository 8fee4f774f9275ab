package mix

import (
	"guided/audio"
	"math"
)

// drone is octaves and fifths of sines, each of three that are a hair apart: one in the middle, one that goes from side
// to side, one that comes and goes.
type drone [7]dronePart

// dronePart is one part of the drone.
type dronePart struct {
	hz, level          float64
	panBeat, levelBeat float64 // hertz away from hz
	sines              [3]oscillator
}

// oscillator is a sine that goes on by a turn of its arrow.
type oscillator struct{ cos, sin, stepCos, stepSin float64 }

func newDrone() *drone {
	return &drone{
		{hz: 110, level: 1, panBeat: 0.061, levelBeat: 0.107},
		{hz: 165, level: 0.55, panBeat: -0.083, levelBeat: 0.134},
		{hz: 220, level: 0.62, panBeat: 0.097, levelBeat: -0.151},
		{hz: 330, level: 0.3, panBeat: -0.073, levelBeat: 0.173},
		{hz: 440, level: 0.2, panBeat: 0.119, levelBeat: -0.181},
		{hz: 660, level: 0.07, panBeat: -0.137, levelBeat: 0.211},
		{hz: 880, level: 0.04, panBeat: 0.149, levelBeat: -0.227},
	}
}

func (d *drone) reset(at int) {
	for i := range d {
		p := &d[i]
		for k, hz := range []float64{p.hz, p.hz + p.panBeat, p.hz + p.levelBeat} {
			sin, cos := math.Sincos(2 * math.Pi * math.Mod(hz*float64(at), audio.Rate) / audio.Rate)
			turnSin, turnCos := math.Sincos(2 * math.Pi * hz / audio.Rate)
			p.sines[k] = oscillator{cos, sin, turnCos, turnSin}
		}
	}
}

func (d *drone) fill(frames [][2]float64, _ int) {
	const level = 0.0301 // to bedLUFS
	clear(frames)
	for i := range d {
		p := &d[i]
		a, b, c := p.sines[0], p.sines[1], p.sines[2]
		share := level * p.level
		for i := range frames {
			middle, side := a.sin+float64(0.3*c.sin), float64(0.45*b.sin)
			frames[i][0] += float64(share * (middle + side))
			frames[i][1] += float64(share * (middle - side))
			a.step()
			b.step()
			c.step()
		}
		p.sines = [3]oscillator{a, b, c}
	}
}

func (r *oscillator) step() {
	r.cos, r.sin = float64(r.cos*r.stepCos)-float64(r.sin*r.stepSin), float64(r.sin*r.stepCos)+float64(r.cos*r.stepSin)
}
