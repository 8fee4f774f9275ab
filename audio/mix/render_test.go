package mix

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

// crowdedScore returns a score of many overlapping cues of all lengths, one past the end, and its clips.
func crowdedScore() (*routines.Score, Clips) {
	s, clips := &routines.Score{Name: "crowd", Len: 60_000}, Clips{}
	for i := range 40 {
		c := speech(fmt.Sprint(i % 13))
		n := 1 + (i%13)*(i%13)*97
		if _, has := clips[c]; !has {
			clips[c] = voice.Recording{PCM: audio.QuantizeClip(audiotest.WhiteNoise(n, 0.6))}
		}
		s.Cues = append(s.Cues, routines.Cue{At: i * 1481, Len: n, Clip: c})
	}
	clips[sound("long")] = voice.Recording{PCM: audio.QuantizeClip(audiotest.Sine(30_000, audio.Rate, 100, 0.3))}
	s.Cues = append(s.Cues, routines.Cue{At: 3, Len: 30_000, Clip: sound("long")})
	slices.SortStableFunc(s.Cues, func(a, b routines.Cue) int { return a.At - b.At })
	return s, clips
}

// streamAll returns the left channel from the position to the end, nil where the channels differ.
func streamAll(r *Renderer, block int) []float64 {
	var list []float64
	samples := make([][2]float64, block)
	for {
		for i := range samples {
			samples[i] = [2]float64{9, 9} // the old content must not matter
		}
		n, ok := r.Stream(samples)
		if !ok {
			return list
		}
		for _, x := range samples[:n] {
			if x[0] != x[1] {
				return nil
			}
			list = append(list, x[0])
		}
	}
}

func TestRenderIsIndependentOfBlockAndSeek(t *testing.T) {
	score, clips := crowdedScore()
	want := streamAll(Render(score, clips), score.Len)
	if len(want) != score.Len {
		t.Fatalf("%d samples, want %d", len(want), score.Len)
	}
	for _, block := range []int{1, 7, 480, 512, 1000, 4096} {
		if got := streamAll(Render(score, clips), block); !slices.Equal(got, want) {
			t.Errorf("blocks of %d give other samples", block)
		}
	}
	r := Render(score, clips)
	for _, to := range []int{score.Len - 1, 0, 3, 2, 30_002, 30_003, 1481, 1480, 47_391, score.Len} {
		if err := r.Seek(to); err != nil || r.Position() != to {
			t.Fatalf("at %d after a seek to %d: %v", r.Position(), to, err)
		}
		if got := streamAll(r, 480); !slices.Equal(got, want[to:]) {
			t.Errorf("other samples after a seek to %d", to)
		}
	}
	for _, to := range []int{-1, score.Len + 1} {
		if r.Seek(to) == nil || r.Position() != score.Len {
			t.Errorf("a seek to %d is taken", to)
		}
	}
	if n, ok := r.Stream(make([][2]float64, 10)); n != 0 || ok || r.Err() != nil {
		t.Errorf("%d samples after the end", n)
	}
}

// Only the last block may be short: beep takes a short one for the end.
func TestRenderFillsWholeBlocks(t *testing.T) {
	score, clips := crowdedScore()
	r := Render(score, clips)
	samples := make([][2]float64, 480)
	for r.Position()+480 <= r.Len() {
		if n, ok := r.Stream(samples); n != 480 || !ok {
			t.Fatalf("%d samples at %d", n, r.Position())
		}
	}
}

func TestRenderSumsCues(t *testing.T) {
	score, clips := crowdedScore()
	want := make([]float64, score.Len)
	for _, c := range score.Cues {
		for i, s := range clips[c.Clip].PCM {
			if c.At+i < score.Len {
				want[c.At+i] += float64(s) / 32768
			}
		}
	}
	over := 0
	for i, got := range streamAll(Render(score, clips), 480) {
		if math.Abs(want[i]) > 0.8 {
			over++
			if math.Abs(got) > audio.GainFromDB(audio.MaxTruePeak) || math.Abs(got) > math.Abs(want[i]) {
				t.Fatalf("sample %d is %v of %v", i, got, want[i])
			}
		} else if math.Abs(got-want[i]) > 1e-12 {
			t.Fatalf("sample %d is %v, the sum %v", i, got, want[i])
		}
	}
	if over == 0 {
		t.Error("nothing was loud enough to be limited")
	}
}

func TestRenderEmptyScore(t *testing.T) {
	if got := streamAll(Render(&routines.Score{Len: 1000}, nil), 480); len(got) != 1000 || slices.Max(got) != 0 || slices.Min(got) != 0 {
		t.Error("a score without cues is not silence")
	}
	if got := streamAll(Render(&routines.Score{}, nil), 480); len(got) != 0 {
		t.Errorf("%d samples of an empty score", len(got))
	}
	score := scoreOf(routines.Cue{At: 10, Len: 100, Clip: speech("missing")})
	if got := streamAll(Render(score, Clips{}), 480); len(got) != 110 || slices.Max(got) != 0 {
		t.Error("a cue without a clip is not silence")
	}
}

func TestSoftLimitIsMonotonicAndOdd(t *testing.T) {
	last := -2.0
	for x := -8.0; x <= 8; x += 0.0005 {
		y := softLimit(x)
		switch {
		case math.Abs(x) <= 0.8 && y != x:
			t.Fatalf("%v becomes %v below the knee", x, y)
		case math.Abs(y) >= audio.GainFromDB(audio.MaxTruePeak):
			t.Fatalf("%v becomes %v", x, y)
		case y <= last:
			t.Fatalf("does not grow at %v", x)
		case y != -softLimit(-x):
			t.Fatalf("is not even-handed at %v", x)
		case last > -2 && y-last > 0.0005+1e-9:
			t.Fatalf("a step at %v", x)
		}
		last = y
	}
}

// A recording that starts or ends at a high level does not click where it is placed.
func TestRenderHasNoClicks(t *testing.T) {
	var full []float64
	for range 5000 {
		full = append(full, 0.7)
	}
	r, err := voice.Decode(audiotest.WAVFile(audio.Rate, full))
	if err != nil {
		t.Fatal(err)
	}
	score := scoreOf(routines.Cue{At: 100, Len: 3000, Clip: speech("cut")}, routines.Cue{At: 9000, Len: 5000, Clip: speech("whole")})
	score.Len += 100
	clips := Clips{speech("cut"): {PCM: audio.FitLength(r.PCM, 3000)}, speech("whole"): r}
	last := 0.0
	for i, x := range streamAll(Render(score, clips), 512) {
		if math.Abs(x-last) > 0.7*math.Pi/2/audio.RampLen+0.0001 {
			t.Fatalf("a step from %v to %v at %d", last, x, i)
		}
		last = x
	}
}
