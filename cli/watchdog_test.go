package cli

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Nothing that hangs may look alive: the watchdog is fed after every part has answered, and only then.
func TestKeepFed(t *testing.T) {
	const limit = 90 * time.Second
	good := func(context.Context) error { return nil }
	slow := func(ctx context.Context) error {
		select {
		case <-time.After(limit / 10):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	failing := func(context.Context) error { return errors.New("the player does not play") }
	deaf := func(ctx context.Context) error { <-ctx.Done(); select {} } // it does not even notice
	for situation, x := range map[string]struct {
		checks []func(context.Context) error
		fed    bool
	}{
		"everything answers":        {[]func(context.Context) error{good, good}, true},
		"an answer takes some time": {[]func(context.Context) error{good, slow}, true},
		"one part fails":            {[]func(context.Context) error{good, failing}, false},
		"the first part fails":      {[]func(context.Context) error{failing, good}, false},
	} {
		t.Run(situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				last, fed := time.Now(), 0
				keepFed(ctx, limit, func() {
					if gap := time.Since(last); gap > limit {
						t.Errorf("not fed for %v; systemd would have ended it after %v", gap, limit)
					}
					last = time.Now()
					fed++
				}, slog.New(slog.DiscardHandler), x.checks...)
				if x.fed && time.Since(last) > limit || !x.fed && fed > 0 {
					t.Errorf("fed %d times in an hour, the last time %v before its end", fed, time.Since(last))
				}
			})
		})
	}
	t.Run("one part hangs for good", func(t *testing.T) {
		if err := checkAll(t.Context(), time.Millisecond, []func(context.Context) error{good, deaf}); err == nil {
			t.Error("it was taken for an answer")
		}
	})
	t.Run("a part that hung answers again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			var recovered atomic.Bool
			fed := 0
			time.AfterFunc(3*time.Minute, func() { recovered.Store(true) })
			keepFed(ctx, limit, func() { fed++ }, slog.New(slog.DiscardHandler), func(ctx context.Context) error {
				if !recovered.Load() {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			})
			if fed == 0 {
				t.Error("not fed again")
			}
		})
	})
}
