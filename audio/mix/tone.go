package mix

import (
	"fmt"
	"math"

	"guided/audio"
	"guided/audio/voice"
)

// partial is one sine of a tone: its frequency in hertz at the start and at the end, its relative level, and the time
// constant of its decay in seconds, 0 for none.
type partial struct{ from, to, level, decay float64 }

// tone is a synthesised sound, for use without a voice and for the phases in the tone modes.
type tone struct {
	seconds  float64
	attack   float64 // seconds of fade-in
	level    float64 // peak, of full scale
	partials []partial
}

// synthesizeTone makes the tone of a name in routines.SoundNames.
func synthesizeTone(name string) (voice.Recording, error) {
	t, known := toneTable()[name]
	if !known {
		return voice.Recording{}, fmt.Errorf("there is no tone named %q", name)
	}
	return t.render(), nil
}

// toneTable holds every tone by its name. A breath in rises a fourth and a breath out falls back; holds stay where the
// breath before them ended: so a listener knows the phase without words.
func toneTable() map[string]tone {
	const low, high = 293.66, 392.00 // D4, G4
	soft := func(from, to float64) []partial {
		return []partial{{from, to, 1, 0}, {2 * from, 2 * to, 0.25, 0}, {3 * from, 3 * to, 0.06, 0}}
	}
	return map[string]tone{
		"bell":  {4, 0.004, 0.20, []partial{{220, 220, 0.6, 1.6}, {441.5, 441.5, 1, 1.1}, {598, 598, 0.35, 0.7}, {883, 883, 0.3, 0.5}, {1214, 1214, 0.18, 0.25}}},
		"bowl":  {7, 0.02, 0.20, bowlPartials()},
		"chime": {1.6, 0.004, 0.18, []partial{{784, 784, 1, 0.45}, {1568, 1568, 0.25, 0.2}, {2352, 2352, 0.08, 0.1}}},
		"ping":  {0.5, 0.006, 0.21, []partial{{587.33, 587.33, 1, 0.14}, {1174.66, 1174.66, 0.2, 0.07}}},
		"tick":  {0.06, 0.002, 0.33, []partial{{880, 880, 1, 0.012}, {1760, 1760, 0.3, 0.006}}},
		"in":    {0.9, 0.12, 0.13, soft(low, high)},
		"again": {0.5, 0.06, 0.13, soft(high, 440)},
		"hold":  {0.5, 0.06, 0.12, soft(high, high)},
		"out":   {0.9, 0.12, 0.13, soft(high, low)},
		"wait":  {0.5, 0.06, 0.12, soft(low, low)},
	}
}

// bowlPartials are those of a singing bowl. Each comes in a pair that beats slowly, as no bowl is perfectly round.
func bowlPartials() []partial {
	return []partial{
		{174.3, 174.3, 1, 2.6}, {174.85, 174.85, 0.6, 2.6},
		{479.1, 479.1, 0.55, 1.7}, {480.2, 480.2, 0.33, 1.7},
		{899.0, 899.0, 0.2, 0.9}, {900.7, 900.7, 0.12, 0.9},
		{1409, 1409, 0.07, 0.45}, {1411.6, 1411.6, 0.04, 0.45},
		{1995, 1995, 0.03, 0.2},
	}
}

// len is the tone's length in samples.
func (t tone) len() int { return int(math.Round(t.seconds * audio.Rate)) }

func (t tone) render() voice.Recording {
	samples := make([]float64, t.len())
	total := 0.0
	for _, p := range t.partials {
		total += p.level
		if p.to == p.from {
			p.add(samples)
		} else {
			p.addGliding(samples)
		}
	}
	level := t.level / total
	for i := range samples {
		gain, x := 1.0, float64(i)/audio.Rate
		if x < t.attack {
			gain = smoothStep(x / t.attack)
		}
		if left := t.seconds - x; left < t.seconds/3 {
			gain *= smoothStep(left / (t.seconds / 3))
		}
		samples[i] *= level * gain
	}
	return voice.Recording{PCM: audio.QuantizeClip(samples)}
}

// phasorLen is how many samples partial.add makes from one sine: by then the sum of the phases and the product of the
// angles differ by less than any sample shows.
const phasorLen = 16

// add adds a partial that keeps its frequency. Within phasorLen samples its phase is turned by fixed angles, which is four
// times as fast as a sine for each sample.
func (p partial) add(samples []float64) {
	var turn [phasorLen]struct{ sin, cos float64 }
	cycles := p.from / audio.Rate // for each sample
	for k := range turn {
		turn[k].sin, turn[k].cos = math.Sincos(2 * math.Pi * float64(float64(k)*cycles))
	}
	phase, level, decay := 0.0, p.level, p.decayFactor()
	for len(samples) > 0 {
		sin, cos := math.Sincos(2 * math.Pi * phase)
		part := samples[:min(len(samples), phasorLen)]
		for k := range part {
			part[k] += float64(level * (float64(sin*turn[k].cos) + float64(cos*turn[k].sin)))
			phase += cycles
			level = float64(level * decay)
		}
		samples = samples[len(part):]
	}
}

// addGliding adds a partial whose frequency changes.
func (p partial) addGliding(samples []float64) {
	phase, level, decay := 0.0, p.level, p.decayFactor()
	interval := math.Log(p.to / p.from)
	for i := range samples {
		samples[i] += float64(level * math.Sin(2*math.Pi*phase))
		phase += float64(p.from*math.Exp(interval*smoothStep(float64(i)/float64(len(samples))))) / audio.Rate
		level = float64(level * decay)
	}
}

// decayFactor returns the factor of the level from one sample to the next.
func (p partial) decayFactor() float64 {
	if p.decay == 0 {
		return 1
	}
	return math.Exp(-1 / (audio.Rate * p.decay))
}
