package mix

import (
	"math"

	"guided/audio"
	"guided/audio/voice"
)

// swellShape is a swell: the centre of its band in hertz at the start and at the end, and the moment of its peak, as a
// fraction of its length.
type swellShape struct{ from, to, peak float64 }

func swellShapes() map[string]swellShape {
	return map[string]swellShape{
		"swell-in":    {380, 1150, 0.84},
		"swell-again": {1050, 1500, 0.7},
		"swell-out":   {950, 300, 0.16},
	}
}

// synthesizeSwell makes the noise of a breath of n samples; name is one of routines.SwellNames. It rises and brightens
// for a breath in, and falls and darkens for a breath out: white noise through a band-pass whose centre glides, a
// topology-preserving state-variable filter (Zavalishin, "The Art of VA Filter Design").
func synthesizeSwell(name string, n int) voice.Recording {
	const (
		level     = 0.42
		q         = 0.75
		reference = 500 // Hz, the centre at which the gain is level: a wider band at a higher centre is played softer
	)
	shape := swellShapes()[name]
	samples := make([]float64, n)
	var s1, s2, g, gain float64 // s1 and s2 are the integrators' states, g their coefficient
	for i := range samples {
		x := float64(i) / float64(n)
		if i%controlBlock == 0 {
			hz := shape.from * math.Pow(shape.to/shape.from, raisedCosine(x))
			g = math.Tan(math.Pi * hz / audio.Rate)
			gain = level * math.Sqrt(reference/hz)
		}
		in := 2*hashUniform(i, seedSwell) - 1
		high := (in - float64((1/q+g)*s1) - s2) / (1 + float64(g*(1/q+g)))
		band := float64(g*high) + s1
		low := float64(g*band) + s2
		s1, s2 = float64(g*high)+band, float64(g*band)+low
		samples[i] = gain / q * band * shape.gainAt(x)
	}
	return voice.Recording{PCM: audio.QuantizeClip(samples)}
}

// gainAt returns the gain at a fraction of the length.
func (s swellShape) gainAt(x float64) float64 {
	if x > s.peak {
		x = (1 - x) / (1 - s.peak)
	} else {
		x /= s.peak
	}
	return raisedCosine(x) * math.Sqrt(x)
}
