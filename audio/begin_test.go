package audio

import (
	"context"
	"slices"
	"testing"

	"guided/routines"
)

// counted is a voice that notes what is asked of it, in its order.
type counted struct {
	Voice
	asked []string
}

func (c *counted) Speak(ctx context.Context, text string) (Recording, error) {
	c.asked = append(c.asked, text)
	return c.Voice.Speak(ctx, text)
}

func TestBegin(t *testing.T) {
	files, err := Embedded("heart")
	if err != nil {
		t.Fatal(err)
	}
	heart, err := OpenFolder(files)
	if err != nil {
		t.Fatal(err)
	}
	r, err := routines.Library{routines.Builtin()}.Load("4-4-6")
	if err != nil {
		t.Fatal(err)
	}
	voice := &counted{Voice: heart}
	bank := NewBank([]Voice{voice}, nil, testLog(t))
	score, err := routines.Compile(r, bank.Measure, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var rest func()
	sound, err := bank.Begin(t.Context(), score, func(f func()) { rest = f })
	if err != nil {
		t.Fatal(err)
	}
	if n := len(voice.asked); n == 0 || n > 3 {
		t.Errorf("%d clips were loaded before the first sample", n)
	}
	clips, err := NewBank([]Voice{heart}, nil, testLog(t)).Load(t.Context(), score)
	if err != nil {
		t.Fatal(err)
	}
	want := whole(Render(score, clips), 480)
	head := make([][2]float64, firstLoaded/2)
	sound.Stream(head)
	for i := range head {
		if head[i][0] != want[i] {
			t.Fatalf("sample %d differs before the rest is loaded", i)
		}
	}
	rest()
	if err := sound.Seek(0); err != nil {
		t.Fatal(err)
	}
	if got := whole(sound, 480); !slices.Equal(got, want) {
		t.Error("what was loaded in order sounds different from what was loaded at once")
	}
	var first []string
	for _, c := range score.Cues {
		if !slices.Contains(first, c.Clip.Say) {
			first = append(first, c.Clip.Say)
		}
	}
	if !slices.Equal(voice.asked, first) {
		t.Errorf("loaded %q, heard in the order %q", voice.asked, first)
	}
	t.Run("a session that has ended loads no more", func(t *testing.T) {
		voice.asked = nil
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := bank.Begin(ctx, score, func(f func()) { rest = f }); err != nil {
			t.Fatal(err)
		}
		n := len(voice.asked)
		cancel()
		if rest(); len(voice.asked) > n+1 {
			t.Errorf("%d clips were loaded after the end", len(voice.asked)-n)
		}
	})
}
