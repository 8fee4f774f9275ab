package audio

import (
	"math"
	"slices"
	"testing"

	"guided/audio/audiotest"
)

// programmes are signals that exercise the gates, the weighting and the peak interpolation of a loudness meter.
func programmes() map[string][]float64 {
	always := func(float64) float64 { return 1 }
	list := map[string][]float64{
		"a tone of 997 Hz":          audiotest.Sine(2*Rate, Rate, 997, 0.1),
		"a tone of 60 Hz":           audiotest.Sine(2*Rate, Rate, 60, 0.5),
		"a tone of 8 kHz":           audiotest.Sine(2*Rate, Rate, 8000, 0.2),
		"noise of speech":           Resample(audiotest.WhiteNoise(2*24000, 0.3), 24000),
		"a vowel":                   audiotest.Vowel(2*Rate, always),
		"speech with long pauses":   audiotest.Concat(audiotest.Vowel(Rate, always), make([]float64, 3*Rate), audiotest.Vowel(Rate/2, always)),
		"loud, then 15 dB below":    Resample(audiotest.Concat(audiotest.WhiteNoise(2*24000, 0.5), audiotest.WhiteNoise(2*24000, 0.09)), 24000),
		"a little over a second":    audiotest.Vowel(Rate*11/10, func(x float64) float64 { return 1.1 - x }),
		"a peak between samples":    audiotest.Sine(2*Rate, Rate, Rate/4+1, 0.9),
		"a quiet one near the gate": audiotest.Sine(2*Rate, Rate, 997, 0.001),
	}
	for _, samples := range list {
		fadeEnds(samples)
	}
	return list
}

// ebur128 returns what ffmpeg measures of one channel played on two.
func ebur128(t *testing.T, samples []float64) (integrated, truePeak float64) {
	t.Helper()
	return audiotest.EBUR128(t, audiotest.WAVFile(Rate, samples), "dualmono=true:")
}

func TestLoudnessAgreesWithFFmpeg(t *testing.T) {
	audiotest.RequireProgram(t, "ffmpeg")
	for name, samples := range programmes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loud, top := ebur128(t, samples)
			if got := Loudness(samples); math.Abs(got-loud) > 0.1 {
				t.Errorf("measures %.2f LUFS, ffmpeg %.1f", got, loud)
			}
			if got := audiotest.DB(TruePeak(samples)); math.Abs(got-top) > 0.2 {
				t.Errorf("peaks at %.2f dB, ffmpeg %.1f", got, top)
			}
		})
	}
}

// The reference of BS.1770: a tone of 997 Hz at full scale is −3.01 LUFS on one channel and 0 LUFS on two.
func TestLoudnessOfReferenceTone(t *testing.T) {
	if got := Loudness(audiotest.Sine(3*Rate, Rate, 997, 1)); math.Abs(got) > 0.05 {
		t.Errorf("%.3f LUFS", got)
	}
}

func BenchmarkLoudnessMeter(b *testing.B) {
	samples := audiotest.WhiteNoise(10*Rate, 0.3)
	b.ReportAllocs()
	for b.Loop() {
		m := NewLoudnessMeter()
		for part := range slices.Chunk(samples, 2048) {
			m.Add(part)
		}
		m.Loudness()
	}
	audiotest.ReportRealTime(b, 10)
}
