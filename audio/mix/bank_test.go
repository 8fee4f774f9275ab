package mix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"guided/audio"
	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

// fakeEngine is a voice that synthesises every text but those that begin with "no", and caches them.
type fakeEngine struct {
	fail  error
	calls atomic.Int32
	cache *voice.Cache
}

func (e *fakeEngine) Measure(text string) (routines.Extent, bool) {
	return e.cache.Measure(fmt.Sprintf("%x", text))
}

func (e *fakeEngine) Speak(ctx context.Context, text string) (voice.Recording, error) {
	e.calls.Add(1)
	if err := ctx.Err(); err != nil {
		return voice.Recording{}, err
	}
	if strings.HasPrefix(text, "no") {
		return voice.Recording{}, fmt.Errorf("engine could not speak %q: %w", text, e.fail)
	}
	r := sawtooth(100 * len(text))
	e.cache.Put(fmt.Sprintf("%x", text), r)
	return r, nil
}

// sawtooth returns a recording whose samples depend on its length.
func sawtooth(n int) voice.Recording {
	r := voice.Recording{PCM: make([]int16, n), Beat: n / 2}
	for i := range r.PCM {
		r.PCM[i] = int16(i*77 + n)
	}
	return r
}

func newFakeEngine(t *testing.T) *fakeEngine {
	return &fakeEngine{cache: voice.NewCache(t.TempDir(), audiotest.Logger(t)), fail: errors.New("no model")}
}

func newTestBank(t testing.TB, log *slog.Logger, voices ...voice.Voice) *Bank {
	t.Helper()
	return NewBank(voices, nil, audio.InFolders(fstest.MapFS{
		"gong.wav": {Data: audiotest.WAVFile(audio.Rate, audiotest.Sine(2400, audio.Rate, 300, 0.5))}, "bad.wav": {Data: []byte("gong")},
	}), log)
}

