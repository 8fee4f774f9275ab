package audio

import (
	"math"
	"testing"

	"guided/audio/audiotest"
)

// programmes are signals whose loudness is told by their gates, their spectrum or their peaks.
func programmes() map[string][]float64 {
	always := func(float64) float64 { return 1 }
	list := map[string][]float64{
		"a tone of 997 Hz":          audiotest.Sine(2*Rate, Rate, 997, 0.1),
		"a tone of 60 Hz":           audiotest.Sine(2*Rate, Rate, 60, 0.5),
		"a tone of 8 kHz":           audiotest.Sine(2*Rate, Rate, 8000, 0.2),
		"noise of speech":           Resample(audiotest.WhiteNoise(2*24000, 0.3), 24000),
		"a vowel":                   audiotest.Vowel(2*Rate, always),
		"speech with long pauses":   audiotest.Join(audiotest.Vowel(Rate, always), make([]float64, 3*Rate), audiotest.Vowel(Rate/2, always)),
		"loud, then 15 dB below":    Resample(audiotest.Join(audiotest.WhiteNoise(2*24000, 0.5), audiotest.WhiteNoise(2*24000, 0.09)), 24000),
		"a little over a second":    audiotest.Vowel(Rate*11/10, func(x float64) float64 { return 1.1 - x }),
		"a peak between samples":    audiotest.Sine(2*Rate, Rate, Rate/4+1, 0.9),
		"a quiet one near the gate": audiotest.Sine(2*Rate, Rate, 997, 0.001),
	}
	for _, samples := range list {
		fadeEnds(samples)
	}
	return list
}

// ebur128 is what ffmpeg measures, of one channel played on two.
func ebur128(t *testing.T, samples []float64) (integrated, truePeak float64) {
	t.Helper()
	return audiotest.EBUR128(t, audiotest.WAVOf(Rate, samples), "dualmono=true:")
}

func TestLoudnessAgreesWithFFmpeg(t *testing.T) {
	audiotest.NeedProgram(t, "ffmpeg")
	for name, samples := range programmes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loud, top := ebur128(t, samples)
			if got := Loudness(samples); math.Abs(got-loud) > 0.1 {
				t.Errorf("measures %.2f LUFS, ffmpeg %.1f", got, loud)
			}
			if got := audiotest.DB(Peak(samples)); math.Abs(got-top) > 0.2 {
				t.Errorf("peaks at %.2f dB, ffmpeg %.1f", got, top)
			}
		})
	}
}

// The reference of BS.1770: a tone of 997 Hz at full scale on one channel is −3.01 LUFS, on two as loud as 0.
func TestLoudnessOfReferenceTone(t *testing.T) {
	if got := Loudness(audiotest.Sine(3*Rate, Rate, 997, 1)); math.Abs(got) > 0.05 {
		t.Errorf("%.3f LUFS", got)
	}
}

func TestLevelPhraseReachesTarget(t *testing.T) {
	word := audiotest.Vowel(Rate/3, func(x float64) float64 { return audiotest.Rise(x, 0, 0.05) })
	clicks := make([]float64, 2*Rate)
	for i := 0; i < len(clicks); i += Rate / 4 {
		clicks[i] = 0.3
	}
	sharp := audiotest.Vowel(2*Rate, func(float64) float64 { return 1 })
	for i := Rate / 2; i < Rate/2+20; i++ {
		sharp[i] *= 4 * 0.14 / max(0.04, math.Abs(sharp[i]))
	}
	sources := map[string][]float64{"a word": word, "one hard consonant": sharp, "a quiet word": audiotest.Gained(word, 0.01), "clicks": clicks}
	for name, samples := range programmes() {
		sources[name] = samples
	}
	for name, samples := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			samples = audiotest.Gained(samples, 1)
			if err := LevelPhrase(samples); err != nil {
				t.Fatal(err)
			}
			loud, top := Loudness(samples), audiotest.DB(Peak(samples))
			if top > TruePeak-codecHeadroom+0.1 {
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
		if err := LevelPhrase(samples); err == nil {
			t.Errorf("%s is brought to a level", name)
		}
	}
}
