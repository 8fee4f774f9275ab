// Package mqtt is the player on a broker: commands in, responses, state and events out.
//
// [Run] is the daemon's side and lasts for the whole program. [Send] and [Follow] are the other side of the same
// topics, for the command line. [Embedded] is a broker of our own, for a house that has none; it is talked to like
// any other.
//
// The broker is a guest: it may be missing at the start, die in the middle, lose all it knew or change its mind about
// our password, and nothing here waits for it. Routines play on, and on its return it is told the whole state.
// A command is carried out at most once, within seconds of being given, or it is refused; in no case later.
package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"guided/player"
)

// Run keeps the player on the broker until ctx ends, and says "offline" before it returns. A broker that is missing
// is no error; a [Config] that cannot work is.
//
// The feed is read without pause. Commands come to do one at a time, with the moment they were received; do must
// answer at once.
func Run(ctx context.Context, cfg Config, do func(payload []byte, received time.Time) player.Response, feed player.Feed, log *slog.Logger) error {
	return run(ctx, cfg, defaultLimits(), do, feed, log)
}

func run(ctx context.Context, cfg Config, p limits, do func([]byte, time.Time) player.Response, feed player.Feed, log *slog.Logger) error {
	if err := cfg.usable(); err != nil {
		return err
	}
	box, at := newOutbox(p), cfg.topics()
	in := &inbox{
		do: do, limits: p, topics: at, outbox: box, log: log,
		queue: make(chan command, p.queueLength),
		kept:  map[string]bool{},
	}
	l := &publisher{
		cfg: cfg, limits: p, topics: at, outbox: box, handle: in.receive,
		report: reporter{log: log, broker: cfg.Broker}, memory: openStore(cfg.Memory, log), log: log,
	}
	var all sync.WaitGroup
	all.Go(func() { collect(ctx, feed, cfg, box, log) })
	all.Go(func() { in.run(ctx) })
	all.Go(func() { l.run(ctx) })
	all.Wait()
	return nil
}

// usable is Check as one error, without the files: those may be mended while we run.
func (c Config) usable() error {
	wrong := c.checkValues()
	if c.Broker == "" {
		wrong = append(wrong, "mqtt.broker: none is named; start the embedded one first")
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n"))
	}
	return nil
}
