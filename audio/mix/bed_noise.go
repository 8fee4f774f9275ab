package mix

import "guided/audio"

// brown is brown noise, −6 dB an octave, without the low end that makes small speakers rattle. Its level drifts slowly.
type brown struct {
	slope  onePole
	rumble highPass // twice
	gain   gainCurve

	slopeState   onePoleState
	rumbleStates [2]biquadState
	frames       [controlBlock][2]float64
}

func newBrown() *brown {
	const level = 1.28 // gives bedLUFS
	return &brown{slope: newOnePole(60), rumble: newHighPass(48), gain: driftingGain(level, 0.4, 5*audio.Rate)}
}

// driftingGain is a level whose gain in dB is a random curve between ±depth, with a new value each period samples.
func driftingGain(level, depth float64, period int) gainCurve {
	return gainCurve{value: func(at int) float64 {
		return level * audio.GainFromDB(depth*valueNoise(at, period, seedGusts))
	}}
}

func (b *brown) reset(int) {
	b.slopeState, b.rumbleStates = onePoleState{}, [2]biquadState{}
}

func (b *brown) advance(n, at int) {
	frames := b.frames[:n]
	slope := b.slopeState
	for i := range frames {
		l, r := whiteNoise(at + i)
		l, slope.left = b.slope.step(l, slope.left)
		r, slope.right = b.slope.step(r, slope.right)
		frames[i][0], frames[i][1] = l, r
	}
	b.slopeState = slope
	first, second := b.rumbleStates[0], b.rumbleStates[1]
	for i := range frames {
		l, r := frames[i][0], frames[i][1]
		l, first.left1, first.left2 = b.rumble.step(l, first.left1, first.left2)
		r, first.right1, first.right2 = b.rumble.step(r, first.right1, first.right2)
		l, second.left1, second.left2 = b.rumble.step(l, second.left1, second.left2)
		r, second.right1, second.right2 = b.rumble.step(r, second.right1, second.right2)
		frames[i][0], frames[i][1] = l, r
	}
	b.rumbleStates = [2]biquadState{first, second}
}

func (b *brown) fill(frames [][2]float64, at int) {
	b.advance(len(frames), at)
	ramp := b.gain.ramp(at)
	for i := range frames {
		gain := ramp.at(i)
		frames[i][0], frames[i][1] = b.frames[i][0]*gain, b.frames[i][1]*gain
	}
}

// rain is steady filtered noise and two kinds of drops: many fine near ones and few big ones, as on leaves. A drop is a
// decaying burst of noise through a wide band-pass, so that nothing rings.
type rain struct {
	slope             onePole // of the steady noise
	rumble            highPass
	fineBand, bigBand bandPass
	gain              gainCurve

	slopeState            onePoleState
	rumbleState           biquadState
	fineState, bigState   biquadState
	fineLevel, bigLevel   [2]float64 // envelopes of the drops, which decay exponentially
	frames                [controlBlock][2]float64
	fineFrames, bigFrames [controlBlock][2]float64
}

func newRain() *rain {
	const level = 0.1035 // gives bedLUFS
	return &rain{
		slope: newOnePole(1600), rumble: newHighPass(280), fineBand: newBandPass(4500, 0.55), bigBand: newBandPass(1300, 0.6),
		gain: driftingGain(level, 0.9, 4*audio.Rate),
	}
}

func (r *rain) reset(int) {
	r.slopeState, r.rumbleState, r.fineState, r.bigState = onePoleState{}, biquadState{}, biquadState{}, biquadState{}
	r.fineLevel, r.bigLevel = [2]float64{}, [2]float64{}
}

func (r *rain) advance(n, at int) {
	r.fall(n, at)
	steady, fine, big := r.frames[:n], r.fineFrames[:n], r.bigFrames[:n]
	slope, s := r.slopeState, r.rumbleState
	for i := range steady {
		left, right := steady[i][0], steady[i][1]
		left, slope.left = r.slope.step(left, slope.left)
		right, slope.right = r.slope.step(right, slope.right)
		left, s.left1, s.left2 = r.rumble.step(left, s.left1, s.left2)
		right, s.right1, s.right2 = r.rumble.step(right, s.right1, s.right2)
		steady[i][0], steady[i][1] = left, right
	}
	r.slopeState, r.rumbleState = slope, s
	s = r.fineState
	for i := range fine {
		fine[i][0], s.left1, s.left2 = r.fineBand.step(fine[i][0], s.left1, s.left2)
		fine[i][1], s.right1, s.right2 = r.fineBand.step(fine[i][1], s.right1, s.right2)
	}
	r.fineState = s
	s = r.bigState
	for i := range big {
		big[i][0], s.left1, s.left2 = r.bigBand.step(big[i][0], s.left1, s.left2)
		big[i][1], s.right1, s.right2 = r.bigBand.step(big[i][1], s.right1, s.right2)
	}
	r.bigState = s
}

// fall makes the noise of n frames and that of its drops, before their filters.
func (r *rain) fall(n, at int) {
	const (
		fineOdds  = 65536 * 450 / audio.Rate // of 65536, for each sample: 450 drops a second
		bigOdds   = 65536 * 20 / audio.Rate  // 20 drops a second
		fineDecay = 0.975                    // for each sample: a time constant of 0.8 ms
		bigDecay  = 0.9945                   // 3.8 ms
	)
	steady, fine, big := r.frames[:n], r.fineFrames[:n], r.bigFrames[:n]
	fineLeft, fineRight, bigLeft, bigRight := r.fineLevel[0], r.fineLevel[1], r.bigLevel[0], r.bigLevel[1]
	for i := range steady {
		left, right := whiteNoise(at + i)
		h := hash64(uint64(at+i) + seedDrops)
		fineLeft = float64(fineLeft * fineDecay)
		fineRight = float64(fineRight * fineDecay)
		bigLeft = float64(bigLeft * bigDecay)
		bigRight = float64(bigRight * bigDecay)
		if h&0xffff < fineOdds {
			l, r := dropLevel(h >> 32)
			fineLeft, fineRight = fineLeft+l, fineRight+r
		}
		if h>>16&0xffff < bigOdds {
			l, r := dropLevel(h >> 32)
			bigLeft, bigRight = bigLeft+l, bigRight+r
		}
		steady[i][0], steady[i][1] = left, right
		fine[i][0], fine[i][1] = fineLeft*left, fineRight*right
		big[i][0], big[i][1] = bigLeft*left, bigRight*right
	}
	r.fineLevel, r.bigLevel = [2]float64{fineLeft, fineRight}, [2]float64{bigLeft, bigRight}
}

func (r *rain) fill(frames [][2]float64, at int) {
	r.advance(len(frames), at)
	steady, fine, big := r.frames[:len(frames)], r.fineFrames[:len(frames)], r.bigFrames[:len(frames)]
	ramp := r.gain.ramp(at)
	for i := range frames {
		gain := ramp.at(i)
		frames[i][0] = gain * (steady[i][0] + float64(1.9*fine[i][0]) + float64(1.5*big[i][0]))
		frames[i][1] = gain * (steady[i][1] + float64(1.9*fine[i][1]) + float64(1.5*big[i][1]))
	}
}

// dropLevel returns what a drop adds to the envelopes of both channels. Bits of hash give its level, which is seldom
// high, and its place between left and right.
func dropLevel(hash uint64) (left, right float64) {
	size, side := float64(hash&0xffff)/65536, float64(hash>>16&0xffff)/65536
	size *= size * size
	return float64(size * (1 - float64(0.8*side))), float64(size * (0.2 + float64(0.8*side)))
}
