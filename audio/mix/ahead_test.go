package mix

import (
	"context"
	"guided/audio"
	"guided/audio/audiotest"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// Somebody who skips again and again, from the first moment on, hears every sentence as it is, from a voice that reads
// each only when it is let to: what is asked for is there before the sound goes there, and stays while it may be heard.
func TestNoSkipIsFasterThanTheVoice(t *testing.T) {
	voice := &reader{gate: make(chan struct{})}
	score, want := reading(t, 300)
	ctx, cancel := context.WithCancel(t.Context())
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel()
	helpers.Go(func() { // a slow disk: others have their turn before each sentence
		for {
			runtime.Gosched()
			select {
			case voice.gate <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	})
	live, err := bankOf(t, audiotest.Logger(t), voice).Begin(ctx, score, helpers.Go)
	if err != nil {
		t.Fatal(err)
	}
	l, r, missing := &begun{live, t}, rand.New(rand.NewPCG(5, 1)), 0
	for range 200 {
		from, to := live.Position(), r.IntN(score.Len-2*audio.Reserve)
		for !live.Reach(to) {
			missing++
			if err := live.Load(ctx, to); err != nil {
				t.Fatal(err)
			}
		}
		l.hears(audio.Block, want) // as it leaves
		if err := live.Seek(to); err != nil {
			t.Fatal(err)
		}
		l.hears(r.IntN(audio.Reserve), want)
		if r.IntN(4) == 0 { // an output takes back what it has pulled, to before the skip
			if err := live.Seek(from); err != nil {
				t.Fatal(err)
			}
			l.hears(audio.Block, want)
			if err := live.Seek(to); err != nil {
				t.Fatal(err)
			}
			l.hears(audio.Block, want)
		}
	}
	if missing < 100 {
		t.Errorf("only %d skips had something to load", missing)
	}
}

// A long routine holds no more memory at its end than at its start.
func TestLongRoutineInLittleMemory(t *testing.T) {
	const sentences, most = 250, 12 << 20 // all of them are 60 MB
	score, want := reading(t, sentences)
	base := heap()
	l := begin(t, bankOf(t, audiotest.Logger(t), &reader{}), score)
	highest := 0
	for l.Position() < l.Len() {
		l.settle()
		l.hears(lookaheadStep, want)
		if l.Position()/lookaheadStep%20 == 0 {
			highest = max(highest, heap()-base)
		}
	}
	t.Logf("at most %.1f MB", float64(highest)/1e6)
	if highest == 0 || highest > most {
		t.Errorf("%d bytes are held, want %d at most", highest, most)
	}
	runtime.KeepAlive(l)
}

// heap is the bytes in use.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// BenchmarkBegin is from a score of a quarter of an hour to its first block.
func BenchmarkBegin(b *testing.B) {
	score, _ := reading(b, 300)
	bank := bankOf(b, audiotest.Logger(b), &reader{})
	block := make([][2]float64, audio.Block)
	for b.Loop() {
		bank.clips = newClipCache(clipCacheBytes)
		live, err := bank.Begin(b.Context(), score, func(func()) {})
		if err != nil {
			b.Fatal(err)
		}
		live.Stream(block)
	}
}
