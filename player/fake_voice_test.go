package player_test

import (
	"context"
	"hash/fnv"
	"math"
	"strings"
	"sync"

	"guided/audio"
	"guided/audio/voice"
	"guided/routines"
)

// humVoice speaks every text as a sine of its own pitch, 40 ms for each letter, with faded edges: a test can tell the
// texts apart, and a cut is a click.
type humVoice struct{}

func (humVoice) Measure(text string) (routines.Extent, bool) {
	return routines.Extent{Len: (100 + 40*len(text)) * audio.Rate / 1000, Beat: audio.Rate / 20}, true
}

// humRecordings caches the recordings of humVoice by text.
var humRecordings sync.Map

func (h humVoice) Speak(_ context.Context, text string) (voice.Recording, error) {
	if r, has := humRecordings.Load(text); has {
		return r.(voice.Recording), nil
	}
	e, _ := h.Measure(text)
	hash := fnv.New32()
	hash.Write([]byte(text))
	hz := 200 + float64(hash.Sum32()%3000)/10
	pcm := make([]int16, e.Len)
	const edge = audio.Rate / 50
	for i := range pcm {
		gain := 0.5 - 0.5*math.Cos(math.Pi*math.Min(1, float64(min(i, e.Len-1-i))/edge))
		pcm[i] = int16(math.Round(8000 * gain * math.Sin(2*math.Pi*hz*float64(i)/audio.Rate)))
	}
	r := voice.Recording{PCM: pcm, Beat: e.Beat}
	humRecordings.Store(text, r)
	return r, nil
}

// gatedVoice is humVoice, except that texts with a word in them are spoken only after the gate is closed: a slow speech
// engine. It can measure a text once it has spoken it.
type gatedVoice struct {
	humVoice
	word   string
	gate   chan struct{}
	mu     sync.Mutex
	spoken map[string]bool
}

func newGatedVoice(word string) *gatedVoice {
	return &gatedVoice{word: word, spoken: map[string]bool{}}
}

func (s *gatedVoice) Measure(text string) (routines.Extent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, _ := s.humVoice.Measure(text)
	return e, s.spoken[text]
}

func (s *gatedVoice) Speak(ctx context.Context, text string) (voice.Recording, error) {
	if strings.Contains(text, s.word) {
		select {
		case <-ctx.Done():
			return voice.Recording{}, ctx.Err()
		case <-s.gate:
		}
	}
	s.mu.Lock()
	s.spoken[text] = true
	s.mu.Unlock()
	return s.humVoice.Speak(ctx, text)
}

// partialVoice is humVoice, except that it fails to speak texts with a word in them.
type partialVoice struct {
	humVoice
	word string
	err  error
}

func (l partialVoice) Measure(text string) (routines.Extent, bool) {
	e, _ := l.humVoice.Measure(text)
	return e, !strings.Contains(text, l.word)
}

func (l partialVoice) Speak(ctx context.Context, text string) (voice.Recording, error) {
	if strings.Contains(text, l.word) {
		return voice.Recording{}, l.err
	}
	return l.humVoice.Speak(ctx, text)
}

// voices are the voice, and the engine if there is one.
func (x setup) voices() []voice.Voice {
	if x.engine == nil {
		return []voice.Voice{x.voice}
	}
	return []voice.Voice{x.voice, x.engine}
}
