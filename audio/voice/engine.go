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

// An Engine speaks any text. It is a program or a server of somebody else, so nothing it gives is believed.
type Engine interface {
	// Synthesize speaks what a recipe says, as a sound file of any loudness. It may be called by many at a time.
	Synthesize(ctx context.Context, r Recipe) (file []byte, err error)
	// Name is what its speech depends on: a program and its arguments, or a server and the voice asked for.
	Name() []string
}

// unavailableError is the error of an engine that cannot be asked at all: the next text would only wait for the same.
type unavailableError struct{ error }

func (e unavailableError) Unwrap() error { return e.error }

// unavailableFor is how long an engine that is away is not asked again: a routine has dozens of texts.
const unavailableFor = 30 * time.Second

// Speech is a voice that an engine speaks. Every answer is kept in a cache, and none before it was decoded.
type Speech struct {
	engine Engine
	cache  *Cache

	mu          sync.Mutex
	locks       map[string]chan struct{} // by key; closed when that text is spoken
	unavailable error                    // why the engine is not asked
	retryAt     time.Time
}

// NewSpeech is a voice that asks the engine for what the cache lacks.
func NewSpeech(engine Engine, cache *Cache) *Speech {
	return &Speech{engine: engine, cache: cache, locks: map[string]chan struct{}{}}
}

func (s *Speech) cacheKey(text string) string {
	return cacheKey(slices.Concat(s.engine.Name(), []string{text})...)
}

// Measure answers from the cache.
func (s *Speech) Measure(text string) (routines.Extent, bool) {
	return s.cache.Extent(s.cacheKey(text))
}

// Speak answers from the cache, or asks the engine; whoever asks for a text that is being spoken waits for it.
func (s *Speech) Speak(ctx context.Context, text string) (Recording, error) {
	key := s.cacheKey(text)
	done, err := s.lock(ctx, key)
	if err != nil {
		return Recording{}, err
	}
	defer done()
	if r, has := s.cache.Get(key); has {
		return r, nil
	}
	name := s.engine.Name()[0]
	file, err := s.synthesize(ctx, text)
	if err != nil {
		return Recording{}, fmt.Errorf("%s could not speak %q: %w", name, text, err)
	}
	r, err := importSpeech(file)
	if err != nil {
		return Recording{}, fmt.Errorf("%s spoke %q as something else than speech: %w", name, text, err)
	}
	s.cache.Put(key, r)
	return r, nil
}

// synthesize leaves an engine alone that was away a moment ago.
func (s *Speech) synthesize(ctx context.Context, text string) ([]byte, error) {
	s.mu.Lock()
	away, until := s.unavailable, s.retryAt
	s.mu.Unlock()
	if time.Now().Before(until) {
		return nil, away
	}
	file, err := s.engine.Synthesize(ctx, Recipe{Text: text})
	if gone := (unavailableError{}); errors.As(err, &gone) {
		s.mu.Lock()
		s.unavailable, s.retryAt = err, time.Now().Add(unavailableFor)
		s.mu.Unlock()
	}
	return file, err
}

// lock waits until nobody else speaks the text; done ends the caller's turn.
func (s *Speech) lock(ctx context.Context, key string) (done func(), err error) {
	for {
		s.mu.Lock()
		before, busy := s.locks[key]
		if !busy {
			mine := make(chan struct{})
			s.locks[key] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.locks, key)
				s.mu.Unlock()
				close(mine)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Recipe is how one text is spoken where the engine would say it badly as it stands: other words for it, which may be
// the engine's own markup, another voice or more arguments, and which word of what was said is kept. A word said among
// others is clearer than alone.
type Recipe struct {
	Text  string   `json:"text"`
	Say   string   `json:"say,omitempty"`
	Args  []string `json:"args,omitempty"`  // for a program, after its own
	Voice string   `json:"voice,omitempty"` // for a Wyoming server
	Words int      `json:"of,omitempty"`    // how many words with pauses between them are said
	Word  int      `json:"take,omitempty"`  // which one is kept, from 1
}

// input are what the engine is given.
func (r Recipe) input() string { return cmp.Or(r.Say, r.Text) }
