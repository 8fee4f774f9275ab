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

const (
	// retryDelay is how long an engine is not asked after an unavailableError, at least: a routine has dozens of texts.
	retryDelay = 30 * time.Second
	// retryShare is how many times as long as the vain wait an engine is not asked, up to maxRetryDelay: one that hangs takes
	// a tenth of the time.
	retryShare    = 9
	maxRetryDelay = 10 * time.Minute
	// hangTime is how long an engine may take when the caller's own time is over: longer counts as unavailable.
	hangTime = 10 * time.Second
)

// SynthesizedVoice is a voice that asks an engine, and stores every answer in a cache once it was decoded. It implements Voice.
//
// It alone decides when an engine is asked: for a text that the cache lacks, once at a time for each text, and not for
// a while after an unavailableError, which also ends the other texts that are being spoken. There are no other retries.
type SynthesizedVoice struct {
	engine Engine
	cache  *Cache

	importing sync.Mutex // one answer is decoded at a time: it takes memory

	mu          sync.Mutex
	asking      map[*asking]struct{}     // the calls of the engine that are under way
	locks       map[string]chan struct{} // by cache key, while that text is synthesized; closed when it is done
	unavailable error                    // the last unavailableError, returned until retryAt
	retryAt     time.Time
}

// NewSynthesizedVoice returns a voice that asks the engine for texts that the cache lacks.
func NewSynthesizedVoice(engine Engine, cache *Cache) *SynthesizedVoice {
	return &SynthesizedVoice{engine: engine, cache: cache, asking: map[*asking]struct{}{}, locks: map[string]chan struct{}{}}
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
	s.importing.Lock()
	r, err := importSpeech(file, recipe)
	s.importing.Unlock()
	if err != nil {
		return Recording{}, fmt.Errorf("%s spoke %q as something else than speech: %w", s.engine.Identity()[0], text, err)
	}
	s.cache.Put(key, r)
	return r, nil
}

// asking is a call of the engine.
type asking struct{ cancel context.CancelCauseFunc }

// synthesize asks the engine, or returns its last error while it is unavailable.
func (s *SynthesizedVoice) synthesize(parent context.Context, r Recipe) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	call := &asking{cancel}
	s.mu.Lock()
	if err := s.unavailable; time.Now().Before(s.retryAt) {
		s.mu.Unlock()
		return nil, err
	}
	s.asking[call] = struct{}{}
	s.mu.Unlock()
	begun := time.Now()
	file, err := s.engine.Synthesize(ctx, r)
	took := time.Since(begun)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.asking, call)
	unavailable := unavailableError{}
	switch cause := context.Cause(ctx); {
	case err == nil:
		return file, nil
	case errors.As(cause, &unavailable): // another text has found out
		return nil, cause
	case errors.As(err, &unavailable):
	case errors.Is(parent.Err(), context.DeadlineExceeded) && took >= hangTime:
		err = unavailableError{fmt.Errorf("it took longer than %v", took.Round(time.Second))}
	default:
		return nil, err
	}
	s.unavailable = err
	s.retryAt = time.Now().Add(min(max(retryDelay, retryShare*took), maxRetryDelay))
	for other := range s.asking {
		other.cancel(err)
	}
	return nil, err
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
