package mix

import (
	"guided/audio"
	"math"
)

// drone is octaves and fifths of sines, each of three that are a hair apart: one in the middle, one that goes from side
// to side, one that comes and goes.
type drone [7]voicePart

// voicePart is one part of the drone.
type voicePart struct {
	hz, share  float64
	turn, come float64 // hertz away from hz
	sines      [3]rotation
}

// rotation is a sine that goes on by a turn of its arrow.
type rotation struct{ cos, sin, turnCos, turnSin float64 }

func newDrone() *drone {
	return &drone{
		{hz: 110, share: 1, turn: 0.061, come: 0.107},
		{hz: 165, share: 0.55, turn: -0.083, come: 0.134},
		{hz: 220, share: 0.62, turn: 0.097, come: -0.151},
		{hz: 330, share: 0.3, turn: -0.073, come: 0.173},
		{hz: 440, share: 0.2, turn: 0.119, come: -0.181},
		{hz: 660, share: 0.07, turn: -0.137, come: 0.211},
		{hz: 880, share: 0.04, turn: 0.149, come: -0.227},
	}
}

func (d *drone) reset(at int) {
	for i := range d {
		p := &d[i]
		for k, hz := range []float64{p.hz, p.hz + p.turn, p.hz + p.come} {
			sin, cos := math.Sincos(2 * math.Pi * math.Mod(hz*float64(at), audio.Rate) / audio.Rate)
			turnSin, turnCos := math.Sincos(2 * math.Pi * hz / audio.Rate)
			p.sines[k] = rotation{cos, sin, turnCos, turnSin}
		}
	}
}

func (d *drone) fill(frames [][2]float64, _ int) {
	const level = 0.0301 // to bedLUFS
	clear(frames)
	for i := range d {
		p := &d[i]
		a, b, c := p.sines[0], p.sines[1], p.sines[2]
		share := level * p.share
		for i := range frames {
			middle, side := a.sin+float64(0.3*c.sin), float64(0.45*b.sin)
			frames[i][0] += float64(share * (middle + side))
			frames[i][1] += float64(share * (middle - side))
			a.turn()
			b.turn()
			c.turn()
		}
		p.sines = [3]rotation{a, b, c}
	}
}

func (r *rotation) turn() {
	r.cos, r.sin = float64(r.cos*r.turnCos)-float64(r.sin*r.turnSin), float64(r.sin*r.turnCos)+float64(r.cos*r.turnSin)
}
