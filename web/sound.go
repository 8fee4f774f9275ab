package web

import (
	"context"
	"sync"

	"guided/audio"
	"guided/audio/mix"
)

// most is how many samples are made at a time: so much of the score Load brings into memory at once.
const most = audio.Rate

// sound makes any part of a performance, at any time, in memory that does not grow with its length: clips are loaded
// around the place. It belongs to one goroutine.
type sound struct {
	*performance
	ctx     context.Context
	turns   chan struct{}
	live    *mix.Live
	cancel  context.CancelFunc
	loading sync.WaitGroup
}

func (s *server) sound(ctx context.Context, p *performance) *sound {
	ctx, cancel := context.WithCancel(ctx)
	return &sound{performance: p, ctx: ctx, cancel: cancel, turns: s.turns}
}

// close ends what loads ahead.
func (x *sound) close() {
	x.cancel()
	x.loading.Wait()
}

// fill makes samples from a sample of the score on; at+len(samples) lies within it. It fails only when ctx ends.
func (x *sound) fill(samples [][2]float64, at int) error {
	if x.live == nil {
		live, err := x.bank.Begin(x.ctx, x.score, x.loading.Go)
		if err != nil {
			return err
		}
		x.live = live
	}
	for len(samples) > 0 {
		part := samples[:min(len(samples), most)]
		if !x.live.Reach(at) {
			if err := x.live.Load(x.ctx, at); err != nil {
				return err
			}
		}
		if err := x.stream(part, at); err != nil {
			return err
		}
		samples, at = samples[len(part):], at+len(part)
	}
	return nil
}

// stream takes its turn, so that what is rendered here never takes the last core from what is playing.
func (x *sound) stream(samples [][2]float64, at int) error {
	select {
	case x.turns <- struct{}{}:
	case <-x.ctx.Done():
		return x.ctx.Err()
	}
	defer func() { <-x.turns }()
	if at != x.live.Position() {
		if err := x.live.Seek(at); err != nil {
			return err
		}
	}
	for done := 0; done < len(samples); {
		n, more := x.live.Stream(samples[done:])
		if !more {
			clear(samples[done:])
			break
		}
		done += n
	}
	if x.gain != 1 {
		for i := range samples {
			samples[i][0] *= x.gain
			samples[i][1] *= x.gain
		}
	}
	return nil
}
