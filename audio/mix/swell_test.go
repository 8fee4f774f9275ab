package mix

import (
	"fmt"
	"math"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/routines"
)

func TestSwellLoudnessAndBrightness(t *testing.T) {
	for _, name := range routines.SwellNames() {
		for _, n := range []int{audio.Rate, 4*audio.Rate + 1, 6*audio.Rate + 77} {
			t.Run(fmt.Sprintf("%s of %d", name, n), func(t *testing.T) {
				pcm := synthesizeSwell(name, n).PCM
				if len(pcm) != n || pcm[0] != 0 || pcm[n-1] != 0 {
					t.Fatalf("%d samples from %d to %d", len(pcm), pcm[0], pcm[len(pcm)-1])
				}
				x := audiotest.Floats(pcm)
				if loud := loudestMomentary(x); loud < -24 || loud > -20 {
					t.Errorf("%.1f LUFS at its loudest", loud)
				}
				early, late := x[n/10:n*4/10], x[n*6/10:n*9/10]
				if rises := audio.MeanSquare(late) > 2*audio.MeanSquare(early); rises != (name != "swell-out") {
					t.Errorf("it rises: %v", rises)
				}
				if brightens := zeroCrossingRate(late) > 1.05*zeroCrossingRate(early); brightens != (name != "swell-out") {
					t.Errorf("from %.0f to %.0f Hz", zeroCrossingRate(early), zeroCrossingRate(late))
				}
				for _, end := range [][]float64{x[:n/100], x[n-n/100:]} {
					if level := audiotest.DB(audio.TruePeak(end)); level > -40 {
						t.Errorf("it begins or ends at %.1f dB", level)
					}
				}
			})
		}
	}
	if got := synthesizeSwell("swell-in", 0).PCM; len(got) != 0 {
		t.Errorf("a swell of nothing has %d samples", len(got))
	}
}

// zeroCrossingRate returns half the zero crossings a second, the frequency of a sine in hertz.
func zeroCrossingRate(samples []float64) float64 {
	n := 0
	for i := 1; i < len(samples); i++ {
		if math.Signbit(samples[i]) != math.Signbit(samples[i-1]) {
			n++
		}
	}
	return float64(n) / 2 * audio.Rate / float64(len(samples))
}
