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

// reference is the score of a routine and its whole sound, rendered offline: the left channel.
type reference struct {
	*testing.T
	*routines.Score
	sound []float64
}

func renderReference(t *testing.T, text string, changes ...routines.Change) *reference {
	t.Helper()
	return renderReferenceAs(t, text, routines.Options{Changes: changes})
}

func renderReferenceAs(t *testing.T, text string, o routines.Options) *reference {
	t.Helper()
	r, err := routines.Parse("mixed.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	bank := mix.NewBank([]voice.Voice{humVoice{}}, nil, nil, slog.New(slog.DiscardHandler))
	score, err := routines.Compile(t.Context(), r, bank.Measure, o)
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
	x := &reference{T: t, Score: score}
	for _, f := range samples {
		x.sound = append(x.sound, f[0])
	}
	return x
}

// mark is the n-th mark of a kind in a step, on a side.
func (x *reference) mark(kind routines.MarkKind, step string, n int, side string) routines.Mark {
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

// step is the sample where a step begins.
func (x *reference) step(name, side string) int { return x.mark(routines.StepMark, name, 0, side).At }

const (
	fadeLen        = audio.Rate / 100
	landingSilence = audio.Rate * 3 / 10
)

// fadeOut is the sound of a fade-out at a sample.
func (x *reference) fadeOut(at int) []float64 {
	list := make([]float64, min(fadeLen, x.Len-at))
	for i := range list {
		list[i] = x.sound[at+i] * (0.5 - 0.5*math.Cos(math.Pi*float64(fadeLen-i)/fadeLen))
	}
	return list
}

// maxBend is the largest second difference of a sound: small for a sine, large for a click.
func maxBend(sound []float64) float64 {
	most := 0.0
	for i := 2; i < len(sound); i++ {
		most = math.Max(most, math.Abs(sound[i]-2*sound[i-1]+sound[i-2]))
	}
	return most
}

// maxBendWithFades is the upper bound of maxBend for a sound with two fades and a change of volume over it.
func maxBendWithFades(sound []float64) float64 {
	loudest, steepest := 0.0, 0.0
	for i := 1; i < len(sound); i++ {
		loudest = math.Max(loudest, math.Abs(sound[i]))
		steepest = math.Max(steepest, math.Abs(sound[i]-sound[i-1]))
	}
	const slope, bend, glide = math.Pi / 2 / fadeLen, math.Pi * math.Pi / 2 / fadeLen / fadeLen, 1.0 / (audio.Rate / 50)
	return maxBend(sound) + 2*(2*slope+glide)*steepest + (2*bend+2*slope*slope+glide)*loudest
}

// soundRun is a run of sound between silences.
type soundRun struct {
	at    int
	sound []float64
}

// soundRuns splits a sound where it is silent for more than 10 ms.
func soundRuns(sound []float64) []soundRun {
	var list []soundRun
	last := -1 << 30
	for i, v := range sound {
		if v == 0 {
			continue
		}
		if i-last > fadeLen {
			list = append(list, soundRun{at: i})
		}
		n := &list[len(list)-1]
		n.sound = sound[n.at : i+1]
		last = i
	}
	return list
}

// cueSound is the sound of a cue, from its first sample that is not silent.
type cueSound struct {
	text  string
	sound []float64
	// gaps are the distances in samples to the cue before it, by that cue's text; empty: it may follow an interruption
	gaps map[string][]int
}

// cueSounds are the cues of the references by their texts. A cue inside a breath or rep must follow the one before it.
func cueSounds(references ...*reference) map[string]*cueSound {
	words := map[string]*cueSound{}
	for _, x := range references {
		before, at := "", 0
		for _, c := range x.Cues {
			begun := soundRuns(x.sound[c.At : c.At+c.Len])[0]
			w := words[c.Clip.Say]
			if w == nil {
				w = &cueSound{text: c.Clip.Say, sound: begun.sound, gaps: map[string][]int{}}
				words[w.text] = w
			}
			if x.ResumePoint(c.At) != c.At {
				w.gaps[before] = append(w.gaps[before], c.At+begun.at-at)
			}
			before, at = w.text, c.At+begun.at
		}
	}
	return words
}

// wantWholeCues checks that each cue of one Play is heard from its start, and whole or into a fade-out. cut is whether
// the device failed at the end.
func wantWholeCues(t *testing.T, words map[string]*cueSound, sound []float64, cut bool) {
	t.Helper()
	before, at := "", 0
	all := soundRuns(sound)
	for i, n := range all {
		if len(n.sound) <= 2*fadeLen {
			before = "" // too short to be matched
			continue
		}
		w := matchCue(words, n.sound)
		if w == nil {
			t.Errorf("the sound at %.3f s is no cue from its beginning", float64(n.at)/audio.Rate)
			continue
		}
		if len(n.sound) < len(w.sound) && !(cut && i == len(all)-1) && math.Abs(n.sound[len(n.sound)-1]) > 1e-4 {
			t.Errorf("%q is cut off at %.3f s", w.text, float64(n.at)/audio.Rate)
		}
		if len(w.gaps) > 0 {
			right := false
			for _, gap := range w.gaps[before] {
				right = right || n.at-at == gap
			}
			if !right {
				t.Errorf("%q at %.3f s comes %d samples after %q: a breath went on in its middle", w.text, float64(n.at)/audio.Rate, n.at-at, before)
			}
		}
		before, at = w.text, n.at
	}
}

func matchCue(words map[string]*cueSound, sound []float64) *cueSound {
	for _, w := range words {
		k := 0
		for k < min(len(sound), len(w.sound)) && math.Abs(sound[k]-w.sound[k]) < 1e-12 {
			k++
		}
		if k >= len(sound)-fadeLen && len(sound) <= len(w.sound) {
			return w
		}
	}
	return nil
}

// wantSameSound compares sounds sample by sample.
func wantSameSound(t *testing.T, got, want []float64) {
	t.Helper()
	wantSamePieces(t, [][]float64{got}, [][]float64{want}, false)
}

// wantSamePieces is wantSameSound for sounds in pieces; with some, got may end before want.
func wantSamePieces(t *testing.T, got, want [][]float64, some bool) {
	t.Helper()
	at := 0
	for {
		for len(got) > 0 && len(got[0]) == 0 {
			got = got[1:]
		}
		for len(want) > 0 && len(want[0]) == 0 {
			want = want[1:]
		}
		switch {
		case len(got) == 0 && (some || len(want) == 0):
			return
		case len(got) == 0:
			t.Fatalf("%d samples were heard, %d more are wanted", at, len(want[0]))
		case len(want) == 0:
			t.Fatalf("%d samples are wanted, %d more were heard", at, len(got[0]))
		}
		n := min(len(got[0]), len(want[0]))
		for i := range n {
			if math.Abs(got[0][i]-want[0][i]) > 1e-12 {
				t.Fatalf("sample %d (%.3f s) is %g, want %g", at+i, float64(at+i)/audio.Rate, got[0][i], want[0][i])
			}
		}
		got[0], want[0] = got[0][n:], want[0][n:]
		at += n
	}
}

// messageSound is the sound of a message.
func messageSound(t *testing.T, text string) []float64 {
	t.Helper()
	r, err := humVoice{}.Speak(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]float64, len(r.PCM))
	for i, s := range r.PCM {
		list[i] = float64(s) / 32768
	}
	return list
}

// findSound is the index where a sound is heard whole, each sample within a tolerance; −1 if it is not.
func findSound(heard, sound []float64, beside float64) int {
next:
	for at := 0; at+len(sound) <= len(heard); at++ {
		for i, x := range sound {
			if math.Abs(heard[at+i]-x) > beside {
				continue next
			}
		}
		return at
	}
	return -1
}

// peak is the largest absolute sample of a sound.
func peak(sound []float64) float64 {
	top := 0.0
	for _, x := range sound {
		top = max(top, math.Abs(x))
	}
	return top
}
