package audiotest

import (
	"math"

	"guided/routines"
)

// Word is a soft consonant of 80 ms, as an f, some decibels below the vowel of 200 ms behind it, which fades for 100.
func Word(consonant float64) []float64 {
	soft := WhiteNoise(routines.Rate*80/1000, 0.3*math.Pow(10, consonant/20))
	for i := range soft {
		soft[i] *= Rise(float64(i)/routines.Rate, 0, 0.02)
	}
	return Join(soft, Vowel(routines.Rate*300/1000, func(x float64) float64 { return Rise(x, 0, 0.03) * (1 - Rise(x, 0.2, 0.3)) }))
}

// ResampleBack is samples at 44.1 kHz, the nearest of each.
func ResampleBack(samples []float64) []float64 {
	out := make([]float64, len(samples)*441/480)
	for i := range out {
		out[i] = samples[i*480/441]
	}
	return out
}
