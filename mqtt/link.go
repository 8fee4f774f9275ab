package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A link keeps us at the broker: it connects, says who we are and what waits in the outbox, and connects again.
// All that is published is published here, in one goroutine, one message at a time.
type link struct {
	cfg    Config
	pace   pace
	place  place
	box    *outbox
	handle paho.MessageHandler
	report reporter
	memory *memory
	log    *slog.Logger
}

// run returns when ctx ends and leave is taken. Failures in a row slow the tries down, and so do connections that
// hold for moments only, as when two clients with one id throw each other out.
func (l *link) run(ctx context.Context) {
	failures, flaps := 0, 0
	for {
		up, err := l.visit(ctx)
		if ctx.Err() != nil {
			return
		}
		hint := ""
		if up > 0 && flaps > 2 {
			hint = "it takes us in and throws us out: look whether a second guided has the same client id, " + l.cfg.clientID()
		}
		l.report.away(err, hint)
		if up > 0 {
			failures = 0
		}
		if up > l.pace.steady {
			flaps = 0
		}
		select {
		case <-time.After(l.pace.retry(failures + flaps)):
		case <-ctx.Done():
			return
		}
		if up > 0 {
			flaps++
		} else {
			failures++
		}
	}
}

// visit is one connection from its beginning to its end. It says how long we were online; zero is not at all.
func (l *link) visit(ctx context.Context) (up time.Duration, err error) {
	will := l.place.status(false)
	h := newHerald(l.cfg, l.pace, l.memory, l.log)
	c, err := open(ctx, l.cfg, l.pace, l.cfg.clientID(), &will, func(from paho.Client, m paho.Message) {
		if !h.hear(m) {
			l.handle(from, m)
		}
	})
	if err != nil {
		return 0, err
	}

	// What is on its way when ctx ends, and the farewell, have a little time of their own.
	late, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(l.pace.farewell, end) })
	defer stop()

	old := l.memory.keeps(l.cfg.Broker, l.cfg.retained())
	if err = l.arrive(late, c, h); err == nil {
		l.report.back()
		began := time.Now()
		here, away := context.WithCancel(ctx)
		var tidying sync.WaitGroup
		tidying.Go(func() { h.tidy(here, old) })
		err = l.serve(ctx, late, c, h)
		away()
		tidying.Wait()
		up = time.Since(began)
	}
	if err == nil {
		err = l.leave(late, c)
	}
	if err == nil {
		c.close()
		return up, nil
	}
	c.drop()
	var refused *refusedError
	if err != errNoAnswer && !errors.As(err, &refused) {
		err = c.loss() // says more than what failed because of it
	}
	return up, err
}

// arrive makes the broker know us as if it had never heard of us: it may have lost everything. We are online only
// when we can hear.
func (l *link) arrive(ctx context.Context, c *conn, h *herald) error {
	if err := c.hear(ctx, l.place.commands()...); err != nil {
		return err
	}
	if err := h.arrived(ctx, c); err != nil {
		return err
	}
	return l.introduce(ctx, c, h)
}

// serve says what there is to say, until the connection is lost or ctx ends; the latter is no error.
func (l *link) serve(ctx, late context.Context, c *conn, h *herald) error {
	for ctx.Err() == nil {
		if busy, err := l.plan(late, c, h); err != nil || busy {
			if err != nil {
				return err
			}
			continue
		}
		p, again, ok := l.box.next(time.Now())
		if ok {
			if err := l.post(late, c, h, p); err != nil {
				return err
			}
			continue
		}
		if wait := h.wait(time.Now()); wait > 0 && (again == 0 || wait < again) {
			again = wait
		}
		var timer <-chan time.Time
		if again > 0 {
			timer = time.After(again)
		}
		select {
		case <-l.box.wake:
		case word := <-h.words:
			h.heard(word, time.Now())
		case <-timer:
		case <-c.lost:
			return c.loss()
		case <-ctx.Done():
		}
	}
	return nil
}

// leave says what still waits, in half of the time there is, and that we are gone: after a clean end the broker
// does not send our last will.
func (l *link) leave(late context.Context, c *conn) error {
	for half := time.Now().Add(l.pace.farewell / 2); time.Now().Before(half); {
		p, _, ok := l.box.next(time.Now())
		if !ok {
			break
		}
		if err := l.send(late, c, p); err != nil {
			return err
		}
	}
	return c.say(late, l.place.status(false))
}

func (l *link) send(ctx context.Context, c *conn, p parcel) error {
	err := c.say(ctx, p.message)
	l.box.settle(p, err == nil)
	return err
}
