package voice

import (
	"fmt"
	"math"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

const samplesPerMs = audio.Rate / 1000

// The beat is the middle of the rise of the vowel, whatever soft consonant precedes it.
func TestBeatOfVowelAfterSoftConsonant(t *testing.T) {
	for _, at := range []int{0, 10, 40, 90, 150, 250} {
		for _, length := range []int{20, 40, 60} { // ms of the rise
			t.Run(fmt.Sprintf("%d ms, rising for %d", at, length), func(t *testing.T) {
				from := float64(at) / 1000
				to := from + float64(length)/1000
				w := audiotest.Vowel(audio.Rate*6/10, func(x float64) float64 {
					return audiotest.SmoothRise(x, from, to) * (1 - audiotest.SmoothRise(x, 0.45, 0.6))
				})
				for i, x := range audiotest.WhiteNoise(at*samplesPerMs, 0.02) { // a soft consonant, mostly above the speech band
					w[i] += x
				}
				want := at*samplesPerMs + length*samplesPerMs/2
				if got := FindBeat(w); got < want-10*samplesPerMs || got > want+10*samplesPerMs {
					t.Errorf("at %d ms, want %d", got/samplesPerMs, want/samplesPerMs)
				}
			})
		}
	}
}

func TestBeatStaysInsideTheRecording(t *testing.T) {
	for name, samples := range map[string][]float64{
		"nothing": nil, "one sample": {1}, "a few": audiotest.WhiteNoise(100, 1), "silence": make([]float64, audio.Rate),
	} {
		if got := FindBeat(samples); got < 0 || got > len(samples) {
			t.Errorf("%s: at %d of %d", name, got, len(samples))
		}
	}
}

// The beat is at the same place of a word, however much silence precedes it and however loud it is.
func TestBeatIgnoresLeadingSilenceAndLevel(t *testing.T) {
	w := audiotest.Concat(audiotest.Scaled(audiotest.WhiteNoise(60*samplesPerMs, 0.03), 1), audiotest.Vowel(audio.Rate/2, func(x float64) float64 {
		return audiotest.SmoothRise(x, 0, 0.04) * (1 - audiotest.SmoothRise(x, 0.3, 0.5))
	}))
	first, place := 0, 0
	for i, lead := range []int{0, 1, 7 * samplesPerMs, 100*samplesPerMs + 13, 999 * samplesPerMs, 3 * audio.Rate} {
		for _, gain := range []float64{1, 0.5, 0.02} {
			samples := audiotest.Concat(make([]float64, lead), audiotest.Scaled(w, gain), make([]float64, lead/2))
			file := audiotest.WAVFile(audio.Rate, samples)
			r, err := importSpeech(file, Recipe{})
			if err != nil {
				t.Fatal(err)
			}
			kept := trim(samples)
			at := offsetIn(t, samples, kept) + r.Beat - lead // samples into the word
			if i == 0 && gain == 1 {
				first = at
			}
			if at < first-1*samplesPerMs || at > first+1*samplesPerMs {
				t.Errorf("after %d samples of silence at %g: %.2f ms into the word, want %.2f", lead, gain, float64(at)/samplesPerMs, float64(first)/samplesPerMs)
			}
			place = at
		}
	}
	t.Logf("%.1f ms into the word", float64(place)/samplesPerMs)
}

// referenceBeat measures the P-centre by other means than beat.go: a linear-phase band-pass; the power of its output,
// averaged over 30 ms twice; the middle of the 30 ms in which its root grows the most. share is the steepest growth within
// 10 ms of the sample beat, relative to the steepest of all.
func referenceBeat(samples []float64, beat int) (at int, share float64) {
	const lead, step, taps = audio.Rate / 4, audio.Rate / 1000, 1200
	padded := audiotest.Concat(make([]float64, lead), samples[:min(len(samples), audio.Rate/2)], make([]float64, lead))
	band := make([]float64, 2*taps+1)
	for i := range band {
		x := float64(i-taps) / audio.Rate
		band[i] = 0.5 + 0.5*math.Cos(math.Pi*x*audio.Rate/taps)
		band[i] *= 2 * (3000*sinc(2*3000*x) - 300*sinc(2*300*x)) / audio.Rate
	}
	size := make([]float64, len(padded)/step)
	for i := range size {
		for k := 0; k < step; k += 4 {
			x := audio.ConvolveAt(padded, i*step+k, band)
			size[i] += x * x
		}
	}
	for range 2 {
		averaged := make([]float64, len(size))
		for i := range size {
			for k := -15; k <= 15; k++ {
				averaged[i] += size[max(0, min(len(size)-1, i+k))]
			}
		}
		size = averaged
	}
	for i := range size {
		size[i] = math.Sqrt(size[i])
	}
	best, most, near := 0, 0.0, 0.0
	for i := 0; i < 300; i++ {
		growth := size[lead/step+i+15] - size[lead/step+i-15]
		if growth > most {
			best, most = i, growth
		}
		if i >= beat/step-10 && i <= beat/step+10 {
			near = max(near, growth)
		}
	}
	return best * step, near / most
}

func TestBeatOfNumberWordsAgreesWithReference(t *testing.T) {
	audiotest.RequireProgram(t, "espeak-ng")
	for _, text := range []string{"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "in", "hold", "out"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			out, _ := audiotest.RunProgram(t, []byte(text), "espeak-ng", ESpeakArgs("en")[1:]...)
			r, err := importSpeech(out, Recipe{})
			if err != nil {
				t.Fatal(err)
			}
			reference, share := referenceBeat(audiotest.Floats(r.PCM), r.Beat)
			t.Logf("%.1f ms, the reference %.1f", float64(r.Beat)/samplesPerMs, float64(reference)/samplesPerMs)
			off := r.Beat - reference
			if (off < -10*samplesPerMs || off > 10*samplesPerMs) && share < 0.9 { // "two" rises twice: at its t and at its vowel
				t.Errorf("at %.1f ms, the reference is %.1f; there it rises %.2f as fast", float64(r.Beat)/samplesPerMs, float64(reference)/samplesPerMs, share)
			}
		})
	}
}

// sinc returns sin(πx)/(πx).
func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

func BenchmarkBeat(b *testing.B) {
	w := audiotest.Word(-20)
	for b.Loop() {
		FindBeat(w)
	}
}
