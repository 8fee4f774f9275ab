package mix

import (
	"errors"
	"slices"
	"testing"

	"guided/audio/audiotest"
	"guided/audio/voice"
	"guided/routines"
)

func TestBankInAnotherVoice(t *testing.T) {
	opened := 0
	open := func(name string) (voice.Voice, error) {
		if name != "michael" {
			return nil, errors.New("nobody is called " + name)
		}
		opened++
		return recorded(t, "hold", 2222), nil
	}
	e := newEngine(t)
	b := NewBank([]voice.Voice{recorded(t, "hold", 1111), e}, open, nil, audiotest.Logger(t))
	michael, err := b.In("michael")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("says the same at another length", func(t *testing.T) {
		for bank, want := range map[*Bank]int{b: 1111, michael: 2222} {
			score := scoreOf(routines.Cue{Len: want, Clip: say("hold")})
			if got, has := bank.Measure(say("hold")); !has || got.Len != want {
				t.Errorf("measured %+v, want %d", got, want)
			}
			live := begin(t, bank, score)
			if got := *live.clips[0].pcm.Load(); len(got) != want {
				t.Errorf("%d samples are heard, want %d", len(got), want)
			}
		}
	})
	t.Run("what it lacks is spoken by the same engine, once for both", func(t *testing.T) {
		for _, bank := range []*Bank{b, michael} {
			if err := bank.Prepare(t.Context(), []routines.Clip{say("rest")}); err != nil {
				t.Fatal(err)
			}
		}
		if n := e.asked.Load(); n != 1 {
			t.Errorf("the engine was asked %d times", n)
		}
	})
	t.Run("is opened once and kept, from wherever it is asked", func(t *testing.T) {
		for _, from := range []*Bank{b, michael} {
			if again, err := from.In("michael"); again != michael || err != nil {
				t.Errorf("another bank: %v", err)
			}
			if first, err := from.In(""); first != b || err != nil {
				t.Errorf("the default is another: %v", err)
			}
		}
		if opened != 1 {
			t.Errorf("opened %d times", opened)
		}
	})
	t.Run("one that is not there is an error, and so is any where none can be opened", func(t *testing.T) {
		if _, err := b.In("nobody"); err == nil {
			t.Error("there is a voice named nobody")
		}
		if _, err := bankOf(t, audiotest.Logger(t), e).In("michael"); err == nil {
			t.Error("there is a voice, and nothing to open it with")
		}
	})
}

func TestRecentClipsHaveALimit(t *testing.T) {
	r := newClipCache(600)
	name := func(text string) clipKey { return clipKey{clip: say(text), length: 100} }
	for _, text := range []string{"one", "two", "three"} {
		r.put(name(text), make([]int16, 100))
	}
	r.get(name("one"))
	r.put(name("four"), make([]int16, 100))
	r.put(name("four"), make([]int16, 100))
	r.put(name("longer than all of it"), make([]int16, 301))
	var kept []string
	for _, text := range []string{"one", "two", "three", "four", "longer than all of it"} {
		if _, has := r.get(name(text)); has {
			kept = append(kept, text)
		}
	}
	if want := []string{"one", "three", "four"}; !slices.Equal(kept, want) || r.bytes != 600 {
		t.Errorf("kept %q in %d bytes, want %q", kept, r.bytes, want)
	}
}
