package audio

import (
	"context"
	"fmt"
	"sync/atomic"

	"guided/routines"
)

// firstLoaded is how much of a score is loaded before it begins: what an output pulls at once, and a little more.
const firstLoaded = Reserve * 5 / 4

// Begin makes a score sound before all of it is loaded: the clips of its first seconds now, the others in the order of
// their time, by a function handed to background, which ends with ctx. Clips load a hundred times faster than they
// sound, so that each is there before it is heard; one that is not, after a skip in the first moments, is silent.
func (b *Bank) Begin(ctx context.Context, score *routines.Score, background func(func())) (*Renderer, error) {
	type clip struct {
		name routines.Clip
		n    int
		pcm  *atomic.Pointer[[]int16]
	}
	load := func(c clip) error {
		r, err := b.exactly(ctx, c.name, c.n)
		if err == nil {
			c.pcm.Store(&r.PCM)
		}
		return err
	}
	r := &Renderer{length: score.Len}
	known := map[routines.Clip]*atomic.Pointer[[]int16]{}
	var later []clip
	for _, cue := range score.Cues {
		pcm, has := known[cue.Clip]
		if !has {
			pcm = &atomic.Pointer[[]int16]{}
			known[cue.Clip] = pcm
			c := clip{cue.Clip, cue.Len, pcm}
			if cue.At >= firstLoaded {
				later = append(later, c)
			} else if err := load(c); err != nil {
				return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
			}
		}
		r.add(heard{cue.At, cue.Len, pcm})
	}
	background(func() {
		for _, c := range later {
			if load(c) != nil { // the session has ended
				return
			}
		}
	})
	return r, nil
}
