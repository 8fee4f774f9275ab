package audio

import (
	"math"
	"testing"

	"guided/audio/audiotest"
)

func TestLevelPhraseReachesTarget(t *testing.T) {
	word := audiotest.Vowel(Rate/3, func(x float64) float64 { return audiotest.SmoothRise(x, 0, 0.05) })
	clicks := make([]float64, 2*Rate)
	for i := 0; i < len(clicks); i += Rate / 4 {
		clicks[i] = 0.3
	}
	sharp := audiotest.Vowel(2*Rate, func(float64) float64 { return 1 })
	for i := Rate / 2; i < Rate/2+20; i++ {
		sharp[i] *= 4 * 0.14 / max(0.04, math.Abs(sharp[i]))
	}
	sources := map[string][]float64{"a word": word, "one hard consonant": sharp, "a quiet word": audiotest.Scaled(word, 0.01), "clicks": clicks}
	for name, samples := range programmes() {
		sources[name] = samples
	}
	for name, samples := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			samples = audiotest.Scaled(samples, 1)
			if err := NormalizePhrase(samples); err != nil {
				t.Fatal(err)
			}
			loud, top := Loudness(samples), audiotest.DB(TruePeak(samples))
			if top > MaxTruePeak-codecHeadroom+0.1 {
				t.Errorf("a peak at %.2f dB", top)
			}
			within := 0.5
			if len(samples) < Rate {
				within = 1
			}
			if reached := math.Abs(loud-PhraseLUFS) <= within; reached != (name != "clicks") {
				t.Errorf("%.2f LUFS with a peak at %.2f dB", loud, top)
			}
		})
	}
}

func TestLevelPhraseRefusesSilence(t *testing.T) {
	for name, samples := range map[string][]float64{
		"nothing": nil, "zeros": make([]float64, Rate/10), "a long nothing": make([]float64, 2*Rate),
		"the last bit": audiotest.WhiteNoise(2*Rate, 0.00003), "a short hiss": audiotest.WhiteNoise(Rate/10, 0.00003),
	} {
		if err := NormalizePhrase(samples); err == nil {
			t.Errorf("%s is brought to a level", name)
		}
	}
}
