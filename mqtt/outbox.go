package mqtt

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// An outbox is what waits to be said: the newest announcement, state and info, and short lines of responses, phases and events.
// Nothing in it waits for the broker, and nothing in it grows: whoever fills it is never held up.
type outbox struct {
	limits limits
	wake   chan struct{} // one token: there may be something to send
	room   chan struct{} // one token: there may be room for a response

	mu        sync.Mutex
	responses ring
	phases    ring
	events    ring
	device    latest // the announcement to Home Assistant
	info      latest
	state     latest
	held      bool // a command is being carried out
}

// A outgoing is a message on its way out, with what is needed to settle it afterwards.
type outgoing struct {
	message
	since time.Time
	line  *ring
	of    *latest
	mark  []byte
}

func newOutbox(p limits) *outbox {
	return &outbox{
		limits:    p,
		wake:      make(chan struct{}, 1),
		room:      make(chan struct{}, 1),
		responses: ring{room: p.ringSize, age: p.maxEventAge},
		phases:    ring{room: p.ringSize, age: p.maxPhaseAge},
		events:    ring{room: p.ringSize, age: p.maxEventAge},
	}
}

func (b *outbox) push(l *ring, m message) {
	b.change(func() { l.push(m, time.Now()) })
}

// set makes m the newest of its kind. It is sent when its mark differs from the one last sent.
func (b *outbox) set(n *latest, m message, mark []byte) {
	b.change(func() { n.set(m, mark, time.Now()) })
}

// hold keeps states and events back until answer, so that a response is heard before what its command caused.
func (b *outbox) hold() {
	b.change(func() { b.held = true })
}

func (b *outbox) answer(m message) {
	b.change(func() {
		b.held = false
		b.responses.push(m, time.Now())
	})
}

// refuse answers a command that there was no room for, unless that could push out the answer to one there was.
func (b *outbox) refuse(m message) {
	b.change(func() {
		if len(b.responses.waiting) < b.responses.room/2 {
			b.responses.push(m, time.Now())
		}
	})
}

func (b *outbox) change(f func()) {
	b.mu.Lock()
	f()
	b.mu.Unlock()
	signal(b.wake)
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// awaitRoom keeps a flood of commands from being carried out faster than it is answered. It gives up after a while:
// a broker that hangs must not keep the stop from being carried out.
func (b *outbox) awaitRoom(ctx context.Context) {
	enough, end := context.WithTimeout(ctx, b.limits.maxHold)
	defer end()
	for enough.Err() == nil && !b.hasRoom() {
		select {
		case <-b.room:
		case <-enough.Done():
		}
	}
}

func (b *outbox) hasRoom() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.responses.waiting) < b.responses.room
}

// next takes out what is to be sent now: responses first, then phases, then the rest, so that an answer precedes
// what its command caused. But what has waited for long goes before all, or a flood of commands would leave the
// state untold. When there is nothing, again says after how long to ask anew, if not zero.
func (b *outbox) next(now time.Time) (p outgoing, again time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, ok = b.rest(now, b.limits.maxHold); ok {
		return p, 0, true
	}
	if p, ok = b.responses.pop(now, 0); ok {
		signal(b.room)
		return p, 0, true
	}
	if p, ok = b.phases.pop(now, 0); ok {
		return p, 0, true
	}
	if b.held {
		return outgoing{}, b.limits.maxHold, false
	}
	p, ok = b.rest(now, 0)
	return p, 0, ok
}

// rest is what of events, announcement, info and state has waited so long. What is announced goes before the state,
// which may need it.
func (b *outbox) rest(now time.Time, waited time.Duration) (outgoing, bool) {
	if p, ok := b.events.pop(now, waited); ok {
		return p, true
	}
	if p, ok := b.device.due(now, waited); ok {
		return p, true
	}
	if p, ok := b.info.due(now, waited); ok {
		return p, true
	}
	return b.state.due(now, waited)
}

// announcement is what Home Assistant must hear before all else, if there is one.
func (b *outbox) announcement() (outgoing, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.device.sent = nil
	return b.device.due(time.Now(), 0)
}

// whole is what a broker that knows nothing of us must hear first.
func (b *outbox) whole() []outgoing {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []outgoing
	for _, n := range []*latest{&b.state, &b.info} {
		n.sent = nil
		if p, ok := n.due(time.Now(), 0); ok {
			all = append(all, p)
		}
	}
	return all
}

// settle is told of every parcel whether the broker has it.
func (b *outbox) settle(p outgoing, sent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case p.of != nil && sent:
		p.of.sent = p.mark
	case p.line != nil && !sent:
		p.line.back(p)
	}
}

// latest is a value of which only the last counts.
type latest struct {
	message
	mark  []byte    // what it says
	sent  []byte    // the mark that the broker last took
	since time.Time // when it began to differ
}

func (n *latest) set(m message, mark []byte, now time.Time) {
	if bytes.Equal(n.mark, n.sent) {
		n.since = now
	}
	n.message, n.mark = m, mark
}

func (n *latest) due(now time.Time, waited time.Duration) (outgoing, bool) {
	if bytes.Equal(n.mark, n.sent) || now.Sub(n.since) < waited {
		return outgoing{}, false
	}
	return outgoing{message: n.message, of: n, mark: n.mark}, true
}

// A ring keeps the newest of many, for as long as they are news.
type ring struct {
	room    int
	age     time.Duration
	waiting []outgoing
}

func (l *ring) push(m message, now time.Time) {
	if len(l.waiting) >= l.room {
		l.drop()
	}
	l.waiting = append(l.waiting, outgoing{message: m, since: now, line: l})
}

func (l *ring) pop(now time.Time, waited time.Duration) (outgoing, bool) {
	for len(l.waiting) > 0 {
		p := l.waiting[0]
		old := now.Sub(p.since)
		if old < waited {
			break
		}
		l.drop()
		if old <= l.age {
			return p, true
		}
	}
	return outgoing{}, false
}

// drop forgets the oldest.
func (l *ring) drop() { l.waiting = append(l.waiting[:0], l.waiting[1:]...) }

// back takes again what could not be sent.
func (l *ring) back(p outgoing) {
	if len(l.waiting) < l.room {
		l.waiting = append([]outgoing{p}, l.waiting...)
	}
}
