package player_test

import (
	"context"
	"log/slog"
	"math"
	"testing"

	"guided/audio"
	"guided/audio/mix"
	"guided/audio/voice"
	"guided/routines"
)

// tape is a routine's whole sound, made offline, and its score.
type tape struct {
	*testing.T
	*routines.Score
	sound []float64
}

func record(t *testing.T, text string, changes ...routines.Change) *tape {
	t.Helper()
	r, err := routines.Parse("mixed.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	bank := mix.NewBank([]voice.Voice{hum{}}, nil, nil, slog.New(slog.DiscardHandler))
	score, err := routines.Compile(r, bank.Measure, routines.Options{Changes: changes})
	if err != nil {
		t.Fatal(err)
	}
	clips, err := bank.Load(context.Background(), score)
	if err != nil {
		t.Fatal(err)
	}
	samples := make([][2]float64, score.Len)
	if n, _ := mix.Render(score, clips).Stream(samples); n != score.Len {
		t.Fatalf("%d samples, want %d", n, score.Len)
	}
	x := &tape{T: t, Score: score}
	for _, f := range samples {
		x.sound = append(x.sound, f[0])
	}
	return x
}

// mark finds the n-th mark of a kind in a step, on a side.
func (x *tape) mark(kind routines.MarkKind, step string, n int, side string) routines.Mark {
	x.Helper()
	number := 0
	for _, m := range x.Marks {
		if m.Kind == routines.StepMark && m.Name == step {
			number = m.Step
		}
		if m.Kind == kind && m.Step == number && m.Side == side && (m.N == n || kind == routines.StepMark && m.Name == step) {
			return m
		}
	}
	x.Fatalf("there is no %s %d of %s %s", kind, n, step, side)
	return routines.Mark{}
}

// step is the start of a step.
func (x *tape) step(name, side string) int { return x.mark(routines.StepMark, name, 0, side).At }

const (
	fade    = audio.Rate / 100
	landing = audio.Rate * 3 / 10
)

// fadeOut is how the sound leaves at a sample.
func (x *tape) fadeOut(at int) []float64 {
	list := make([]float64, min(fade, x.Len-at))
	for i := range list {
		list[i] = x.sound[at+i] * (0.5 - 0.5*math.Cos(math.Pi*float64(fade-i)/fade))
	}
	return list
}
