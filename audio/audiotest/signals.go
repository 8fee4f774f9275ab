// Package audiotest is what the tests of audio and of the packages below it share: synthetic signals (signals.go), a
// streamer whose frames are known by their index (noise.go), WAV files correct and not (wav.go), spectrum and loudness
// (measure.go), and the processes and clean-up of a test (process.go). It does not import audio, so that the tests
// inside audio can use it.
package audiotest

import (
	"math"

	"guided/routines"
)

// Sine returns n samples of a sine.
func Sine(n, rate int, hz, level float64) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = level * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))
	}
	return list
}

// WhiteNoise returns n samples of uniform white noise, the same every time.
func WhiteNoise(n int, level float64) []float64 {
	list, state := make([]float64, n), uint64(1)
	for i := range list {
		state = state*6364136223846793005 + 1442695040888963407
		list[i] = level * (float64(int32(state>>32)) / (1 << 31))
	}
	return list
}

// Vowel returns n samples at routines.Rate of a voiced sound of 120 Hz under an envelope over the time in seconds.
func Vowel(n int, envelope func(second float64) float64) []float64 {
	list := make([]float64, n)
	for i := range list {
		for k := 1.0; k <= 25; k++ {
			list[i] += math.Sin(2*math.Pi*120*k*float64(i)/routines.Rate+k*k) / (1 + math.Abs(k-5)/3)
		}
		list[i] *= 0.04 * envelope(float64(i)/routines.Rate)
	}
	return list
}

// Word returns a word at routines.Rate: a soft consonant of 80 ms like an f, at a level in dB, and a vowel of 200 ms
// that fades for 100 ms.
func Word(consonant float64) []float64 {
	soft := WhiteNoise(routines.Rate*80/1000, 0.3*math.Pow(10, consonant/20))
	for i := range soft {
		soft[i] *= SmoothRise(float64(i)/routines.Rate, 0, 0.02)
	}
	return Concat(soft, Vowel(routines.Rate*300/1000, func(x float64) float64 { return SmoothRise(x, 0, 0.03) * (1 - SmoothRise(x, 0.2, 0.3)) }))
}

// SmoothRise eases from 0 at from to 1 at to, a smoothstep.
func SmoothRise(x, from, to float64) float64 {
	x = max(0, min(1, (x-from)/(to-from)))
	return x * x * (3 - 2*x)
}

// Concat returns parts one after the other.
func Concat(parts ...[]float64) []float64 {
	var list []float64
	for _, p := range parts {
		list = append(list, p...)
	}
	return list
}

// Scaled returns a copy of samples with a gain, a factor.
func Scaled(samples []float64, gain float64) []float64 {
	list := make([]float64, len(samples))
	for i, x := range samples {
		list[i] = x * gain
	}
	return list
}

// To44100 returns samples at 48 kHz as samples at 44.1 kHz, by the nearest one.
func To44100(samples []float64) []float64 {
	out := make([]float64, len(samples)*441/480)
	for i := range out {
		out[i] = samples[i*480/441]
	}
	return out
}

// Floats returns 16-bit samples as ±1.
func Floats(pcm []int16) []float64 {
	list := make([]float64, len(pcm))
	for i, s := range pcm {
		list[i] = float64(s) / 32768
	}
	return list
}

// DB returns the level in dB of an amplitude, 0 for 1.
func DB(x float64) float64 { return 20 * math.Log10(x) }
