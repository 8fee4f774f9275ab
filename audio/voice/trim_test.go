package voice

import (
	"guided/audio"
	"guided/audio/audiotest"
	"math"
	"testing"
)

func TestTrimKeepsSoftConsonants(t *testing.T) {
	quiet := func(ms int) []float64 { return make([]float64, audio.Rate*ms/1000) }
	with := func(samples []float64, db float64) []float64 {
		room := audiotest.WhiteNoise(len(samples), audio.Gain(db))
		for i := range room {
			room[i] += samples[i]
		}
		return room
	}
	w := audiotest.Word(-30)
	for name, c := range map[string]struct {
		samples     []float64
		first, last int // of what must be kept
	}{
		"nothing around":        {w, audio.Rate * 10 / 1000, len(w)},
		"silence around":        {audiotest.Join(quiet(700), w, quiet(500)), audio.Rate * 710 / 1000, audio.Rate*700/1000 + len(w)},
		"the hiss of a program": {with(audiotest.Join(quiet(300), w, quiet(300)), -80), audio.Rate * 310 / 1000, audio.Rate*300/1000 + len(w)},
		"a room at −58 dB":      {with(audiotest.Join(quiet(900), audiotest.Word(-20), quiet(400)), -58), audio.Rate * 910 / 1000, audio.Rate*880/1000 + len(w)},
	} {
		t.Run(name, func(t *testing.T) {
			got := trim(c.samples)
			start := offset(t, c.samples, got)
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

// offset is where a slice of an array begins in it.
func offset(t *testing.T, all, part []float64) int {
	t.Helper()
	for i := range all {
		if &all[i] == &part[0] {
			return i
		}
	}
	t.Fatal("not a part")
	return 0
}

func TestTrimOfOddities(t *testing.T) {
	for name, c := range map[string]struct {
		samples []float64
		most    int
	}{
		"nothing":     {nil, 0},
		"one sample":  {[]float64{0.5}, 1},
		"zeros":       {make([]float64, audio.Rate), 2*margin + trimBlock},
		"a tight one": {audiotest.Word(-30)[audio.Rate*80/1000:], audio.Rate * 300 / 1000},
	} {
		if got := trim(c.samples); len(got) > c.most {
			t.Errorf("%s: %d samples, want at most %d", name, len(got), c.most)
		}
	}
}

func TestEdgesAreRamped(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100, 5000} {
		samples := make([]float64, n)
		for i := range samples {
			samples[i] = 1
		}
		pcm := audio.Quantize(samples)
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
