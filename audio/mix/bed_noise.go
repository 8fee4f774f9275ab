package mix

import "guided/audio"

// brown is noise that falls by 6 dB an octave, without what small speakers only rattle at.
type brown struct {
	slope, low1, low2 audio.StereoFilter
}

func newBrown() *brown {
	return &brown{audio.StereoFilter{Biquad: audio.OnePoleLowPass(60)}, audio.StereoFilter{Biquad: audio.HighPass(48)}, audio.StereoFilter{Biquad: audio.HighPass(48)}}
}

func (b *brown) reset(int) {
	b.slope.Reset()
	b.low1.Reset()
	b.low2.Reset()
}

func (b *brown) fill(frames [][2]float64, at int) {
	const level = 1.28 // to bedLUFS
	fillWhiteNoise(frames, at)
	b.slope.Filter(frames)
	b.low1.Filter(frames)
	b.low2.Filter(frames)
	line := rampFrom(at, func(at int) float64 { return level * audio.Gain(0.4*valueNoise(at, 5*audio.Rate, seedGusts)) })
	for i := range frames {
		gain := line.at(i)
		frames[i][0] *= gain
		frames[i][1] *= gain
	}
}

// rain is a body of noise and two kinds of drops: fine ones near, heavy ones on leaves. A drop is a burst of noise, so
// that nothing rings.
type rain struct {
	slope, low            audio.StereoFilter // of the body
	fineBand, bigBand     audio.StereoFilter
	fineLevel, bigLevel   [2]float64 // how far the drops have fallen off
	fineFrames, bigFrames [controlBlock][2]float64
}

func newRain() *rain {
	return &rain{
		slope: audio.StereoFilter{Biquad: audio.OnePoleLowPass(1600)}, low: audio.StereoFilter{Biquad: audio.HighPass(280)},
		fineBand: audio.StereoFilter{Biquad: audio.BandPass(4500, 0.55)}, bigBand: audio.StereoFilter{Biquad: audio.BandPass(1300, 0.6)},
	}
}

func (r *rain) reset(int) {
	for _, f := range []*audio.StereoFilter{&r.slope, &r.low, &r.fineBand, &r.bigBand} {
		f.Reset()
	}
	r.fineLevel, r.bigLevel = [2]float64{}, [2]float64{}
}

func (r *rain) fill(frames [][2]float64, at int) {
	const (
		level    = 0.1035 // to bedLUFS
		finePart = 65536 * 450 / audio.Rate
		bigPart  = 65536 * 20 / audio.Rate
		fineFall = 0.975 // 0.8 ms
		bigFall  = 0.9945
	)
	fillWhiteNoise(frames, at)
	drops, leaves := r.fineFrames[:len(frames)], r.bigFrames[:len(frames)]
	for i, x := range frames {
		h := hash64(uint64(at+i) + seedDrops)
		r.fineLevel[0] *= fineFall
		r.fineLevel[1] *= fineFall
		r.bigLevel[0] *= bigFall
		r.bigLevel[1] *= bigFall
		if h&0xffff < finePart {
			r.fineLevel = addDrop(r.fineLevel, h>>32)
		}
		if h>>16&0xffff < bigPart {
			r.bigLevel = addDrop(r.bigLevel, h>>32)
		}
		drops[i] = [2]float64{r.fineLevel[0] * x[0], r.fineLevel[1] * x[1]}
		leaves[i] = [2]float64{r.bigLevel[0] * x[0], r.bigLevel[1] * x[1]}
	}
	r.slope.Filter(frames)
	r.low.Filter(frames)
	r.fineBand.Filter(drops)
	r.bigBand.Filter(leaves)
	line := rampFrom(at, func(at int) float64 { return level * audio.Gain(0.9*valueNoise(at, 4*audio.Rate, seedGusts)) })
	for i, x := range frames {
		gain := line.at(i)
		for c := range x {
			frames[i][c] = gain * (x[c] + float64(1.9*drops[i][c]) + float64(1.5*leaves[i][c]))
		}
	}
}

// addDrop adds a drop to those that fall off: seldom a strong one, somewhere between left and right.
func addDrop(fall [2]float64, h uint64) [2]float64 {
	size, side := float64(h&0xffff)/65536, float64(h>>16&0xffff)/65536
	size *= size * size
	return [2]float64{fall[0] + float64(size*(1-float64(0.8*side))), fall[1] + float64(size*(0.2+float64(0.8*side)))}
}
