package audio

import (
	"fmt"
	"math"
	"testing"

	"guided/audio/audiotest"
)

var sourceRates = []int{8000, 11025, 16000, 22050, 24000, 32000, 44100, 88200, 96000, 192000}

// The passband up to 0.8 of the lower Nyquist frequency is flat; images and aliases of the whole source are 80 dB down.
func TestResampleRippleImagesAndAliases(t *testing.T) {
	const n = Rate / 4
	for _, rate := range sourceRates {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			nyquist := float64(min(rate, Rate)) / 2
			ripple, stray := 0.0, math.Inf(-1)
			for _, part := range []float64{0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97, 0.995, 1.003, 1.05, 1.3, 1.7, 1.95} {
				hz := part * nyquist
				if hz >= float64(rate)/2 {
					continue
				}
				out := Resample(audiotest.Sine(rate/2, rate, hz, 1), rate)[Rate/8:][:n]
				if part <= 0.8 {
					ripple = max(ripple, math.Abs(audiotest.LevelAt(out, hz)))
				}
				for k := 0.0; k*float64(rate) < Rate; k++ {
					for _, image := range []float64{k*float64(rate) - hz, k*float64(rate) + hz, Rate - hz} {
						if image > 0 && image < Rate/2 && math.Abs(image-hz) > 60 {
							stray = max(stray, audiotest.LevelAt(out, image))
						}
					}
				}
			}
			t.Logf("ripple %.3f dB, images and aliases %.1f dB", ripple, stray)
			if ripple > 0.01 || stray > -80 {
				t.Errorf("ripple %.3f dB, images and aliases %.1f dB", ripple, stray)
			}
		})
	}
}

func TestResampleLengthAndAlignment(t *testing.T) {
	for _, rate := range sourceRates {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			for _, n := range []int{0, 1, 2, 479, 2401} {
				want := (n*Rate + rate - 1) / rate
				if got := len(Resample(make([]float64, n), rate)); got != want {
					t.Errorf("%d samples give %d, want %d", n, got, want)
				}
			}
			for _, at := range []int{0, 1, 700, 2400} { // an impulse is not shifted, not even at the ends
				in := make([]float64, 2401)
				in[at] = 1
				out := Resample(in, rate)
				top := 0
				for i := range out {
					if out[i] > out[top] {
						top = i
					}
				}
				if place := float64(at) * Rate / float64(rate); math.Abs(float64(top)-place) > 0.5 {
					t.Errorf("an impulse at %d is at %d, want %.1f", at, top, place)
				}
			}
		})
	}
}

func TestResampleAtRateIsIdentity(t *testing.T) {
	in := audiotest.WhiteNoise(1000, 1)
	out := Resample(in, Rate)
	for i := range in {
		if in[i] != out[i] {
			t.Fatalf("sample %d is %v, was %v", i, out[i], in[i])
		}
	}
}

func BenchmarkResample(b *testing.B) {
	for _, rate := range []int{16000, 22050, 24000, 44100, 96000} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			in := audiotest.WhiteNoise(2*rate, 0.5) // a clip of two seconds
			b.ReportAllocs()
			for b.Loop() {
				Resample(in, rate)
			}
			audiotest.ReportRealTime(b, 2)
		})
	}
}
