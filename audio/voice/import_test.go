package voice

import (
	"math"
	"slices"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

// homeRecording returns a WAV file as recorded at home: one word between silences, 20 dB too quiet, at 44.1 kHz.
func homeRecording() []byte {
	word := audiotest.Scaled(audiotest.Word(-20), 0.1)
	return audiotest.WAVFile(44100, audiotest.To44100(audiotest.Concat(make([]float64, audio.Rate/2), word, make([]float64, audio.Rate/3))))
}

// FuzzImportSpeech imports any file as a home recording. The resampler and the true peak take time in proportion to the
// length of the sound, so files longer than 20 ms are skipped. What depends on more is in FuzzTrim and in the tests of
// longer recordings; FuzzDecode in package audio tests the decoders.
func FuzzImportSpeech(f *testing.F) {
	for _, rate := range []int{4000, 8000, 11025, 22050, audio.Rate} {
		f.Add(audiotest.WAVFile(rate, audiotest.WhiteNoise(rate/100, 0.1)))
	}
	f.Add(audiotest.WAVFile(8000, make([]float64, 40)))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 4<<10 {
			return
		}
		if samples, rate, err := audio.Decode(file); err == nil && len(samples)*50 > rate {
			return
		}
		r, err := importSpeech(file, Recipe{})
		if err == nil && (len(r.PCM) == 0 || r.Beat < 0 || r.Beat > len(r.PCM)) {
			t.Fatalf("a beat at %d of %d", r.Beat, len(r.PCM))
		}
	})
}

// FuzzTrim trims and divides sounds of any levels: each byte is the amplitude of one block of 10 ms, in 1/255.
func FuzzTrim(f *testing.F) {
	f.Add([]byte{0, 0, 255, 200, 0, 0}, 1, 1)
	f.Add([]byte("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\xff\xff"), 1, 1) // noise for 210 ms
	f.Add([]byte("\xff\xff\x00\x00\x00\x00\x00\x00\x00\xff\x00\x00\xff\x00\x00\x00\x00\x00\x00\x00\xff"), 3, 2)
	f.Fuzz(func(t *testing.T, amplitudes []byte, words, word int) {
		if len(amplitudes) > 100 {
			return
		}
		var samples []float64
		for _, a := range amplitudes {
			for range levelBlock {
				samples = append(samples, float64(a)/255)
			}
		}
		got := trim(samples)
		if len(samples) > 0 && slices.Max(got) != slices.Max(samples) {
			t.Errorf("the loudest block of % x is lost", amplitudes)
		}
		if one, err := extractWord(got, words, word); err == nil && len(one) == 0 && len(got) > 0 {
			t.Errorf("word %d of %d of % x is empty", word, words, amplitudes)
		}
	})
}

func TestTrimKeepsSoftConsonants(t *testing.T) {
	quiet := func(ms int) []float64 { return make([]float64, audio.Rate*ms/1000) }
	withNoise := func(samples []float64, db float64) []float64 {
		noisy := audiotest.WhiteNoise(len(samples), audio.GainFromDB(db))
		for i := range noisy {
			noisy[i] += samples[i]
		}
		return noisy
	}
	w := audiotest.Word(-30)
	for name, c := range map[string]struct {
		samples     []float64
		first, last int // the samples that must be kept
	}{
		"nothing around":        {w, audio.Rate * 10 / 1000, len(w)},
		"silence around":        {audiotest.Concat(quiet(700), w, quiet(500)), audio.Rate * 710 / 1000, audio.Rate*700/1000 + len(w)},
		"the hiss of a program": {withNoise(audiotest.Concat(quiet(300), w, quiet(300)), -80), audio.Rate * 310 / 1000, audio.Rate*300/1000 + len(w)},
		"room noise at −58 dB":  {withNoise(audiotest.Concat(quiet(900), audiotest.Word(-20), quiet(400)), -58), audio.Rate * 910 / 1000, audio.Rate*880/1000 + len(w)},
	} {
		t.Run(name, func(t *testing.T) {
			got := trim(c.samples)
			start := offsetIn(t, c.samples, got)
			if start > c.first || start+len(got) < c.last-audio.Rate*40/1000 {
				t.Errorf("keeps %d to %d, the word is %d to %d", start, start+len(got), c.first, c.last)
			}
			if lead := c.first - start; lead > audio.Rate*45/1000 {
				t.Errorf("begins %d ms before the word", lead*1000/audio.Rate)
			}
			if tail := start + len(got) - c.last; tail > audio.Rate*30/1000 {
				t.Errorf("ends %d ms after the word", tail*1000/audio.Rate)
			}
		})
	}
}

