package mix

import (
	"math"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/routines"
)

func TestToneLevelAndEdges(t *testing.T) {
	b := NewBank(nil, nil, nil, nil)
	for _, name := range routines.SoundNames() {
		t.Run(name, func(t *testing.T) {
			r, err := synthesizeTone(name)
			if err != nil {
				t.Fatal(err)
			}
			if e, has := b.Measure(routines.Clip{Sound: name}); !has || e.Len != len(r.PCM) || e.Beat != 0 {
				t.Errorf("measured as %+v, is %d samples", e, len(r.PCM))
			}
			if r.PCM[0] != 0 || r.PCM[len(r.PCM)-1] != 0 {
				t.Errorf("from %d to %d, want 0", r.PCM[0], r.PCM[len(r.PCM)-1])
			}
			x := audiotest.Floats(r.PCM)
			if top := audiotest.DB(audio.TruePeak(x)); top > -12 {
				t.Errorf("peaks at %.1f dB, want −12 at most", top)
			}
			for i := 1; i < len(x); i++ { // a click is a step larger than the highest partial's
				if step := math.Abs(x[i] - x[i-1]); step > 0.05 {
					t.Fatalf("a step of %.3f at %d", step, i)
				}
			}
			loud := loudestMomentary(x)
			if len(x) < audio.Rate*4/10 {
				loud = audio.Loudness(x)
			}
			if loud < -24 || loud > -20 {
				t.Errorf("%.1f LUFS, want −24 to −20", loud)
			}
		})
	}
	if _, err := synthesizeTone("gong"); err == nil {
		t.Error("an unknown tone is made")
	}
	if len(toneTable()) != len(routines.SoundNames()) {
		t.Errorf("%d tones for %d names", len(toneTable()), len(routines.SoundNames()))
	}
}

// loudestMomentary returns the loudness in LUFS of the loudest 400 ms, in steps of 10 ms.
func loudestMomentary(samples []float64) float64 {
	weighted, most := audio.KWeight(samples), 0.0
	const window = audio.Rate * 400 / 1000
	for i := 0; i == 0 || i+window <= len(weighted); i += audio.Rate / 100 {
		most = max(most, audio.MeanSquare(weighted[i:min(len(weighted), i+window)]))
	}
	return audio.LUFS(most)
}

func TestTonesOfBreathRiseAndFall(t *testing.T) {
	pitch := func(name string, from, to float64) float64 {
		r, err := synthesizeTone(name)
		if err != nil {
			t.Fatal(err)
		}
		x := audiotest.Floats(r.PCM)
		x = x[int(from*float64(len(x))):int(to*float64(len(x)))]
		best, most := 0.0, math.Inf(-1)
		for hz := 200.0; hz < 500; hz += 5 {
			if l := audiotest.LevelAt(x, hz); l > most {
				best, most = hz, l
			}
		}
		return best
	}
	if pitch("in", 0.7, 1) < 1.2*pitch("in", 0, 0.3) || pitch("out", 0.7, 1) > pitch("out", 0, 0.3)/1.2 {
		t.Error("in does not rise, or out does not fall")
	}
	if hold, end := pitch("hold", 0.2, 0.8), pitch("in", 0.8, 1); math.Abs(hold-end) > 25 {
		t.Errorf("hold is at %.0f Hz, in ended at %.0f", hold, end)
	}
}

// The phasors of a tone give the samples of a sine for each sample and partial.
func TestTonesAreTheSumsOfTheirPartials(t *testing.T) {
	for name, tone := range toneTable() {
		t.Run(name, func(t *testing.T) {
			want, total := make([]float64, tone.len()), 0.0
			for _, p := range tone.partials {
				total += p.level
				phase := 0.0
				for i := range want {
					x := float64(i) / float64(len(want))
					level := p.level
					if p.decay > 0 {
						level *= math.Exp(-float64(i) / (audio.Rate * p.decay))
					}
					want[i] += level * math.Sin(2*math.Pi*phase)
					phase += p.from * math.Pow(p.to/p.from, smoothStep(x)) / audio.Rate
				}
			}
			for i := range want {
				x := float64(i) / audio.Rate
				want[i] *= tone.level / total * smoothStep(math.Min(1, x/tone.attack)) * smoothStep(math.Min(1, (tone.seconds-x)/(tone.seconds/3)))
			}
			got := tone.render().PCM
			for i, y := range audio.QuantizeClip(want) {
				if d := int(got[i]) - int(y); d < -1 || d > 1 {
					t.Fatalf("sample %d is %d, want %d", i, got[i], y)
				}
			}
		})
	}
}
