package mix

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

// sentenceVoice is a voice of long sentences with distinct samples, which records what it was asked to speak. Where it
// has a gate, it speaks one sentence for each token.
type sentenceVoice struct {
	gate chan struct{}

	mu     sync.Mutex
	spoken []string
}

// sentenceLen is the samples of every sentence.
const sentenceLen = 5 * audio.Rate / 2

func (*sentenceVoice) Measure(string) (routines.Extent, bool) {
	return routines.Extent{Len: sentenceLen}, true
}

func (v *sentenceVoice) Speak(ctx context.Context, text string) (voice.Recording, error) {
	if v.gate != nil {
		select {
		case <-v.gate:
		case <-ctx.Done():
			return voice.Recording{}, ctx.Err()
		}
	}
	v.mu.Lock()
	v.spoken = append(v.spoken, text)
	v.mu.Unlock()
	var number int
	if _, err := fmt.Sscanf(text, "sentence %d", &number); err != nil {
		return voice.Recording{}, err
	}
	pcm := make([]int16, sentenceLen)
	for i := range pcm {
		pcm[i] = int16(1 + (i*7+number*131)%20_000) // never silent
	}
	return voice.Recording{PCM: pcm}, nil
}

// takeSpoken returns the sentences spoken since the last call.
func (v *sentenceVoice) takeSpoken() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := v.spoken
	v.spoken = nil
	return list
}

// sentenceScore returns a score of n sentences, one every three seconds, and its samples by their index.
func sentenceScore(t testing.TB, n int) (*routines.Score, func(at int) float64) {
	t.Helper()
	var cues []routines.Cue
	for i := range n {
		cues = append(cues, routines.Cue{At: 3 * audio.Rate * i, Len: sentenceLen, Clip: speech(fmt.Sprintf("sentence %d", i))})
	}
	return scoreOf(cues...), func(at int) float64 {
		number, i := at/(3*audio.Rate), at%(3*audio.Rate)
		if i >= sentenceLen {
			return 0
		}
		return float64(1+(i*7+number*131)%20_000) / 32768
	}
}

// testLive is a LiveRenderer whose loader runs only when the test calls it.
type testLive struct {
	*LiveRenderer
	t testing.TB
}

func beginLive(t testing.TB, b *Bank, score *routines.Score) *testLive {
	t.Helper()
	live, err := b.RenderLive(t.Context(), score, func(func()) {})
	if err != nil {
		t.Fatal(err)
	}
	live.wake()
	return &testLive{live, t}
}

// runLoader does what the loader does when it is woken.
func (l *testLive) runLoader() {
	select {
	case <-l.wakeup:
		l.loadNeeded(l.t.Context())
	default:
	}
}

// checkStream pulls frames and fails the test where they are not the score's.
func (l *testLive) checkStream(frames int, want func(at int) float64) {
	l.t.Helper()
	block := make([][2]float64, audio.Block)
	for end := min(l.Len(), l.Position()+frames); l.Position() < end; {
		at := l.Position()
		n, _ := l.Stream(block)
		for i, x := range block[:n] {
			if x[0] != want(at+i) {
				l.t.Fatalf("at %.3f s: %v is heard, want %v", float64(at+i)/audio.Rate, x[0], want(at+i))
			}
		}
	}
}

func TestLiveSoundsLikeRender(t *testing.T) {
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
	bank := NewBank([]voice.Voice{heart}, nil, nil, audiotest.Logger(t))
	score, err := routines.Compile(t.Context(), r, bank.Measure, routines.Options{For: 60e9})
	if err != nil {
		t.Fatal(err)
	}
	clips, err := bank.Load(t.Context(), score)
	if err != nil {
		t.Fatal(err)
	}
	want := streamAll(Render(score, clips), 480)
	live := beginLive(t, bank, score)
	live.checkStream(firstMoment/audio.Block*audio.Block, func(at int) float64 { return want[at] })
	for live.Position() < live.Len() {
		live.runLoader()
		live.checkStream(audio.Rate, func(at int) float64 { return want[at] })
	}
}

