package voice

import (
	"io/fs"
	"math"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/routines"
)

// clipsOf calls f for clips of an embedded voice: every word and short phrase, and one in so many of the longer ones.
func clipsOf(t *testing.T, voice string, one int, f func(c Clip, r Recording)) {
	t.Helper()
	files, err := Embedded(voice)
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenFolder(files)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range v.Clips {
		if c.Samples >= audio.Rate && i%one != 0 {
			continue
		}
		data, err := fs.ReadFile(files, c.File)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ImportSound(data)
		if err != nil {
			t.Fatal(err)
		}
		f(c, r)
	}
}

// The index of an embedded voice says what its clips are: a beat measured another way would make every count uneven.
func TestEmbeddedVoicesAreAsTheirIndexSays(t *testing.T) {
	for _, voice := range EmbeddedVoices() {
		t.Run(voice, func(t *testing.T) {
			t.Parallel()
			clipsOf(t, voice, 10, func(c Clip, r Recording) {
				const step = audio.Rate / 1000
				if b := beatOf(r); len(r.PCM) != c.Samples || b < c.Beat-step || b > c.Beat+step {
					t.Errorf("%q: %d samples with the beat at %d; the index says %d and %d", c.Text, len(r.PCM), b, c.Samples, c.Beat)
				}
				samples := audiotest.Floats(r.PCM)
				tolerance := 1.0
				if len(samples) >= audio.Rate {
					tolerance = 0.5
				}
				if got := audio.Loudness(samples); math.Abs(got-audio.PhraseLUFS) > tolerance {
					t.Errorf("%q is at %.2f LUFS", c.Text, got)
				}
				if got := 20 * math.Log10(audio.Peak(samples)); got > audio.TruePeak+0.05 {
					t.Errorf("%q has its peak at %.2f dBTP", c.Text, got)
				}
			})
		})
	}
}

// The words of a count have one beat, whoever measures it, and are as loud as each other.
func TestCountWordsOfEmbeddedVoices(t *testing.T) {
	count := map[string]bool{"zero": true, "in": true, "again": true, "hold": true, "out": true, "wait": true}
	for _, number := range strings.Fields("one two three four five six seven eight nine ten eleven twelve") {
		count[number] = true
	}
	for _, voice := range EmbeddedVoices() {
		t.Run(voice, func(t *testing.T) {
			t.Parallel()
			low, high := math.Inf(1), math.Inf(-1)
			clipsOf(t, voice, math.MaxInt, func(c Clip, r Recording) {
				if !count[textKeys(c.Text)[1]] {
					return
				}
				samples := audiotest.Floats(r.PCM)
				second, share := steepest(samples, c.Beat)
				if off := float64(c.Beat-second) / audio.Rate * 1000; math.Abs(off) > 10 && share < 0.9 {
					t.Errorf("%q: the second opinion of its beat is %.1f ms off; at ours it rises %.2f as fast", c.Text, off, share)
				}
				got := audio.Loudness(samples)
				low, high = min(low, got), max(high, got)
				if end := routines.Duration(len(samples) - c.Beat); end.Milliseconds() > 900 {
					t.Errorf("%q goes on for %v after its beat", c.Text, end)
				}
			})
			if high-low > 2 {
				t.Errorf("the softest word is at %.1f LUFS, the loudest at %.1f", low, high)
			}
		})
	}
}
