package audio

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"guided/routines"
)

// Bank is everything that can be heard: voices in the order they are asked, tones, and the sound files beside routines.
type Bank struct {
	voices []Voice
	file   func(name string) ([]byte, error)
	log    *slog.Logger

	mu    sync.Mutex
	sizes map[[32]byte]routines.Extent // of sound files, by content; zero for one that cannot be played
	made  map[string]Recording         // tones; a bell takes a Pi a tenth of a second
}

// NewBank asks the voices in their order; file reads a sound file that lies beside the routines.
func NewBank(voices []Voice, file func(name string) ([]byte, error), log *slog.Logger) *Bank {
	return &Bank{voices: voices, file: file, log: log, sizes: map[[32]byte]routines.Extent{}, made: map[string]Recording{}}
}

// Measure is a routines.Measure: what can be heard at once.
func (b *Bank) Measure(c routines.Clip) (routines.Extent, bool) {
	if c.Sound != "" {
		return b.measureSound(c.Sound)
	}
	for _, v := range b.voices {
		if e, has := v.Measure(c.Say); has {
			return e, true
		}
	}
	return routines.Extent{}, false
}

func (b *Bank) measureSound(name string) (routines.Extent, bool) {
	if t, is := tones()[name]; is {
		return routines.Extent{Len: t.len()}, true
	}
	data, err := b.file(name)
	if err != nil {
		return routines.Extent{}, false
	}
	sum := sha256.Sum256(data)
	b.mu.Lock()
	e, has := b.sizes[sum]
	b.mu.Unlock()
	if has {
		return e, e.Len > 0
	}
	r, err := importSound(data)
	if err != nil {
		b.log.Warn("a sound file cannot be played", "file", name, "err", err)
	}
	b.mu.Lock()
	b.sizes[sum] = r.Extent()
	b.mu.Unlock()
	return r.Extent(), err == nil
}

// tone makes a tone, once.
func (b *Bank) tone(name string) (Recording, error) {
	b.mu.Lock()
	r, has := b.made[name]
	b.mu.Unlock()
	if has {
		return r, nil
	}
	r, err := synth(name)
	if err == nil {
		b.mu.Lock()
		b.made[name] = r
		b.mu.Unlock()
	}
	return r, err
}

// Prepare makes every tone, and speaks every text that no voice has at once, several at a time. What cannot be had is
// told in the error; the rest is prepared all the same.
func (b *Bank) Prepare(ctx context.Context, clips []routines.Clip) error {
	var mu sync.Mutex
	failed := map[string]error{} // by message: an engine that is missing fails for every text alike
	work := errgroup.Group{}
	work.SetLimit(runtime.NumCPU())
	for _, c := range clips {
		if _, is := tones()[c.Sound]; is {
			work.Go(func() error {
				_, err := b.tone(c.Sound)
				return err
			})
		}
		if _, has := b.Measure(c); has || c.Say == "" {
			continue
		}
		work.Go(func() error {
			_, err := b.speak(ctx, c.Say)
			if err != nil && !errors.Is(err, ErrUnspoken) {
				mu.Lock()
				failed[strings.ReplaceAll(err.Error(), c.Say, "")] = err
				mu.Unlock()
			}
			return nil
		})
	}
	joined := work.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, message := range slices.Sorted(maps.Keys(failed)) {
		joined = errors.Join(joined, failed[message])
	}
	return joined
}

func (b *Bank) speak(ctx context.Context, text string) (Recording, error) {
	err := ErrUnspoken
	for _, v := range b.voices {
		r, failed := v.Speak(ctx, text)
		if failed == nil {
			return r, nil
		}
		if !errors.Is(failed, ErrUnspoken) {
			err = failed
		}
	}
	return Recording{}, err
}

// Clips is the sounds of a score, by what they are. It is immutable.
type Clips map[routines.Clip]Recording

// Load brings every clip of a score into memory, exactly as long as the score counts on. One that cannot be had
// any more is silence in its place, and logged: the session goes on.
func (b *Bank) Load(ctx context.Context, score *routines.Score) (Clips, error) {
	lengths := map[routines.Clip]int{}
	for _, c := range score.Cues {
		lengths[c.Clip] = c.Len
	}
	clips := make(Clips, len(lengths))
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.NumCPU())
	for clip, n := range lengths {
		work.Go(func() error {
			r, err := b.exactly(ctx, clip, n)
			mu.Lock()
			clips[clip] = r
			mu.Unlock()
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
	}
	return clips, nil
}

// exactly loads a clip at a length. It fails only when ctx ends.
func (b *Bank) exactly(ctx context.Context, clip routines.Clip, n int) (Recording, error) {
	r, err := b.load(ctx, clip)
	if ctx.Err() != nil {
		return Recording{}, ctx.Err()
	}
	if err != nil {
		b.log.Error("a clip is silent", "say", clip.Say, "sound", clip.Sound, "err", err)
	}
	return Recording{fixed(r.PCM, n), r.Beat}, nil
}

func (b *Bank) load(ctx context.Context, c routines.Clip) (Recording, error) {
	if c.Sound == "" {
		return b.speak(ctx, c.Say)
	}
	if _, is := tones()[c.Sound]; is {
		return b.tone(c.Sound)
	}
	data, err := b.file(c.Sound)
	if err != nil {
		return Recording{}, err
	}
	return importSound(data)
}
