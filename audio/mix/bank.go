package mix

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"guided/audio/voice"
	"guided/routines"
)

// Bank is everything that can be heard: voices in the order they are asked, tones, and the sound files beside routines.
type Bank struct {
	*vault
	voice  string // the name of the first voice, empty for the default
	voices []voice.Voice
}

// NewBank asks the voices in their order: the default one, then what speaks the texts that a voice lacks. open opens
// another voice by its name, nil where there is none; file reads a sound file that lies beside the routines.
func NewBank(voices []voice.Voice, open func(name string) (voice.Voice, error), file func(name string) ([]byte, error), log *slog.Logger) *Bank {
	b := &Bank{voices: voices, vault: &vault{
		open: open, file: file, log: log, recent: newRecent(recentBytes),
		sizes: map[[32]byte]routines.Extent{}, made: map[string]voice.Recording{}, banks: map[string]*Bank{},
	}}
	b.banks[""] = b
	return b
}

// Measure is a routines.Measure: what can be heard at once.
func (b *Bank) Measure(c routines.Clip) (routines.Extent, bool) {
	switch {
	case slices.Contains(routines.SwellNames(), c.Sound):
		return routines.Extent{Len: c.Len}, true
	case c.Sound != "":
		return b.measureSound(c.Sound)
	}
	for _, v := range b.voices {
		if e, has := v.Measure(c.Say); has {
			return e, true
		}
	}
	return routines.Extent{}, false
}

// Prepare speaks every text that no voice has at once, several at a time. What cannot be had is told in the error; the
// rest is prepared all the same.
func (b *Bank) Prepare(ctx context.Context, clips []routines.Clip) error {
	var mu sync.Mutex
	failed := map[string]error{} // by message: an engine that is missing fails for every text alike
	work := errgroup.Group{}
	work.SetLimit(runtime.NumCPU())
	for _, c := range clips {
		if c.Say == "" {
			continue
		}
		if _, has := b.Measure(c); has {
			continue
		}
		work.Go(func() error {
			_, err := b.speak(ctx, c.Say)
			if err != nil && !errors.Is(err, voice.ErrUnspoken) {
				mu.Lock()
				failed[strings.ReplaceAll(err.Error(), c.Say, "")] = err
				mu.Unlock()
			}
			return nil
		})
	}
	_ = work.Wait() // what failed is in failed
	if err := ctx.Err(); err != nil {
		return err
	}
	var joined error
	for _, message := range slices.Sorted(maps.Keys(failed)) {
		joined = errors.Join(joined, failed[message])
	}
	return joined
}

func (b *Bank) speak(ctx context.Context, text string) (voice.Recording, error) {
	err := voice.ErrUnspoken
	for _, v := range b.voices {
		r, failed := v.Speak(ctx, text)
		if failed == nil {
			return r, nil
		}
		if !errors.Is(failed, voice.ErrUnspoken) {
			err = failed
		}
	}
	return voice.Recording{}, err
}

func (b *Bank) load(ctx context.Context, c routines.Clip) (voice.Recording, error) {
	if c.Sound == "" {
		return b.speak(ctx, c.Say)
	}
	if slices.Contains(routines.SwellNames(), c.Sound) {
		return swell(c.Sound, c.Len), nil
	}
	if _, is := tones()[c.Sound]; is {
		return b.tone(c.Sound)
	}
	data, err := b.file(c.Sound)
	if err != nil {
		return voice.Recording{}, err
	}
	return voice.ImportSound(data)
}
