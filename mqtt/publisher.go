package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"guided/homeassistant"
)

// A publisher keeps a connection to the broker: it connects, announces us, publishes what waits in the outbox, and
// connects again. All that the daemon publishes is published here, in one goroutine, one message at a time.
type publisher struct {
	options Options
	limits  limits
	topics  topics
	inbox   *inbox
	outbox  *outbox
	store   *publishedStore
	outages outageLog
	log     *slog.Logger
}

// run returns when ctx ends and we are offline. The retries slow down with failures in a row, and with connections that
// hold only for moments, as when two clients with the same id disconnect each other.
func (p *publisher) run(ctx context.Context) {
	failures, flaps := 0, 0
	for {
		online, err := p.oneConnection(ctx)
		if ctx.Err() != nil {
			return
		}
		hint := ""
		if online > 0 && flaps > 2 {
			hint = "it accepts the connection and closes it soon after: look whether a second guided has the same client id, " + p.options.clientID()
		}
		p.outages.disconnected(err, hint)
		if online > 0 {
			failures = 0
		}
		if online > p.limits.stableAfter {
			flaps = 0
		}
		select {
		case <-time.After(p.limits.retry(failures + flaps)):
		case <-ctx.Done():
			return
		}
		if online > 0 {
			flaps++
		} else {
			failures++
		}
	}
}

// oneConnection is one connection from its beginning to its end. It returns how long we were online; zero is not at all.
func (p *publisher) oneConnection(ctx context.Context) (online time.Duration, err error) {
	will := p.topics.status(false)
	births := make(chan string, 8)
	c, err := connect(ctx, p.options.Config, p.limits, p.options.clientID(), &will, func(_ paho.Client, m paho.Message) {
		p.receive(m, births)
	})
	if err != nil {
		return 0, err
	}

	// late outlives ctx a little: for the message that is being published, and for going offline.
	late, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(p.limits.shutdown, end) })
	defer stop()

	if online, err = p.use(ctx, late, c, births); err == nil {
		err = p.goOffline(late, c)
	}
	if err == nil {
		c.close()
		return online, nil
	}
	c.abort()
	var refused *subscribeRefusedError
	if err != errNoAnswer && !errors.As(err, &refused) {
		err = c.lostError() // the reason of what failed because of it
	}
	return online, err
}

// receive takes a message from the broker: Home Assistant's birth and last will go to births, all else is a command. A
// retained birth says nothing of now. It never waits.
func (p *publisher) receive(m paho.Message, births chan<- string) {
	if !p.options.announces() || m.Topic() != p.options.HomeAssistant.BirthTopic() {
		p.inbox.receive(m)
		return
	}
	if m.Retained() {
		return
	}
	select {
	case births <- string(m.Payload()):
	default:
	}
}

// use subscribes, publishes everything, as the broker may have lost all it knew of us, and then what comes, until the
// connection is lost or ctx ends; the latter is no error. We say that we are online only when we receive commands.
func (p *publisher) use(ctx, late context.Context, c *connection, births <-chan string) (online time.Duration, err error) {
	former := p.store.setTopics(p.options.Broker, p.options.retainedTopics())
	if err := c.subscribe(late, p.topics.commands()...); err != nil {
		return 0, err
	}
	if err := p.subscribeBirths(late, c); err != nil {
		return 0, err
	}
	a := &announcer{stageInterval: p.limits.stageInterval}
	if err := p.publishEverything(late, c, a); err != nil {
		return 0, err
	}
	p.outages.connected()
	began := time.Now()
	clearing, end := context.WithCancel(ctx)
	var cleared sync.WaitGroup
	cleared.Go(func() { p.clearFormer(clearing, former) })
	err = p.serve(ctx, late, c, a, births)
	end()
	cleared.Wait()
	return time.Since(began), err
}

// subscribeBirths subscribes to Home Assistant's birth message. A broker that refuses it gets everything else of us.
func (p *publisher) subscribeBirths(ctx context.Context, c *connection) error {
	if !p.options.announces() {
		return nil
	}
	topic := p.options.HomeAssistant.BirthTopic()
	err := c.subscribe(ctx, topic)
	var refused *subscribeRefusedError
	if errors.As(err, &refused) {
		p.log.Warn("the broker refuses the subscription to the status of Home Assistant", "topic", topic,
			"hint", "allow this user to read it in the broker's acl_file; until then the device may be unavailable after a restart of Home Assistant")
		return nil
	}
	return err
}

// serve publishes what there is, until the connection is lost or ctx ends.
func (p *publisher) serve(ctx, late context.Context, c *connection, a *announcer, births <-chan string) error {
	for ctx.Err() == nil {
		published, wait, err := p.publishNext(late, c, a)
		if err != nil {
			return err
		}
		if published {
			continue
		}
		var timer <-chan time.Time
		if wait > 0 {
			timer = time.After(wait)
		}
		select {
		case <-p.outbox.wake:
		case status := <-births:
			a.homeAssistant(status, time.Now(), p.limits.birthAnswer())
		case <-timer:
		case <-c.lost:
			return c.lostError()
		case <-ctx.Done():
		}
	}
	return nil
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
	err := c.publish(ctx, m.message)
	p.outbox.settle(m, err == nil)
	return err
}

// publishEverything publishes what we are, in the order in which Home Assistant needs it: the device first, with the
// first stage of its announcement, then that it is available, and then its state.
func (p *publisher) publishEverything(ctx context.Context, c *connection, a *announcer) error {
	for _, m := range p.outbox.again(&p.outbox.announcement) {
		p.announce(a, m)
		if err := p.publishStage(ctx, c, a); err != nil {
			return err
		}
	}
	if err := c.publish(ctx, p.topics.status(true)); err != nil {
		return err
	}
	return p.publishState(ctx, c, a)
}

// publishState publishes state and info, whether they have changed or not.
func (p *publisher) publishState(ctx context.Context, c *connection, a *announcer) error {
	for _, m := range p.outbox.again(&p.outbox.state, &p.outbox.info) {
		if err := p.publish(ctx, c, m); err != nil {
			return err
		}
	}
	a.statePublished()
	return nil
}

// announce gives the announcer the stages of an announcement from the outbox.
func (p *publisher) announce(a *announcer, m outgoing) {
	components, err := homeassistant.Components(m.payload)
	var payloads [][]byte
	if err == nil {
		payloads, err = homeassistant.Stages(m.payload, p.store.setComponents(p.options.Broker, components))
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
	if err := c.publish(ctx, a.stage()); err != nil {
		return err
	}
	if a.stagePublished(time.Now()) {
		p.store.forgetRemoved(p.options.Broker)
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
	return c.publish(ctx, p.topics.status(false))
}
