package audio

import (
	"io/fs"
	"testing"
)

// The index of an embedded voice says what its clips are: a beat measured another way would make every count uneven.
func TestEmbeddedVoicesAreAsTheirIndexSays(t *testing.T) {
	for _, name := range EmbeddedVoices() {
		files, err := Embedded(name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := OpenFolder(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Clips {
			data, err := fs.ReadFile(files, c.File)
			if err != nil {
				t.Fatal(err)
			}
			r, err := importSound(data)
			if err != nil {
				t.Fatal(err)
			}
			const step = Rate / 1000
			if b := beatOf(r); len(r.PCM) != c.Samples || b < c.Beat-step || b > c.Beat+step {
				t.Errorf("%s, %q: %d samples with the beat at %d; the index says %d and %d", name, c.Text, len(r.PCM), b, c.Samples, c.Beat)
			}
			samples := make([]float64, len(r.PCM))
			for i, x := range r.PCM {
				samples[i] = float64(x) / 32768
			}
			if got := loudness(samples); got < phraseLUFS-1.5 || got > phraseLUFS+1.5 {
				t.Errorf("%s, %q is at %.1f LUFS", name, c.Text, got)
			}
		}
	}
}
