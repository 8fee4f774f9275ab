package mix

import "guided/audio"

// The filters of the beds are those of package audio without the coefficients that are zero, and with those that are
// equal multiplied once. That changes no sample. A step takes the state of one channel and returns the next one, so that
// the loop of a generator keeps all states in registers and no filter waits for another.

// onePole is audio.OnePoleLowPass.
type onePole struct{ b0, pole float64 }

func newOnePole(hz float64) onePole {
	c := audio.OnePoleLowPass(hz)
	return onePole{c.B0, -c.A1}
}

func (f *onePole) step(x, z float64) (y, next float64) {
	y = float64(f.b0*x) + z
	return y, float64(f.pole * y)
}

// highPass is audio.HighPass, where b1 = −2·b0 and b2 = b0.
type highPass struct{ b0, a1, a2 float64 }

func newHighPass(hz float64) highPass {
	c := audio.HighPass(hz)
	return highPass{c.B0, c.A1, c.A2}
}

func (f *highPass) step(x, z1, z2 float64) (y, next1, next2 float64) {
	x = float64(f.b0 * x)
	y = x + z1
	return y, float64(-2*x) - float64(f.a1*y) + z2, x - float64(f.a2*y)
}

// bandPass is audio.BandPass, where b1 = 0 and b2 = −b0.
type bandPass struct{ b0, a1, a2 float64 }

func newBandPass(hz, q float64) bandPass {
	c := audio.BandPass(hz, q)
	return bandPass{c.B0, c.A1, c.A2}
}

func (f *bandPass) step(x, z1, z2 float64) (y, next1, next2 float64) {
	x = float64(f.b0 * x)
	y = x + z1
	return y, z2 - float64(f.a1*y), -x - float64(f.a2*y)
}

// onePoleState and biquadState are the states of both channels.
type (
	onePoleState struct{ left, right float64 }
	biquadState  struct{ left1, left2, right1, right2 float64 }
)
