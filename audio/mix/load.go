package mix

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"guided/audio"
	"guided/audio/voice"
	"guided/routines"
)

// Clips is the sounds of a score, by what they are. It is immutable.
type Clips map[routines.Clip]voice.Recording

// Load brings every clip of a score into memory, exactly as long as the score counts on. One that cannot be had
// any more is silence in its place, and logged: the session goes on.
func (b *Bank) Load(ctx context.Context, score *routines.Score) (Clips, error) {
	lengths := map[routines.Clip]int{}
	for _, c := range score.Cues {
		lengths[c.Clip] = c.Len
	}
	clips := make(Clips, len(lengths))
	if loop := b.bed(score); loop != nil {
		clips[bedClip(score.Bed.Sound)] = voice.Recording{PCM: loop}
	}
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.NumCPU())
	for clip, n := range lengths {
		work.Go(func() error {
			r, err := b.exactly(ctx, clip, n)
			mu.Lock()
			clips[clip] = voice.Recording{PCM: audio.FitLength(r.PCM, n), Beat: r.Beat}
			mu.Unlock()
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
	}
	return clips, nil
}

// exactly loads a clip at a length. One that cannot be had is logged, and has no samples. It fails only when ctx ends.
func (b *Bank) exactly(ctx context.Context, clip routines.Clip, n int) (voice.Recording, error) {
	r, err := b.load(ctx, clip)
	switch {
	case ctx.Err() != nil:
		return voice.Recording{}, ctx.Err()
	case err != nil:
		b.log.Error("a clip is silent", "say", clip.Say, "sound", clip.Sound, "err", err)
		return voice.Recording{}, nil
	}
	return voice.Recording{PCM: audio.FitLength(r.PCM, n), Beat: r.Beat}, nil
}
