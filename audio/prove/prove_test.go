package prove

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/routines"
)

// countingScore returns a minute of an embedded voice: a word a second, in cycles of seven, between two phrases.
func countingScore(t testing.TB) (*routines.Score, mix.Clips) {
	t.Helper()
	files, err := voice.EmbeddedFS("heart")
	if err != nil {
		t.Fatal(err)
	}
	v, err := voice.OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	bank := mix.NewBank([]voice.Voice{v}, nil, nil, audiotest.Logger(t))
	score := &routines.Score{Name: "counting", Len: 61 * audio.Rate}
	words := []string{"In,", "two,", "three,", "four.", "Hold,", "two,", "three."}
	for i := range 57 {
		score.Cues = append(score.Cues, routines.Cue{At: (3 + i) * audio.Rate, Clip: speech(words[i%len(words)])})
	}
	score.Cues = slices.Insert(score.Cues, 0, routines.Cue{At: audio.Rate / 2, Clip: speech("We will breathe slowly together.")})
	score.Cues[len(score.Cues)-1].Clip = speech("Well done.")
	var clips []routines.Clip
	for _, c := range score.Cues {
		clips = append(clips, c.Clip)
	}
	if err := bank.Prepare(t.Context(), clips); err != nil {
		t.Fatal(err)
	}
	for i, c := range score.Cues {
		extent, known := bank.Measure(c.Clip)
		if !known {
			t.Fatalf("%q is not known", c.Clip.Say)
		}
		score.Cues[i].Len = extent.Len
	}
	loaded, err := bank.Load(t.Context(), score)
	if err != nil {
		t.Fatal(err)
	}
	return score, loaded
}

func speech(text string) routines.Clip { return routines.Clip{Say: text} }

// mono returns the left channel of all that a renderer plays.
func mono(r *mix.Renderer, block int) []float64 {
	var list []float64
	samples := make([][2]float64, block)
	for {
		n, ok := r.Stream(samples)
		if !ok {
			return list
		}
		for _, x := range samples[:n] {
			list = append(list, x[0])
		}
	}
}

// withCueMoved returns a copy of score with one cue moved by samples.
func withCueMoved(score *routines.Score, cue, by int) *routines.Score {
	other := *score
	other.Cues = slices.Clone(score.Cues)
	other.Cues[cue].At += by
	return &other
}

// proveSamples proves samples, recorded as dithered 16-bit stereo.
func proveSamples(t testing.TB, score *routines.Score, clips mix.Clips, samples []float64) (*Report, error) {
	t.Helper()
	b := bytes.NewBuffer(audio.WAVHeader(len(samples)))
	pair := make([][2]float64, len(samples))
	for i, x := range samples {
		pair[i] = [2]float64{x, x}
	}
	sound := make([]byte, audio.FrameBytes*len(pair))
	audio.Encode(sound, pair, 0)
	b.Write(sound)
	return Prove(score, mix.Render(score, clips), bytes.NewReader(b.Bytes()), int64(b.Len()), nil)
}

func silent(n int) []float64 { return make([]float64, n) }

func TestProof(t *testing.T) {
	score, clips := countingScore(t)
	clean := mono(mix.Render(score, clips), 4096)
	const ms = audio.Rate / 1000
	middle := score.Cues[30]
	for name, tt := range map[string]struct {
		recording []float64
		heard     int
		worst     float64 // ms
		drift     float64 // ppm
		gaps      []Gap
		begins    float64 // ms
	}{
		"the rendered sound is in time":            {clean, 58, 0, 0, nil, 0},
		"a recording that starts early is in time": {append(silent(1234*ms), clean...), 58, 0, 0, nil, 1234},
		"a recording that starts late is in time":  {clean[300*ms:], 58, 0, 0, nil, -300},
		"a soft recording is in time":              {scaled(clean, 0.01), 58, 0, 0, nil, 0},
		"a cue 7 ms late":                          {mono(mix.Render(withCueMoved(score, 30, 7*ms), clips), 4096), 58, 7, 0, nil, 0},
		"a cue 7 ms early":                         {mono(mix.Render(withCueMoved(score, 30, -7*ms), clips), 4096), 58, -7, 0, nil, 0},
		"a cue 1 ms late":                          {mono(mix.Render(withCueMoved(score, 31, ms), clips), 4096), 58, 1, 0, nil, 0},
		"the first cue 7 ms late":                  {mono(mix.Render(withCueMoved(score, 0, 7*ms), clips), 4096), 58, 7, 0, nil, 0},
		"the last cue 7 ms late":                   {mono(mix.Render(withCueMoved(score, 57, 7*ms), clips), 4096), 58, 7, 0, nil, 0},
		"a clock that runs 100 ppm slow":           {stretched(clean, 100), 58, 0, 100, nil, 0},
		"20 ms lost between two words":             {without(clean, middle.At-30*ms, 20*ms), 58, 0, 0, []Gap{{plannedSeconds(score, 29), 20, Lost}}, 0},
		"20 ms lost within a word":                 {without(clean, middle.At+150*ms, 20*ms), 58, 0, 0, []Gap{{plannedSeconds(score, 30), 20, Lost}}, 0},
		"half a second lost":                       {without(clean, score.Cues[45].At-500*ms, 500*ms), 58, 0, 0, []Gap{{plannedSeconds(score, 44), 500, Lost}}, 0},
		"30 ms of silence inserted in a word":      {inserted(clean, middle.At+100*ms, 30*ms), 58, 0, 0, []Gap{{float64(middle.At+100*ms) / audio.Rate, 30, Inserted}}, 0},
		"20 ms of a word replaced by silence":      {silenced(clean, middle.At+100*ms, 20*ms), 58, 0, 0, []Gap{{float64(middle.At+100*ms) / audio.Rate, 20, Silenced}}, 0},
		"a missing word":                           {silenced(clean, middle.At-10*ms, 900*ms), 57, 0, 0, nil, 0},
		"another word instead of one":              {mono(mix.Render(withCueText(score, 30, "three,"), clips), 4096), 57, 0, 0, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := proveSamples(t, score, clips, tt.recording)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("worst %.4f ms, spread %.4f ms, drift %.2f ppm, gain %.4f, gaps %v", p.Worst, p.Spread, p.Drift, p.Gain, p.Gaps)
			if len(p.Cues) != 58 || p.Heard != tt.heard {
				t.Errorf("%d of %d cues are heard, want %d", p.Heard, len(p.Cues), tt.heard)
			}
			if math.Abs(p.Worst-tt.worst) > 0.1 || math.Abs(p.Drift-tt.drift) > 1 || math.Abs(p.Begins*1000-tt.begins) > 1 {
				t.Errorf("worst %v ms, drift %v ppm, begins at %v s", p.Worst, p.Drift, p.Begins)
			}
			if len(p.Gaps) != len(tt.gaps) {
				t.Fatalf("the gaps are %v, want %v", p.Gaps, tt.gaps)
			}
			for i, g := range p.Gaps {
				if w := tt.gaps[i]; g.Kind != w.Kind || math.Abs(g.At-w.At) > 0.2 || math.Abs(g.Length-w.Length) > 5 {
					t.Errorf("the gap is %v, want %v", g, w)
				}
			}
		})
	}
}