func TestLiveLoadsAheadOfNeed(t *testing.T) {
	t.Run("only the first sentence is loaded before the first sample", func(t *testing.T) {
		voice := &sentenceVoice{}
		score, want := sentenceScore(t, 300)
		var later func()
		live, err := newTestBank(t, audiotest.Logger(t), voice).RenderLive(t.Context(), score, func(f func()) { later = f })
		if err != nil {
			t.Fatal(err)
		}
		if got := voice.takeSpoken(); !slices.Equal(got, []string{"sentence 0"}) || later == nil {
			t.Errorf("loaded %q", got)
		}
		(&testLive{live, t}).checkStream(seekWindow, want)
	})
	t.Run("the next sentences are loaded in order, and no more while nothing is pulled", func(t *testing.T) {
		voice := &sentenceVoice{}
		score, want := sentenceScore(t, 300)
		live := beginLive(t, newTestBank(t, audiotest.Logger(t), voice), score)
		live.runLoader()
		got := voice.takeSpoken()
		if len(got) < 5 || len(got) > 8 || got[1] != "sentence 1" || !slices.IsSorted(got) {
			t.Errorf("loaded %q", got)
		}
		live.checkStream(audio.Rate, want)
		live.runLoader()
		if got := voice.takeSpoken(); len(got) > 0 {
			t.Errorf("loaded %q within a second", got)
		}
		live.checkStream(2*lookaheadStep, want)
		live.runLoader()
		if got := voice.takeSpoken(); len(got) < 2 || len(got) > 5 {
			t.Errorf("loaded %q after %d s", got, 2*lookaheadStep/audio.Rate)
		}
	})
	t.Run("a clip that comes back is loaded once", func(t *testing.T) {
		voice := &sentenceVoice{}
		var cues []routines.Cue
		for i := range 100 { // one a minute: it leaves and enters the lookahead again and again
			cues = append(cues, routines.Cue{At: 60 * audio.Rate * i, Len: sentenceLen, Clip: speech("sentence 0")})
			cues = append(cues, routines.Cue{At: 60*audio.Rate*i + 30*audio.Rate, Len: sentenceLen, Clip: speech(fmt.Sprint("sentence ", 1+i%3))})
		}
		live := beginLive(t, newTestBank(t, audiotest.Logger(t), voice), scoreOf(cues...))
		for at := 0; at < live.Len(); at += 10 * audio.Rate {
			if err := live.Seek(at); err != nil {
				t.Fatal(err)
			}
			live.runLoader()
		}
		if got := voice.takeSpoken(); len(got) != 4 {
			t.Errorf("loaded %q", got)
		}
	})
	t.Run("a missing clip is logged once and not tried again", func(t *testing.T) {
		score := scoreOf(routines.Cue{At: 0, Len: 500, Clip: sound("gone.wav")}, routines.Cue{At: 60 * audio.Rate, Len: 500, Clip: speech("sentence 1")})
		var logs bytes.Buffer
		live := beginLive(t, newTestBank(t, slog.New(slog.NewTextHandler(&logs, nil)), &sentenceVoice{}), score)
		for _, at := range []int{60 * audio.Rate, 0, 60 * audio.Rate, 0} {
			if err := live.Seek(at); err != nil {
				t.Fatal(err)
			}
			live.runLoader()
		}
		if n := strings.Count(logs.String(), "level=ERROR"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
	t.Run("clips far behind or ahead are dropped", func(t *testing.T) {
		score, _ := sentenceScore(t, 300)
		live := beginLive(t, newTestBank(t, audiotest.Logger(t), &sentenceVoice{}), score)
		for at := 0; at < live.Len(); at += 20 * audio.Rate {
			if err := live.Seek(at); err != nil {
				t.Fatal(err)
			}
			live.runLoader()
		}
		if n := len(live.resident); n == 0 || n > (lookahead+seekWindow)/(3*audio.Rate)+8*2+2 {
			t.Errorf("%d sentences are in memory", n)
		}
	})
	t.Run("a session that has ended loads nothing more", func(t *testing.T) {
		voice := &sentenceVoice{}
		score, _ := sentenceScore(t, 300)
		ctx, cancel := context.WithCancel(t.Context())
		var later func()
		live, err := newTestBank(t, audiotest.Logger(t), voice).RenderLive(ctx, score, func(f func()) { later = f })
		if err != nil {
			t.Fatal(err)
		}
		voice.takeSpoken()
		cancel()
		later()
		if err := live.Preload(ctx, 60*audio.Rate); err == nil {
			t.Error("it loads what was asked for after its end")
		}
	})
}

// Random seeks from the start on never stream a clip that is not loaded, with a voice as slow as a slow disk: what Preload
// was asked for is loaded before the seek, and stays while an output may still rewind to it.
func TestLiveSeeksWithSlowVoice(t *testing.T) {
	voice := &sentenceVoice{gate: make(chan struct{})}
	score, want := sentenceScore(t, 300)
	ctx, cancel := context.WithCancel(t.Context())
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel()
	helpers.Go(func() { // a slow disk: other goroutines run before each sentence
		for {
			runtime.Gosched()
			select {
			case voice.gate <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	})
	live, err := newTestBank(t, audiotest.Logger(t), voice).RenderLive(ctx, score, helpers.Go)
	if err != nil {
		t.Fatal(err)
	}
	l, r, missing := &testLive{live, t}, rand.New(rand.NewPCG(5, 1)), 0
	for range 200 {
		from, to := live.Position(), r.IntN(score.Len-2*audio.RewindDepth)
		for !live.Ready(to) {
			missing++
			if err := live.Preload(ctx, to); err != nil {
				t.Fatal(err)
			}
		}
		l.checkStream(audio.Block, want) // the fade out before a seek
		if err := live.Seek(to); err != nil {
			t.Fatal(err)
		}
		l.checkStream(r.IntN(audio.RewindDepth), want)
		if r.IntN(4) == 0 { // an output rewinds to before the seek
			if err := live.Seek(from); err != nil {
				t.Fatal(err)
			}
			l.checkStream(audio.Block, want)
			if err := live.Seek(to); err != nil {
				t.Fatal(err)
			}
			l.checkStream(audio.Block, want)
		}
	}
	if missing < 100 {
		t.Errorf("only %d skips had something to load", missing)
	}
}

// The memory of a long routine does not grow with its position.
func TestLiveMemoryIsBounded(t *testing.T) {
	const sentences, most = 250, 12 << 20 // all of them are 60 MB
	score, want := sentenceScore(t, sentences)
	base := heapInUse()
	l := beginLive(t, newTestBank(t, audiotest.Logger(t), &sentenceVoice{}), score)
	highest := 0
	for l.Position() < l.Len() {
		l.runLoader()
		l.checkStream(lookaheadStep, want)
		if l.Position()/lookaheadStep%20 == 0 {
			highest = max(highest, heapInUse()-base)
		}
	}
	t.Logf("at most %.1f MB", float64(highest)/1e6)
	if highest == 0 || highest > most {
		t.Errorf("%d bytes are held, want %d at most", highest, most)
	}
	runtime.KeepAlive(l)
}

// heapInUse returns the bytes of live objects.
func heapInUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// BenchmarkBegin takes a score of a quarter of an hour to its first block.
func BenchmarkBegin(b *testing.B) {
	score, _ := sentenceScore(b, 300)
	bank := newTestBank(b, audiotest.Logger(b), &sentenceVoice{})
	block := make([][2]float64, audio.Block)
	for b.Loop() {
		bank.clips = newClipCache(clipCacheBytes)
		live, err := bank.RenderLive(b.Context(), score, func(func()) {})
		if err != nil {
			b.Fatal(err)
		}
		live.Stream(block)
	}
}
