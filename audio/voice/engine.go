package voice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"guided/routines"
)

// An Engine synthesizes speech from any text. It is an external program or server, so its answers are untrusted.
type Engine interface {
	// Synthesize returns a sound file of any format that audio.Decode reads, at any loudness. The error does not name
	// the engine or the text. It may be called concurrently.
	Synthesize(ctx context.Context, r Recipe) (file []byte, err error)
	// Identity returns what the speech depends on beside the recipe: a program and its arguments, or a server and its voice.
	// The first is how messages name the engine.
	Identity() []string
}

// Recipe is what an engine is asked for. For most texts that is the Text alone; where the engine would pronounce it
// badly a recipe replaces the input, which may use the engine's own markup, or names another voice or more arguments. A
// short word is clearer when it is spoken among others, so a recipe may also select one word of the answer.
type Recipe struct {
	Text  string   `json:"text"`
	Say   string   `json:"say,omitempty"`   // the engine's input, where that is not the text
	Args  []string `json:"args,omitempty"`  // for a program, after its own
	Voice string   `json:"voice,omitempty"` // for a Wyoming server
	Words int      `json:"of,omitempty"`    // the number of words in the answer, with pauses between them; 0 to keep it whole
	Word  int      `json:"take,omitempty"`  // the word that is kept, from 1
}

// input is the text the engine is given.
func (r Recipe) input() string { return cmp.Or(r.Say, r.Text) }

// unavailableError is the error of an engine that could not be reached or did not answer in time: the next text would
// fail in the same way, after the same wait.
type unavailableError struct{ error }

func (e unavailableError) Unwrap() error { return e.error }

// retryDelay is how long an engine is not asked after an unavailableError: a routine has dozens of texts.
const retryDelay = 30 * time.Second

// SynthesizedVoice is a voice that asks an engine, and stores every answer in a cache once it was decoded. It implements Voice.
//
// It alone decides when an engine is asked: for a text that the cache lacks, once at a time for each text, and not within
// retryDelay of an unavailableError. There are no other retries.
type SynthesizedVoice struct {
	engine Engine
	cache  *Cache

	mu          sync.Mutex
	locks       map[string]chan struct{} // by cache key, while that text is synthesized; closed when it is done
	unavailable error                    // the last unavailableError, returned until retryAt
	retryAt     time.Time
}

// NewSynthesizedVoice returns a voice that asks the engine for texts that the cache lacks.
func NewSynthesizedVoice(engine Engine, cache *Cache) *SynthesizedVoice {
	return &SynthesizedVoice{engine: engine, cache: cache, locks: map[string]chan struct{}{}}
}

// cacheKey is the key of a text as the engine is given it.
func (s *SynthesizedVoice) cacheKey(text string) string {
	return cacheKey(slices.Concat(s.engine.Identity(), []string{text})...)
}

// Measure answers from the cache.
func (s *SynthesizedVoice) Measure(text string) (routines.Extent, bool) {
	return s.cache.Measure(s.cacheKey(routines.SpokenText(text)))
}

// Speak answers from the cache, or asks the engine. Concurrent calls for one text ask the engine once: the others wait,
// and then find the recording in the cache or, where the first failed, ask themselves.
func (s *SynthesizedVoice) Speak(ctx context.Context, text string) (Recording, error) {
	text = routines.SpokenText(text)
	key := s.cacheKey(text)
	unlock, err := s.lock(ctx, key)
	if err != nil {
		return Recording{}, err
	}
	defer unlock()
	if r, ok := s.cache.Get(key); ok {
		return r, nil
	}
	recipe := Recipe{Text: text}
	file, err := s.synthesize(ctx, recipe)
	if err != nil {
		return Recording{}, fmt.Errorf("%s could not speak %q: %w", s.engine.Identity()[0], text, err)
	}
	r, err := importSpeech(file, recipe)
	if err != nil {
		return Recording{}, fmt.Errorf("%s spoke %q as something else than speech: %w", s.engine.Identity()[0], text, err)
	}
	s.cache.Put(key, r)
	return r, nil
}

// synthesize asks the engine, or returns its last error while it is unavailable.
func (s *SynthesizedVoice) synthesize(ctx context.Context, r Recipe) ([]byte, error) {
	s.mu.Lock()
	err, retryAt := s.unavailable, s.retryAt
	s.mu.Unlock()
	if time.Now().Before(retryAt) {
		return nil, err
	}
	file, err := s.engine.Synthesize(ctx, r)
	if unavailable := (unavailableError{}); errors.As(err, &unavailable) {
		s.mu.Lock()
		s.unavailable, s.retryAt = err, time.Now().Add(retryDelay)
		s.mu.Unlock()
	}
	return file, err
}

// lock waits until no other call synthesizes the text of a cache key. The wait ends with ctx, which a mutex could not.
func (s *SynthesizedVoice) lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		s.mu.Lock()
		held, locked := s.locks[key]
		if !locked {
			released := make(chan struct{})
			s.locks[key] = released
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.locks, key)
				s.mu.Unlock()
				close(released)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
