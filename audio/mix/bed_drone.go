package mix

import (
	"math"

	"guided/audio"
)

// drone is a chord of octaves and fifths. Each note is three sines that beat slowly against each other.
type drone [7]droneNote

// droneNote is one note: a sine in the centre, one detuned by panBeat in the side signal, which moves the note between
// left and right, and one detuned by levelBeat in the centre, which makes it rise and fall. All are in hertz.
type droneNote struct {
	hz, level          float64
	panBeat, levelBeat float64
	sines              [3]oscillator
}

// oscillator is a sine as a phasor that is rotated by a fixed step for each sample.
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
		n := &d[i]
		for k, hz := range []float64{n.hz, n.hz + n.panBeat, n.hz + n.levelBeat} {
			sin, cos := math.Sincos(2 * math.Pi * math.Mod(hz*float64(at), audio.Rate) / audio.Rate)
			stepSin, stepCos := math.Sincos(2 * math.Pi * hz / audio.Rate)
			n.sines[k] = oscillator{cos, sin, stepCos, stepSin}
		}
	}
}

func (d *drone) advance(n, _ int) {
	for i := range d {
		d[i].advance(n)
	}
}

func (d *drone) fill(frames [][2]float64, _ int) {
	clear(frames)
	for i := range d {
		d[i].addTo(frames)
	}
}

// addTo adds the note to frames. The steps stay in memory, as the states take all registers.
func (n *droneNote) addTo(frames [][2]float64) {
	const droneLevel = 0.0301 // gives bedLUFS
	level := droneLevel * n.level
	a, b, c := &n.sines[0], &n.sines[1], &n.sines[2]
	aCos, aSin, bCos, bSin, cCos, cSin := a.cos, a.sin, b.cos, b.sin, c.cos, c.sin
	for i := range frames {
		mid, side := aSin+float64(0.3*cSin), float64(0.45*bSin)
		frame := &frames[i]
		frame[0] += float64(level * (mid + side))
		frame[1] += float64(level * (mid - side))
		aCos, aSin = a.rotate(aCos, aSin)
		bCos, bSin = b.rotate(bCos, bSin)
		cCos, cSin = c.rotate(cCos, cSin)
	}
	a.cos, a.sin, b.cos, b.sin, c.cos, c.sin = aCos, aSin, bCos, bSin, cCos, cSin
}

// advance is addTo for n frames without their sound.
func (n *droneNote) advance(frames int) {
	a, b, c := &n.sines[0], &n.sines[1], &n.sines[2]
	aCos, aSin, bCos, bSin, cCos, cSin := a.cos, a.sin, b.cos, b.sin, c.cos, c.sin
	for range frames {
		aCos, aSin = a.rotate(aCos, aSin)
		bCos, bSin = b.rotate(bCos, bSin)
		cCos, cSin = c.rotate(cCos, cSin)
	}
	a.cos, a.sin, b.cos, b.sin, c.cos, c.sin = aCos, aSin, bCos, bSin, cCos, cSin
}

// rotate returns a phasor one sample later.
func (o *oscillator) rotate(cos, sin float64) (nextCos, nextSin float64) {
	return float64(cos*o.stepCos) - float64(sin*o.stepSin), float64(sin*o.stepCos) + float64(cos*o.stepSin)
}
