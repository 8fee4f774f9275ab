package mqtt

import (
	"context"
	"time"
)

// introduce says all that we are, in the order in which Home Assistant can make use of it.
func (l *link) introduce(ctx context.Context, c *conn, h *herald) error {
	if p, ok := l.box.announcement(); ok {
		if err := l.announce(ctx, c, h, p); err != nil {
			return err
		}
	}
	if err := c.say(ctx, l.place.status(true)); err != nil {
		return err
	}
	h.againAt = time.Time{}
	return l.tell(ctx, c)
}

// tell says how things are, again.
func (l *link) tell(ctx context.Context, c *conn) error {
	for _, p := range l.box.whole() {
		if err := l.send(ctx, c, p); err != nil {
			return err
		}
	}
	return nil
}

// announce says the first stage of what makes us known; the herald has the others.
func (l *link) announce(ctx context.Context, c *conn, h *herald, p parcel) error {
	now := time.Now()
	h.begin(p.message, now)
	l.box.settle(p, true)
	_, err := l.stage(ctx, c, h, now)
	return err
}

// stage says what the herald has to say now.
func (l *link) stage(ctx context.Context, c *conn, h *herald, now time.Time) (said bool, err error) {
	m, ok := h.next(now)
	if !ok {
		return false, nil
	}
	if err := c.say(ctx, m); err != nil {
		return false, err
	}
	h.said(time.Now())
	return true, nil
}

// plan does what the herald has planned for now.
func (l *link) plan(ctx context.Context, c *conn, h *herald) (busy bool, err error) {
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
func (l *link) post(ctx context.Context, c *conn, h *herald, p parcel) error {
	if p.of != &l.box.device {
		return l.send(ctx, c, p)
	}
	h.againAt = time.Now().Add(l.pace.step)
	return l.announce(ctx, c, h, p)
}
