package mix

import (
	"context"
	"fmt"

	"guided/routines"
)

// Begin makes a score sound before all of it is loaded: the clips of its first moments now, the others ahead of their
// time by a function handed to background, which ends with ctx.
func (b *Bank) Begin(ctx context.Context, score *routines.Score, background func(func())) (*Live, error) {
	l := newLive(b, score)
	if err := l.Load(ctx, 0); err != nil {
		return nil, fmt.Errorf("loading the sounds of %s: %w", score.Name, err)
	}
	background(func() { l.keepAhead(ctx) })
	return l, nil
}
