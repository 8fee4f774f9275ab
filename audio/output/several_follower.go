package output

import (
	"context"
	"guided/audio"
	"log/slog"
	"time"
)

// The waits between attempts to open an output that is away.
const (
	firstAttempt = 500 * time.Millisecond
	lastAttempt  = 30 * time.Second
)

// follower is an output that plays what another has played.
type follower struct {
	Part
	log  *slog.Logger
	lost bool // and told so
}

// follow plays until the relay ends and all of it is heard, or until ctx ends.
func (f *follower) follow(ctx context.Context, r *relay) {
	for wait := firstAttempt; ; wait = min(2*wait, lastAttempt) {
		s := newFeed(ctx, r, f.gain())
		err := f.Output.Play(ctx, s, func(frames int) {
			if s.hear(frames); frames > 0 && f.lost {
				f.lost = false
				f.log.Info("the output is back")
			}
		})
		if err == nil || ctx.Err() != nil {
			return
		}
		if !f.lost {
			f.lost = true
			f.log.Warn("an output is lost; the others play on, and it is tried again", "err", err)
		}
		if s.heard > 10*audio.Rate {
			wait = firstAttempt
		}
		late := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.ended:
		case <-late.C:
		}
		late.Stop()
		if ctx.Err() != nil || r.over() {
			return
		}
	}
}
