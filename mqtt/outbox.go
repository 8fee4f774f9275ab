package mqtt

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// An outbox holds what waits to be published: the latest announcement, info, state and history, and short rings of responses,
// phases and events. It has a fixed size and never waits for the broker, so whoever fills it is never held up by it.
type outbox struct {
	limits limits
	wake   chan struct{} // one token: there may be something to send
	room   chan struct{} // one token: there may be room for a response

	mu           sync.Mutex
	urgent       ring // responses to urgent commands
	responses    ring
	phases       ring
	events       ring
	announcement latest
	info         latest
	state        latest
	history      latest
	executing    int // commands: states and events wait for their responses
}

// An outgoing is a message taken out of the outbox. settle must be called with it.
type outgoing struct {
	message
	queued  time.Time
	ring    *ring   // from which it was taken, or
	latest  *latest // of which it is the value, with
	content []byte  // this content
}

func newOutbox(l limits) *outbox {
	return &outbox{
		limits:    l,
		wake:      make(chan struct{}, 1),
		room:      make(chan struct{}, 1),
		urgent:    ring{size: l.urgentRingSize, maxAge: l.maxEventAge},
		responses: ring{size: l.ringSize, maxAge: l.maxEventAge},
		phases:    ring{size: l.ringSize, maxAge: l.maxPhaseAge},
		events:    ring{size: l.ringSize, maxAge: l.maxEventAge},
	}
}

// push adds a message to one of the rings.
func (o *outbox) push(r *ring, m message) {
	o.update(func() { r.push(m, time.Now()) })
}

// set makes m the latest of its kind. It is published when its content differs from what was published last.
func (o *outbox) set(l *latest, m message, content []byte) {
	o.update(func() { l.set(m, content, time.Now()) })
}

// beginCommand holds states and events back until endCommand, so that a response precedes what its command caused. It
// waits for room for the response, or a flood of commands would be executed faster than it is answered; but not for
// long, because a broker that hangs must not delay a stop.
func (o *outbox) beginCommand(ctx context.Context) {
	waiting, end := context.WithTimeout(ctx, o.limits.maxHold)
	defer end()
	for waiting.Err() == nil && !o.hasRoom() {
		select {
		case <-o.room:
		case <-waiting.Done():
		}
	}
	o.update(func() { o.executing++ })
}

func (o *outbox) endCommand(response message) {
	o.update(func() {
		o.executing--
		o.responses.push(response, time.Now())
	})
}

// beginUrgent is beginCommand for an urgent command, which does not wait for room.
func (o *outbox) beginUrgent() { o.update(func() { o.executing++ }) }

func (o *outbox) endUrgent(responses []message) {
	o.update(func() {
		o.executing--
		for _, m := range responses {
			o.urgent.push(m, time.Now())
		}
	})
}

// refuse takes the response to a command that there was no room for, unless it could displace the response to a command
// that was executed.
func (o *outbox) refuse(response message) {
	o.update(func() {
		if len(o.responses.waiting) < o.responses.size/2 {
			o.responses.push(response, time.Now())
		}
	})
}

func (o *outbox) update(change func()) {
	o.mu.Lock()
	change()
	o.mu.Unlock()
	signal(o.wake)
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (o *outbox) hasRoom() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.responses.waiting) < o.responses.size
}

// next takes out what is to be published now: responses first, of them the urgent ones, then phases, then the rest, so that a response precedes
// what its command caused. But what has waited for maxHold precedes all, or a flood of commands would keep the state
// back. When there is nothing, wait says in how long there may be; zero is for ever.
func (o *outbox) next(now time.Time) (m outgoing, wait time.Duration, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m, ok = o.rest(now, o.limits.maxHold); ok {
		return m, 0, true
	}
	if m, ok = o.urgent.pop(now, 0); ok {
		return m, 0, true
	}
	if m, ok = o.responses.pop(now, 0); ok {
		signal(o.room)
		return m, 0, true
	}
	if m, ok = o.phases.pop(now, 0); ok {
		return m, 0, true
	}
	if o.executing > 0 {
		return outgoing{}, o.limits.maxHold, false
	}
	m, ok = o.rest(now, 0)
	return m, 0, ok
}

// rest takes out the first of events, announcement, info, state and history that has waited so long. The announcement precedes
// the state, which may belong to a new entity.
func (o *outbox) rest(now time.Time, waited time.Duration) (outgoing, bool) {
	if m, ok := o.events.pop(now, waited); ok {
		return m, true
	}
	for _, l := range []*latest{&o.announcement, &o.info, &o.state, &o.history} {
		if m, ok := l.unsent(now, waited); ok {
			return m, true
		}
	}
	return outgoing{}, false
}

// again takes out the latest values that there are, also where they were published before. While a response is still to
// come it takes none: they may be what its command has caused, and next gives them after it.
func (o *outbox) again(values ...*latest) []outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	held := o.executing > 0 || len(o.urgent.waiting) > 0 || len(o.responses.waiting) > 0
	var all []outgoing
	for _, l := range values {
		l.sent, l.since = nil, time.Now()
		if m, ok := l.unsent(l.since, 0); ok && !held {
			all = append(all, m)
		}
	}
	return all
}

// settle takes note whether a message was published.
func (o *outbox) settle(m outgoing, published bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case m.latest != nil && published:
		m.latest.sent = m.content
	case m.ring != nil && !published:
		m.ring.putBack(m)
	}
}

// A latest is a value of which only the newest counts.
type latest struct {
	message
	content []byte    // by which values are compared
	sent    []byte    // the content that was published last
	since   time.Time // when content began to differ from sent
}

func (l *latest) set(m message, content []byte, now time.Time) {
	if bytes.Equal(l.content, l.sent) {
		l.since = now
	}
	l.message, l.content = m, content
}

// unsent is the value, if it was not published and has waited so long.
func (l *latest) unsent(now time.Time, waited time.Duration) (outgoing, bool) {
	if bytes.Equal(l.content, l.sent) || now.Sub(l.since) < waited {
		return outgoing{}, false
	}
	return outgoing{message: l.message, latest: l, content: l.content}, true
}

// A ring keeps the newest messages up to its size, and none for longer than maxAge.
type ring struct {
	size    int
	maxAge  time.Duration
	waiting []outgoing
}

func (r *ring) push(m message, now time.Time) {
	if len(r.waiting) >= r.size {
		r.dropOldest()
	}
	r.waiting = append(r.waiting, outgoing{message: m, queued: now, ring: r})
}

// pop takes out the oldest message that is not too old, if it has waited so long.
func (r *ring) pop(now time.Time, waited time.Duration) (outgoing, bool) {
	for len(r.waiting) > 0 {
		m := r.waiting[0]
		age := elapsed(m.queued, now)
		if age < waited {
			break
		}
		r.dropOldest()
		if age <= r.maxAge {
			return m, true
		}
	}
	return outgoing{}, false
}

func (r *ring) dropOldest() { r.waiting = append(r.waiting[:0], r.waiting[1:]...) }

// putBack puts a message that was not published back to its place, unless the ring is full of newer ones.
func (r *ring) putBack(m outgoing) {
	if len(r.waiting) < r.size {
		r.waiting = append([]outgoing{m}, r.waiting...)
	}
}
