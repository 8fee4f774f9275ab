package mix

import "guided/audio"

// brown is brown noise, −6 dB an octave, without the low end that makes small speakers rattle. Its level drifts slowly.
type brown struct {
	slope, rumble1, rumble2 audio.StereoFilter
}

func newBrown() *brown {
	return &brown{slope: audio.OnePoleLowPass(60).Stereo(), rumble1: audio.HighPass(48).Stereo(), rumble2: audio.HighPass(48).Stereo()}
}

func (b *brown) reset(int) {
	b.slope.Reset()
	b.rumble1.Reset()
	b.rumble2.Reset()
}

func (b *brown) fill(frames [][2]float64, at int) {
	const level = 1.28 // gives bedLUFS
	fillWhiteNoise(frames, at)
	b.slope.Filter(frames)
	b.rumble1.Filter(frames)
	b.rumble2.Filter(frames)
	ramp := rampFrom(at, func(at int) float64 { return level * audio.GainFromDB(0.4*valueNoise(at, 5*audio.Rate, seedGusts)) })
	for i := range frames {
		gain := ramp.at(i)
		frames[i][0] *= gain
		frames[i][1] *= gain
	}
}

// rain is steady filtered noise and two kinds of drops: many fine near ones and few big ones, as on leaves. A drop is a
// decaying burst of noise through a wide band-pass, so that nothing rings.
type rain struct {
	slope, rumble         audio.StereoFilter // of the steady noise
	fineBand, bigBand     audio.StereoFilter
	fineLevel, bigLevel   [2]float64 // envelopes of the drops, which decay exponentially
	fineFrames, bigFrames [controlBlock][2]float64
}

func newRain() *rain {
	return &rain{
		slope: audio.OnePoleLowPass(1600).Stereo(), rumble: audio.HighPass(280).Stereo(),
		fineBand: audio.BandPass(4500, 0.55).Stereo(), bigBand: audio.BandPass(1300, 0.6).Stereo(),
	}
}

func (r *rain) reset(int) {
	for _, f := range []*audio.StereoFilter{&r.slope, &r.rumble, &r.fineBand, &r.bigBand} {
		f.Reset()
	}
	r.fineLevel, r.bigLevel = [2]float64{}, [2]float64{}
}

func (r *rain) fill(frames [][2]float64, at int) {
	const (
		level     = 0.1035                   // gives bedLUFS
		fineOdds  = 65536 * 450 / audio.Rate // of 65536, for each sample: 450 drops a second
		bigOdds   = 65536 * 20 / audio.Rate  // 20 drops a second
		fineDecay = 0.975                    // for each sample: a time constant of 0.8 ms
		bigDecay  = 0.9945                   // 3.8 ms
	)
	fillWhiteNoise(frames, at)
	fine, big := r.fineFrames[:len(frames)], r.bigFrames[:len(frames)]
	for i, x := range frames {
		h := hash64(uint64(at+i) + seedDrops)
		r.fineLevel[0] *= fineDecay
		r.fineLevel[1] *= fineDecay
		r.bigLevel[0] *= bigDecay
		r.bigLevel[1] *= bigDecay
		if h&0xffff < fineOdds {
			r.fineLevel = addDrop(r.fineLevel, h>>32)
		}
		if h>>16&0xffff < bigOdds {
			r.bigLevel = addDrop(r.bigLevel, h>>32)
		}
		fine[i] = [2]float64{r.fineLevel[0] * x[0], r.fineLevel[1] * x[1]}
		big[i] = [2]float64{r.bigLevel[0] * x[0], r.bigLevel[1] * x[1]}
	}
	r.slope.Filter(frames)
	r.rumble.Filter(frames)
	r.fineBand.Filter(fine)
	r.bigBand.Filter(big)
	ramp := rampFrom(at, func(at int) float64 { return level * audio.GainFromDB(0.9*valueNoise(at, 4*audio.Rate, seedGusts)) })
	for i, x := range frames {
		gain := ramp.at(i)
		for c := range x {
			frames[i][c] = gain * (x[c] + float64(1.9*fine[i][c]) + float64(1.5*big[i][c]))
		}
	}
}

// addDrop adds a drop to the envelopes of both channels. Bits of hash give its level, which is seldom high, and its
// place between left and right.
func addDrop(envelope [2]float64, hash uint64) [2]float64 {
	size, side := float64(hash&0xffff)/65536, float64(hash>>16&0xffff)/65536
	size *= size * size
	return [2]float64{envelope[0] + float64(size*(1-float64(0.8*side))), envelope[1] + float64(size*(0.2+float64(0.8*side)))}
}
