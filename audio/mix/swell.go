package mix

import (
	"guided/audio"
	"guided/audio/voice"
	"math"
)

// swellShape is how a swell goes: the middle of its band in hertz at the beginning and the end, and where in it, of its
// length, it is loudest.
type swellShape struct{ from, to, peak float64 }

func swellShapes() map[string]swellShape {
	return map[string]swellShape{
		"swell-in":    {380, 1150, 0.84},
		"swell-again": {1050, 1500, 0.7},
		"swell-out":   {950, 300, 0.16},
	}
}

// synthesizeSwell is the sound of a breath of so many samples; name is one of routines.SwellNames. It rises and brightens with the
// breath in, and falls and darkens with the breath out.
func synthesizeSwell(name string, n int) voice.Recording {
	const (
		level = 0.42
		q     = 0.75
		full  = 500 // hertz: a band is as wide as it is high, and as loud at every height
	)
	b := swellShapes()[name]
	samples := make([]float64, n)
	var s1, s2, g, gain float64 // of a state-variable filter, whose band can move while it runs
	for i := range samples {
		x := float64(i) / float64(n)
		if i%controlBlock == 0 {
			hz := b.from * math.Pow(b.to/b.from, raisedCosine(x))
			g = math.Tan(math.Pi * hz / audio.Rate)
			gain = level * math.Sqrt(full/hz)
		}
		in := 2*hashUniform(i, seedSwell) - 1
		high := (in - float64((1/q+g)*s1) - s2) / (1 + float64(g*(1/q+g)))
		band := float64(g*high) + s1
		low := float64(g*band) + s2
		s1, s2 = float64(g*high)+band, float64(g*band)+low
		samples[i] = gain / q * band * b.gainAt(x)
	}
	return voice.Recording{PCM: audio.Quantize(samples)}
}

// gainAt is how loud a breath is at x of its length.
func (b swellShape) gainAt(x float64) float64 {
	if x > b.peak {
		x = (1 - x) / (1 - b.peak)
	} else {
		x /= b.peak
	}
	return raisedCosine(x) * math.Sqrt(x)
}