func TestProveSilentRecording(t *testing.T) {
	score, clips := countingScore(t)
	for name, recording := range map[string][]float64{"nothing at all": nil, "a minute of silence": silent(score.Len)} {
		t.Run(name, func(t *testing.T) {
			if _, err := proveSamples(t, score, clips, recording); !errors.Is(err, errSilence) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	t.Run("noise is not taken for a cue", func(t *testing.T) {
		short := *score
		short.Cues, short.Len = score.Cues[:6], 9*audio.Rate
		p, err := proveSamples(t, &short, clips, audiotest.WhiteNoise(short.Len, 0.3))
		if err != nil || p.Heard != 0 {
			t.Errorf("%d cues are heard: %v", p.Heard, err)
		}
	})
}

// Any small shift of any cue is measured to a twentieth of a millisecond.
func TestProveFindsAnyShift(t *testing.T) {
	score, clips := countingScore(t)
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	other := *score
	other.Cues = slices.Clone(score.Cues)
	shifts := make([]int, len(score.Cues))
	for i := 1; i < len(shifts); i += 3 { // the others stay as the reference
		shifts[i] = random.IntN(20*audio.Rate/1000) - 10*audio.Rate/1000
		other.Cues[i].At += shifts[i]
	}
	p, err := proveSamples(t, score, clips, mono(mix.Render(&other, clips), 4096))
	if err != nil || p.Heard != len(shifts) {
		t.Fatalf("%v: %d cues are heard", err, p.Heard)
	}
	for i, h := range p.Cues {
		if want := float64(shifts[i]) * 1000 / audio.Rate; math.Abs(h.Error-want) > 0.05 {
			t.Errorf("cue %d, %q, is %v ms late, want %v", i, h.What, h.Error, want)
		}
	}
}

func TestProveRefusesUnreadableRecording(t *testing.T) {
	score, clips := countingScore(t)
	other := audio.WAVHeader(0)
	other[24], other[25], other[26] = 0x44, 0xAC, 0 // 44100 Hz, little-endian
	for says, file := range map[string][]byte{"not a WAV file": []byte("ID3 and so on, for a while"), "record it with 48000": other} {
		_, err := Prove(score, mix.Render(score, clips), bytes.NewReader(file), int64(len(file)), nil)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, want %q", err, says)
		}
	}
}

func plannedSeconds(score *routines.Score, cue int) float64 {
	return float64(score.Cues[cue].At) / audio.Rate
}

func withCueText(score *routines.Score, cue int, words string) *routines.Score {
	other := withCueMoved(score, cue, 0)
	other.Cues[cue].Clip = speech(words)
	return other
}

func scaled(list []float64, by float64) []float64 {
	other := slices.Clone(list)
	for i := range other {
		other[i] *= by
	}
	return other
}

func without(list []float64, at, n int) []float64 { return slices.Delete(slices.Clone(list), at, at+n) }

func inserted(list []float64, at, n int) []float64 {
	return slices.Insert(slices.Clone(list), at, silent(n)...)
}

func silenced(list []float64, at, n int) []float64 {
	other := slices.Clone(list)
	clear(other[at : at+n])
	return other
}

// stretched returns list slower by some millionths, by cubic interpolation.
func stretched(list []float64, ppm float64) []float64 {
	other := make([]float64, len(list))
	for i := range other {
		x := float64(i) / (1 + ppm/1e6)
		k := int(x)
		if k < 1 || k+2 >= len(list) {
			continue
		}
		f := x - float64(k)
		a, b, c, d := list[k-1], list[k], list[k+1], list[k+2]
		other[i] = b + f/2*(c-a+f*(2*a-5*b+4*c-d+f*(3*(b-c)+d-a)))
	}
	return other
}

func BenchmarkProveOneMinute(b *testing.B) {
	score, clips := countingScore(b)
	clean := mono(mix.Render(score, clips), 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := proveSamples(b, score, clips, clean); err != nil {
			b.Fatal(err)
		}
	}
}
