package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A publisher keeps us at the broker: it connects, says who we are and what waits in the outbox, and connects again.
// All that is published is published here, in one goroutine, one message at a time.
type publisher struct {
	cfg    Config
	limits limits
	topics topics
	outbox *outbox
	handle paho.MessageHandler
	report reporter
	memory *publishedStore
	log    *slog.Logger
}

// run returns when ctx ends and leave is taken. Failures in a row slow the tries down, and so do connections that
// hold for moments only, as when two clients with one id throw each other out.
func (l *publisher) run(ctx context.Context) {
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
		l.report.disconnected(err, hint)
		if up > 0 {
			failures = 0
		}
		if up > l.limits.stableAfter {
			flaps = 0
		}
		select {
		case <-time.After(l.limits.retry(failures + flaps)):
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
func (l *publisher) visit(ctx context.Context) (up time.Duration, err error) {
	will := l.topics.status(false)
	h := newHerald(l.cfg, l.limits, l.memory, l.log)
	c, err := connect(ctx, l.cfg, l.limits, l.cfg.clientID(), &will, func(from paho.Client, m paho.Message) {
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
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(l.limits.shutdown, end) })
	defer stop()

	old := l.memory.setTopics(l.cfg.Broker, l.cfg.retainedTopics())
	if err = l.arrive(late, c, h); err == nil {
		l.report.connected()
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
	c.abort()
	var refused *subscribeRefusedError
	if err != errNoAnswer && !errors.As(err, &refused) {
		err = c.lostError() // says more than what failed because of it
	}
	return up, err
}

// arrive makes the broker know us as if it had never heard of us: it may have lost everything. We are online only
// when we can hear.
func (l *publisher) arrive(ctx context.Context, c *connection, h *announcer) error {
	if err := c.subscribe(ctx, l.topics.commands()...); err != nil {
		return err
	}
	if err := h.arrived(ctx, c); err != nil {
		return err
	}
	return l.introduce(ctx, c, h)
}

// serve says what there is to say, until the connection is lost or ctx ends; the latter is no error.
func (l *publisher) serve(ctx, late context.Context, c *connection, h *announcer) error {
	for ctx.Err() == nil {
		if busy, err := l.plan(late, c, h); err != nil || busy {
			if err != nil {
				return err
			}
			continue
		}
		p, again, ok := l.outbox.next(time.Now())
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
		case <-l.outbox.wake:
		case word := <-h.words:
			h.heard(word, time.Now())
		case <-timer:
		case <-c.lost:
			return c.lostError()
		case <-ctx.Done():
		}
	}
	return nil
}

// leave says what still waits, in half of the time there is, and that we are gone: after a clean end the broker
// does not send our last will.
func (l *publisher) leave(late context.Context, c *connection) error {
	for half := time.Now().Add(l.limits.shutdown / 2); time.Now().Before(half); {
		p, _, ok := l.outbox.next(time.Now())
		if !ok {
			break
		}
		if err := l.send(late, c, p); err != nil {
			return err
		}
	}
	return c.publish(late, l.topics.status(false))
}

func (l *publisher) send(ctx context.Context, c *connection, p outgoing) error {
	err := c.publish(ctx, p.message)
	l.outbox.settle(p, err == nil)
	return err
}

// introduce says all that we are, in the order in which Home Assistant can make use of it.
func (l *publisher) introduce(ctx context.Context, c *connection, h *announcer) error {
	if p, ok := l.outbox.announcement(); ok {
		if err := l.announce(ctx, c, h, p); err != nil {
			return err
		}
	}
	if err := c.publish(ctx, l.topics.status(true)); err != nil {
		return err
	}
	h.againAt = time.Time{}
	return l.tell(ctx, c)
}

// tell says how things are, again.
func (l *publisher) tell(ctx context.Context, c *connection) error {
	for _, p := range l.outbox.whole() {
		if err := l.send(ctx, c, p); err != nil {
			return err
		}
	}
	return nil
}

// announce says the first stage of what makes us known; the herald has the others.
func (l *publisher) announce(ctx context.Context, c *connection, h *announcer, p outgoing) error {
	now := time.Now()
	h.begin(p.message, now)
	l.outbox.settle(p, true)
	_, err := l.stage(ctx, c, h, now)
	return err
}

// stage says what the herald has to say now.
func (l *publisher) stage(ctx context.Context, c *connection, h *announcer, now time.Time) (said bool, err error) {
	m, ok := h.next(now)
	if !ok {
		return false, nil
	}
	if err := c.publish(ctx, m); err != nil {
		return false, err
	}
	h.said(time.Now())
	return true, nil
}

// plan does what the herald has planned for now.
func (l *publisher) plan(ctx context.Context, c *connection, h *announcer) (busy bool, err error) {
	now := time.Now()
	due := func(t *time.Time) bool {
		is := !t.IsZero() && !now.Before(*t)
		if is {
			*t = time.Time{}
		}
		return is
	}
	switch {
	case due(&h.birthAt):
		return true, l.introduce(ctx, c, h)
	case due(&h.againAt):
		return true, l.tell(ctx, c)
	}
	return l.stage(ctx, c, h, now)
}

// post sends a parcel; what is announced has a way of its own.
func (l *publisher) post(ctx context.Context, c *connection, h *announcer, p outgoing) error {
	if p.of != &l.outbox.device {
		return l.send(ctx, c, p)
	}
	h.againAt = time.Now().Add(l.limits.stageInterval)
	return l.announce(ctx, c, h, p)
}
