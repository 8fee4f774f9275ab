package mix

import (
	"context"
	"sync"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

// heartScore is a minute of 4-4-6 in the embedded voice, and its samples. A new bank has decoded nothing yet.
func heartScore(t *testing.T) (newBank func() *Bank, score *routines.Score, samples [][2]float64) {
	t.Helper()
	files, err := voice.EmbeddedFS("heart")
	if err != nil {
		t.Fatal(err)
	}
	heart, err := voice.OpenRecordedVoice(files)
	if err != nil {
		t.Fatal(err)
	}
	r, err := routines.Library{routines.Builtin()}.Load(t.Context(), "4-4-6")
	if err != nil {
		t.Fatal(err)
	}
	newBank = func() *Bank { return NewBank([]voice.Voice{heart}, nil, nil, audiotest.Logger(t)) }
	bank := newBank()
	score, err = routines.Compile(t.Context(), r, bank.Measure, routines.Options{For: 60e9})
	if err != nil {
		t.Fatal(err)
	}
	clips, err := bank.Load(t.Context(), score)
	if err != nil {
		t.Fatal(err)
	}
	samples = make([][2]float64, score.Len)
	audio.ReadFull(Render(score, clips), samples)
	return newBank, score, samples
}

// A listener who starts at once, or comes back anywhere, hears every sample of the words that are still being decoded.
func TestLiveIsHeardWhileItIsDecoded(t *testing.T) {
	newBank, score, want := heartScore(t)
	for _, at := range []int{0, audio.Rate / 2, 5 * audio.Rate} {
		ctx, cancel := context.WithCancel(t.Context())
		var loader sync.WaitGroup
		live, err := newBank().RenderLive(ctx, score, loader.Go)
		if err != nil {
			t.Fatal(err)
		}
		if err := live.Seek(at); err != nil {
			t.Fatal(err)
		}
		if err := live.Begin(ctx, at); err != nil {
			t.Fatal(err)
		}
		block := make([][2]float64, audio.Block)
		for live.Position() < at+audio.RewindDepth {
			from := live.Position()
			live.Await(len(block))
			n, _ := live.Stream(block)
			for i, x := range block[:n] {
				if x != want[from+i] {
					t.Fatalf("from %d on: sample %d is %v, want %v", at, from+i, x[0], want[from+i][0])
				}
			}
		}
		cancel()
		loader.Wait()
	}
}

// The first frame waits for its own samples, and not for whole sentences.
func TestLiveStartDecodesOnlyTheFirstMoment(t *testing.T) {
	newBank, score, _ := heartScore(t)
	live := beginLive(t, newBank(), score)
	first := blockRef{live.sounds.clips[0], 0}
	if pcm := first.pcm(); pcm == nil || len(*pcm) < firstMoment {
		t.Fatal("the first moment is not there")
	}
	if first.whole() {
		t.Error("the whole first sentence is decoded")
	}
	live.runLoader()
	if !live.Ready(0) {
		t.Error("the loader has not gone on with it")
	}
}

// Who waits for a loader that is away is not held for ever, and one wait is all.
func TestLiveAwaitEndsWithTheSession(t *testing.T) {
	newBank, score, _ := heartScore(t)
	ctx, cancel := context.WithCancel(t.Context())
	live, err := newBank().RenderLive(ctx, score, func(func()) {})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	live.Await(audio.Rate)
}
