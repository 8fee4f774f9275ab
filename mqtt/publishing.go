package mqtt

import (
	"context"
	"errors"
	"slices"
	"time"

	"guided/homeassistant"
)

// send publishes a message, unless the broker does not take it.
func (p *publisher) send(ctx context.Context, c *connection, m message) error {
	m, ok := p.accepts.fit(m)
	if !ok {
		return nil
	}
	if m.retained {
		p.give(m.topic)
		defer p.give("")
	}
	err := c.publish(ctx, m)
	if err == nil && m.qos == 0 && modes()[p.accepts.mode].qos == 0 {
		err = c.barrier(ctx, p.topics.node+"/sweep")
	}
	if err == nil {
		p.accepts.took(m)
		p.markerQoS.Store(int32(modes()[p.accepts.mode].qos))
		if m.retained {
			p.keep(m)
		}
	}
	return p.closedAt(ctx, c, m, err)
}

// closedAt takes note of a connection that the broker closed while it was to take a message or subscription. Once may be
// by chance, unless the message is large.
func (p *publisher) closedAt(ctx context.Context, c *connection, m message, err error) error {
	var refused *subscribeRefusedError
	if err == nil || err == errNoAnswer || ctx.Err() != nil || errors.As(err, &refused) || !c.wasClosed() {
		return err
	}
	before := p.accepts.suspected(m.topic)
	p.accepts.closedDuring(m)
	return &closedAtError{m.topic, len(m.payload), !before && len(m.payload) <= ordinarySize, err}
}

// publishNext does what is due first, for the announcer or from the outbox. When nothing is, wait says in how long there
// may be something; zero is for ever.
func (p *publisher) publishNext(ctx context.Context, c *connection, a *announcer) (published bool, wait time.Duration, err error) {
	due, wait := a.next(time.Now())
	switch due {
	case dueEverything:
		return true, 0, p.publishEverything(ctx, c, a)
	case dueState:
		return true, 0, p.publishState(ctx, c, a)
	case dueStage:
		return true, 0, p.publishStage(ctx, c, a)
	}
	m, waitOutbox, ok := p.outbox.next(time.Now())
	switch {
	case !ok:
		return false, sooner(wait, waitOutbox), nil
	case m.latest == &p.outbox.announcement:
		p.announce(a, m)
		return true, 0, nil
	}
	return true, 0, p.publish(ctx, c, m)
}

// publish publishes a message of the outbox.
func (p *publisher) publish(ctx context.Context, c *connection, m outgoing) error {
	err := p.send(ctx, c, m.message)
	p.outbox.settle(m, err == nil)
	return err
}

// publishEverything publishes what we are, in the order in which Home Assistant needs it: the device first, with the
// first stage of its announcement, then that it is available, and then its state.
func (p *publisher) publishEverything(ctx context.Context, c *connection, a *announcer) error {
	for _, m := range p.outbox.again(&p.outbox.announcement) {
		p.announce(a, m)
		if p.accepts.suspected(m.topic) {
			continue // it comes last
		}
		if err := p.publishStage(ctx, c, a); err != nil {
			return err
		}
	}
	if err := p.send(ctx, c, p.topics.status(true)); err != nil {
		return err
	}
	return p.publishState(ctx, c, a)
}

// publishState publishes state, info and history, whether they have changed or not.
func (p *publisher) publishState(ctx context.Context, c *connection, a *announcer) error {
	all := p.outbox.again(&p.outbox.state, &p.outbox.info, &p.outbox.history)
	slices.SortStableFunc(all, func(a, b outgoing) int { // suspected ones last
		return boolInt(p.accepts.suspected(a.topic)) - boolInt(p.accepts.suspected(b.topic))
	})
	for _, m := range all {
		if err := p.publish(ctx, c, m); err != nil {
			return err
		}
	}
	a.statePublished()
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// announce gives the announcer the stages of an announcement from the outbox.
func (p *publisher) announce(a *announcer, m outgoing) {
	components, err := homeassistant.Components(m.payload)
	var payloads [][]byte
	if err == nil {
		payloads, p.removing, err = boundedStages(m.payload, p.store.setComponents(p.options.Broker, components))
	}
	if err != nil {
		p.log.Error("removed entities cannot be removed from Home Assistant", "error", err)
		payloads = [][]byte{m.payload}
	}
	var stages []message
	for _, payload := range payloads {
		stages = append(stages, message{m.topic, payload, m.qos, m.retained})
	}
	a.announce(stages, time.Now())
	p.outbox.settle(m, true)
}

func (p *publisher) publishStage(ctx context.Context, c *connection, a *announcer) error {
	if err := p.send(ctx, c, a.stage()); err != nil {
		return err
	}
	if a.stagePublished(time.Now()) {
		p.store.forgetRemoved(p.options.Broker, p.removing)
	}
	return nil
}

// clearFormer clears what we left on former topics, some time after the announcement: Home Assistant then no longer
// reads them.
func (p *publisher) clearFormer(ctx context.Context, topics []string) {
	if len(topics) == 0 {
		return
	}
	select {
	case <-time.After(p.limits.clearDelay):
	case <-ctx.Done():
		return
	}
	if err := clearFormer(ctx, p.options, p.limits, topics); err != nil {
		if ctx.Err() == nil {
			p.log.Warn("former topics could not be emptied; it is tried again at the next connect", "topics", topics, "error", err)
		}
		return
	}
	p.store.forgetTopics(p.options.Broker, topics)
	if !p.options.announces() {
		p.store.forgetDevice(p.options.Broker)
	}
}

// goOffline publishes what still waits, for half of the time there is, and that we are offline: at a clean end the broker
// does not publish our last will.
func (p *publisher) goOffline(ctx context.Context, c *connection) error {
	for half := time.Now().Add(p.limits.shutdown / 2); time.Now().Before(half); {
		m, _, ok := p.outbox.next(time.Now())
		if !ok {
			break
		}
		if err := p.publish(ctx, c, m); err != nil {
			return err
		}
	}
	return p.send(ctx, c, p.topics.status(false))
}
