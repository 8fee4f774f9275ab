// Package mqtt connects the player to a broker: commands in; responses, state, info, events and phases out.
//
// [Run] is the daemon's side and lasts for the whole program. [Send], [Follow] and [Purge] are the other side of the
// same topics, for the command line. A [Broker] is one inside the program, for a home that has none; it is used over the
// network like any other.
//
// Its law: the broker is never relied on. It may be missing at the start, die, lose everything that it retained or
// change the password, and nothing here waits for it: routines play on, and at every connect the whole state is
// published. A command is executed at most once, within seconds of its arrival, or it is refused; never later.
//
// Begin with [Run]. A state comes in at collect (feed.go), waits in the outbox, and is published by the publisher; a
// command comes in at publisher.receive and is executed by the inbox.
package mqtt

import (
	"context"
	"log/slog"
	"sync"

	"guided/player"
)

// Run keeps the player on the broker until ctx ends, and publishes "offline" before it returns. A missing broker is no
// error; [Options] that cannot work are.
//
// The feed is read without pause. do is called with a command and where it comes from, from two goroutines: of the
// urgent commands (stop, pause, duck, unduck, volume) one at a time, and of the others one at a time. An urgent one must
// return at once, and may be given again after a slow one that it overtook. A panic in do ends the process.
func Run(ctx context.Context, options Options, do func(payload []byte, from string) player.Response, feed player.Feed, log *slog.Logger) error {
	l := defaultLimits()
	if options.Embedded {
		l.keepAlive = 0
	}
	return run(ctx, options, l, do, feed, log)
}

func run(ctx context.Context, options Options, l limits, do func([]byte, string) player.Response, feed player.Feed, log *slog.Logger) error {
	if err := options.usable(); err != nil {
		return err
	}
	out, t := newOutbox(l), options.topics()
	in := newInbox(do, l, t, out, log)
	in.checks = options.Checks
	p := newPublisher(options, l, in, out, log)
	var parts sync.WaitGroup
	parts.Go(func() { collect(ctx, feed, options, out, log) })
	parts.Go(func() { in.run(ctx) })
	parts.Go(func() { p.run(ctx) })
	parts.Wait()
	return nil
}
