package mqtt

import (
	"context"
	"sync"
	"time"
)

// An outbox is what waits to be said: the newest announcement, state and info, and short lines of responses, phases and events.
// Nothing in it waits for the broker, and nothing in it grows: whoever fills it is never held up.
type outbox struct {
	pace pace
	wake chan struct{} // one token: there may be something to send
	room chan struct{} // one token: there may be room for a response

	mu        sync.Mutex
	responses line
	phases    line
	events    line
	device    newest // the announcement to Home Assistant
	info      newest
	state     newest
	held      bool // a command is being carried out
}

// A parcel is a message on its way out, with what is needed to settle it afterwards.
type parcel struct {
	message
	since time.Time
	line  *line
	of    *newest
	mark  []byte
}

func newOutbox(p pace) *outbox {
	return &outbox{
		pace:      p,
		wake:      make(chan struct{}, 1),
		room:      make(chan struct{}, 1),
		responses: line{room: p.ring, age: p.eventAge},
		phases:    line{room: p.ring, age: p.phaseAge},
		events:    line{room: p.ring, age: p.eventAge},
	}
}

func (b *outbox) push(l *line, m message) {
	b.change(func() { l.push(m, time.Now()) })
}

// set makes m the newest of its kind. It is sent when its mark differs from the one last sent.
func (b *outbox) set(n *newest, m message, mark []byte) {
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
	enough, end := context.WithTimeout(ctx, b.pace.hold)
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
func (b *outbox) next(now time.Time) (p parcel, again time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, ok = b.rest(now, b.pace.hold); ok {
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
		return parcel{}, b.pace.hold, false
	}
	p, ok = b.rest(now, 0)
	return p, 0, ok
}

// rest is what of events, announcement, info and state has waited so long. What is announced goes before the state,
// which may need it.
func (b *outbox) rest(now time.Time, waited time.Duration) (parcel, bool) {
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
func (b *outbox) announcement() (parcel, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.device.sent = nil
	return b.device.due(time.Now(), 0)
}

// whole is what a broker that knows nothing of us must hear first.
func (b *outbox) whole() []parcel {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []parcel
	for _, n := range []*newest{&b.state, &b.info} {
		n.sent = nil
		if p, ok := n.due(time.Now(), 0); ok {
			all = append(all, p)
		}
	}
	return all
}

// settle is told of every parcel whether the broker has it.
func (b *outbox) settle(p parcel, sent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case p.of != nil && sent:
		p.of.sent = p.mark
	case p.line != nil && !sent:
		p.line.back(p)
	}
}
