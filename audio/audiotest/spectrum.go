package audiotest

import (
	"math"
	"testing"

	"guided/routines"
)

// LevelAt is the level in dB of one frequency in the middle of samples at routines.Rate, under a window that hides what is
// further away than 30 Hz by 90 dB.
func LevelAt(samples []float64, hz float64) float64 {
	n := len(samples)
	re, im, sum := 0.0, 0.0, 0.0
	for i, x := range samples {
		u := 2 * math.Pi * (float64(i) + 0.5) / float64(n)
		w := 0.35875 - 0.48829*math.Cos(u) + 0.14128*math.Cos(2*u) - 0.01168*math.Cos(3*u)
		s, c := math.Sincos(2 * math.Pi * hz * float64(i) / routines.Rate)
		re, im, sum = re+w*x*c, im+w*x*s, sum+w
	}
	return DB(2 * math.Hypot(re, im) / sum)
}

// ReportRealTime reports how many times faster than it lasts a sound of so many seconds was made.
func ReportRealTime(b *testing.B, seconds float64) {
	b.ReportMetric(seconds*float64(b.N)/b.Elapsed().Seconds(), "x-real-time")
}