func voiceOf(t *testing.T, text string, n int) *voice.RecordedVoice {
	t.Helper()
	index := fmt.Sprintf(`{"name": "test", "lang": "en", "clips": [{"text": %q, "file": "a.wav", "samples": %d, "beat": 7}]}`, text, n)
	f, err := voice.OpenRecordedVoice(fstest.MapFS{
		"index.json": {Data: []byte(index)}, "a.wav": {Data: audiotest.WAVFile(audio.Rate, audiotest.Sine(n, audio.Rate, 500, 0.5))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func speech(text string) routines.Clip { return routines.Clip{Say: text} }
func sound(name string) routines.Clip  { return routines.Clip{Sound: name} }

func scoreOf(cues ...routines.Cue) *routines.Score {
	s := &routines.Score{Name: "test", Cues: cues}
	for _, c := range cues {
		s.Len = max(s.Len, c.At+c.Len)
	}
	return s
}

func TestBankAsksVoicesInOrder(t *testing.T) {
	e := newFakeEngine(t)
	b := newTestBank(t, audiotest.Logger(t), voiceOf(t, "hold", 1111), voiceOf(t, "hold", 2222), e)
	if got, has := b.Measure(speech("Hold.")); !has || got.Len != 1111 || got.Beat != 7 {
		t.Errorf("measured %+v", got)
	}
	if _, has := b.Measure(speech("rest")); has {
		t.Error("measured what has not been synthesised yet")
	}
	if err := b.Prepare(context.Background(), []routines.Clip{speech("Hold."), speech("rest"), sound("bell")}); err != nil {
		t.Fatal(err)
	}
	if got, has := b.Measure(speech("rest")); !has || got.Len != 400 || e.calls.Load() != 1 {
		t.Errorf("measured %+v, the engine was asked %d times", got, e.calls.Load())
	}
	clips, err := b.Load(context.Background(), scoreOf(routines.Cue{Len: 1111, Clip: speech("Hold.")}, routines.Cue{At: 5, Len: 400, Clip: speech("rest")}))
	if err != nil || len(clips[speech("Hold.")].PCM) != 1111 || !slices.Equal(clips[speech("rest")].PCM, sawtooth(400).PCM) {
		t.Errorf("loaded %d clips: %v", len(clips), err)
	}
}

func TestBankMeasureSoundFiles(t *testing.T) {
	var logs bytes.Buffer
	b := newTestBank(t, slog.New(slog.NewTextHandler(&logs, nil)))
	for range 3 {
		for name, want := range map[string]int{"gong.wav": 2400, "bell": 4 * audio.Rate, "bad.wav": 0, "gone.wav": 0} {
			if e, has := b.Measure(sound(name)); e.Len != want || has != (want > 0) {
				t.Errorf("%s: %+v, %v", name, e, has)
			}
		}
	}
	if n := strings.Count(logs.String(), "bad.wav"); n != 1 {
		t.Errorf("a file that cannot be played is logged %d times:\n%s", n, logs.String())
	}
}

func TestBankPrepareReportsEachReasonOnce(t *testing.T) {
	var clips []routines.Clip
	for i := range 40 {
		clips = append(clips, speech(fmt.Sprint("yes ", i)), speech(fmt.Sprint("no ", i)))
	}
	b := newTestBank(t, audiotest.Logger(t), voiceOf(t, "hold", 1111), newFakeEngine(t))
	err := b.Prepare(context.Background(), clips)
	if err == nil || strings.Count(err.Error(), "no model") != 1 {
		t.Errorf("one reason should be reported once: %v", err)
	}
	for _, c := range clips {
		if _, has := b.Measure(c); has != strings.HasPrefix(c.Say, "yes") {
			t.Errorf("%q is prepared: %v", c.Say, has)
		}
	}
	if err := newTestBank(t, audiotest.Logger(t), voiceOf(t, "hold", 1111)).Prepare(context.Background(), clips); err != nil {
		t.Errorf("a voice that lacks texts is no failure: %v", err)
	}
}

func TestBankStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := newTestBank(t, audiotest.Logger(t), newFakeEngine(t))
	if err := b.Prepare(ctx, []routines.Clip{speech("a"), speech("b")}); !errors.Is(err, context.Canceled) {
		t.Errorf("prepare: %v", err)
	}
	if clips, err := b.Load(ctx, scoreOf(routines.Cue{Len: 10, Clip: speech("a")})); !errors.Is(err, context.Canceled) || clips != nil {
		t.Errorf("load: %v", err)
	}
}

// A clip that has disappeared since the score was compiled is replaced by silence, and logged once.
func TestBankLoadReplacesMissingClipsBySilence(t *testing.T) {
	var logs bytes.Buffer
	b := newTestBank(t, slog.New(slog.NewTextHandler(&logs, nil)), voiceOf(t, "hold", 1111), newFakeEngine(t))
	score := scoreOf(
		routines.Cue{At: 0, Len: 500, Clip: speech("no longer")}, routines.Cue{At: 600, Len: 500, Clip: speech("no longer")},
		routines.Cue{At: 700, Len: 300, Clip: sound("gone.wav")}, routines.Cue{At: 800, Len: 1000, Clip: speech("hold")},
		routines.Cue{At: 900, Len: 3000, Clip: sound("gong.wav")},
	)
	clips, err := b.Load(context.Background(), score)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range score.Cues {
		pcm := clips[c.Clip].PCM
		if len(pcm) != c.Len {
			t.Errorf("%+v: %d samples, want %d", c.Clip, len(pcm), c.Len)
		}
		gone := strings.HasPrefix(c.Clip.Say, "no") || c.Clip.Sound == "gone.wav"
		if silent := slices.Max(pcm) == 0; silent != gone {
			t.Errorf("%+v is silent: %v", c.Clip, silent)
		}
	}
	if n := strings.Count(logs.String(), "level=ERROR"); n != 2 || !strings.Contains(logs.String(), "no longer") || !strings.Contains(logs.String(), "gone.wav") {
		t.Errorf("%d lines:\n%s", n, logs.String())
	}
}

func TestBankForAnotherVoice(t *testing.T) {
	opened := 0
	open := func(name string) (voice.Voice, error) {
		if name != "michael" {
			return nil, errors.New("nobody is called " + name)
		}
		opened++
		return voiceOf(t, "hold", 2222), nil
	}
	e := newFakeEngine(t)
	b := NewBank([]voice.Voice{voiceOf(t, "hold", 1111), e}, open, nil, audiotest.Logger(t))
	michael, err := b.ForVoice("michael")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("the same text has another length", func(t *testing.T) {
		for bank, want := range map[*Bank]int{b: 1111, michael: 2222} {
			score := scoreOf(routines.Cue{Len: want, Clip: speech("hold")})
			if got, has := bank.Measure(speech("hold")); !has || got.Len != want {
				t.Errorf("measured %+v, want %d", got, want)
			}
			live := beginLive(t, bank, score)
			if got := *live.sounds.clips[0].loaded[0].Load(); len(got) != want {
				t.Errorf("%d samples are heard, want %d", len(got), want)
			}
		}
	})
	t.Run("a text it lacks is synthesised once for both", func(t *testing.T) {
		for _, bank := range []*Bank{b, michael} {
			if err := bank.Prepare(t.Context(), []routines.Clip{speech("rest")}); err != nil {
				t.Fatal(err)
			}
		}
		if n := e.calls.Load(); n != 1 {
			t.Errorf("the engine was asked %d times", n)
		}
	})
	t.Run("it is opened once, from whichever bank", func(t *testing.T) {
		for _, from := range []*Bank{b, michael} {
			if again, err := from.ForVoice("michael"); again != michael || err != nil {
				t.Errorf("another bank: %v", err)
			}
			if first, err := from.ForVoice(""); first != b || err != nil {
				t.Errorf("the default is another: %v", err)
			}
		}
		if opened != 1 {
			t.Errorf("opened %d times", opened)
		}
	})
	t.Run("an unknown voice, or no way to open one, is an error", func(t *testing.T) {
		if _, err := b.ForVoice("nobody"); err == nil {
			t.Error("there is a voice named nobody")
		}
		if _, err := newTestBank(t, audiotest.Logger(t), e).ForVoice("michael"); err == nil {
			t.Error("there is a voice, and nothing to open it with")
		}
	})
}