// offsetIn returns the index at which part, a slice of the same array, begins in all.
func offsetIn(t *testing.T, all, part []float64) int {
	t.Helper()
	for i := range all {
		if &all[i] == &part[0] {
			return i
		}
	}
	t.Fatal("is not a slice of it")
	return 0
}

func TestTrimOfShortAndSilentInput(t *testing.T) {
	for name, c := range map[string]struct {
		samples []float64
		most    int
	}{
		"nothing":           {nil, 0},
		"one sample":        {[]float64{0.5}, 1},
		"zeros":             {make([]float64, audio.Rate), 2*trimMargin + levelBlock},
		"no silence around": {audiotest.Word(-30)[audio.Rate*80/1000:], audio.Rate * 300 / 1000},
	} {
		if got := trim(c.samples); len(got) > c.most {
			t.Errorf("%s: %d samples, want at most %d", name, len(got), c.most)
		}
	}
}

func TestQuantizeRampsEdges(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100, 5000} {
		samples := make([]float64, n)
		for i := range samples {
			samples[i] = 1
		}
		pcm := audio.QuantizeClip(samples)
		for i := range pcm {
			fromEdge := min(i, n-1-i)
			if fromEdge >= audio.RampLen && pcm[i] != math.MaxInt16 {
				t.Fatalf("sample %d of %d is %d", i, n, pcm[i])
			}
			if n >= 2*audio.RampLen && fromEdge == 0 && pcm[i] > 10 {
				t.Fatalf("edge %d of %d is %d", i, n, pcm[i])
			}
			if i > 0 && n >= 2*audio.RampLen && math.Abs(float64(pcm[i])-float64(pcm[i-1])) > math.MaxInt16*math.Pi/2/audio.RampLen+1 {
				t.Fatalf("a step of %d at %d", pcm[i]-pcm[i-1], i)
			}
		}
	}
}

func TestExtractWord(t *testing.T) {
	hum := func(seconds, level float64) []float64 {
		s := make([]float64, int(seconds*audio.Rate))
		for i := range s {
			s[i] = level * float64(i%100-50) / 50
		}
		return s
	}
	var all []float64
	for _, part := range [][]float64{hum(0.3, 0.2), hum(0.15, 0), hum(0.4, 0.5), hum(0.03, 0), hum(0.1, 0.5), hum(0.2, 0), hum(0.25, 0.3)} {
		all = append(all, part...)
	}
	for take, want := range map[int]float64{1: 0.375, 2: 0.705, 3: 0.35} {
		got, err := extractWord(all, 3, take)
		if seconds := float64(len(got)) / audio.Rate; err != nil || seconds < want-0.02 || seconds > want+0.02 {
			t.Errorf("word %d lasts %.3f s, want %.3f: %v", take, seconds, want, err)
		}
	}
	if _, err := extractWord(all, 4, 1); err == nil {
		t.Error("a fourth word was found: the stop inside the second is no pause")
	}
	if _, err := extractWord(all, 3, 4); err == nil {
		t.Error("word 4 of 3 was taken")
	}
}

func BenchmarkImportSpeech(b *testing.B) {
	data := audiotest.WAVFile(22050, audiotest.To44100(audiotest.Concat(make([]float64, audio.Rate), audiotest.Word(-20), audiotest.Word(-20), make([]float64, audio.Rate/2))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := importSpeech(data, Recipe{}); err != nil {
			b.Fatal(err)
		}
	}
	audiotest.ReportRealTime(b, float64(len(data))/2/22050)
}
