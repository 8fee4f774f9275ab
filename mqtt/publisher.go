package mqtt

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
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
	accepts *acceptance
	log     *slog.Logger

	removing map[string]json.RawMessage // components that the present announcement removes

	instance  string        // random, of this run
	suffix    string        // of the client id, where another client has ours
	probeDue  chan struct{} // one token each: our probe is to be sent,
	probed    chan struct{} // it has come,
	otherSeen chan struct{} // one of another daemon has come,
	downSeen  chan struct{} // our status says that we are offline,
	published chan struct{} // and something that is read back was published
	markerQoS atomic.Int32  // that the broker takes

	mu     sync.Mutex
	kept   map[string][]byte    // what the broker was given to retain, by topic
	given  string               // the topic of what it is being given to retain, and has not acknowledged; "" for none
	warned map[string]bool      // topics that a warning was logged of
	others map[string]time.Time // other daemons of our node, by their instance
	values []string             // the topics of Values
}

func newPublisher(options Options, l limits, in *inbox, o *outbox, log *slog.Logger) *publisher {
	token := func() chan struct{} { return make(chan struct{}, 1) }
	return &publisher{
		options: options, limits: l, topics: options.topics(), inbox: in, outbox: o, log: log,
		store:    openStore(options.PublishedFile, log),
		outages:  outageLog{log: log, broker: options.Broker},
		accepts:  newAcceptance(options.Broker, log),
		instance: rand.Text(),
		probeDue: token(), probed: token(), otherSeen: token(), downSeen: token(), published: token(),
		kept: map[string][]byte{}, warned: map[string]bool{}, others: map[string]time.Time{},
	}
}

// run returns when ctx ends and we are offline. The retries slow down with failures in a row, and with connections that
// hold only for moments, as when two clients with the same id disconnect each other.
func (p *publisher) run(ctx context.Context) {
	failures, flaps, learning := 0, 0, 0
	for {
		online, err := p.oneConnection(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errTryAgain) {
			continue
		}
		hint := ""
		if errors.Is(err, packets.ErrorRefusedIDRejected) || errors.Is(err, packets.ErrorRefusedNotAuthorised) {
			p.suffix = ""
		}
		if online > 0 && flaps > 2 {
			p.suffix = "-" + rand.Text()[:8]
			hint = "it accepts the connection and closes it soon after: look whether a second guided has the same client id, " + p.options.clientID()
		}
		p.outages.disconnected(err, hint)
		if online > 0 {
			failures = 0
		}
		if online > p.limits.stableAfter {
			flaps, learning = 0, 0
		}
		wait := p.limits.retry(failures + flaps)
		if p.learns(err) && learning < maxLearning {
			learning++
			wait = p.limits.retry(0)
		}
		select {
		case <-time.After(wait):
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

// maxLearning is how many connections in a row, which the broker closed at something that it may not take, are tried again
// without a longer wait.
const maxLearning = 12

// errTryAgain means that the connection was for learning what the broker takes only.
var errTryAgain = errors.New("to be tried again at once")

// errSlept means that the machine was suspended: a new connection brings only what is new.
var errSlept = errors.New("this machine slept; what came in that time is not carried out")

// learns takes note of why a connection ended. It tells whether the next one may be better for it.
func (p *publisher) learns(err error) bool {
	var at *closedAtError
	switch {
	case errors.Is(err, errClosedAtConnect):
		p.accepts.connectClosed()
		return true
	case errors.As(err, &at):
		return !at.chance
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, errClosed) && isClosed(err): // it may have been restarted
		p.accepts.away()
	}
	return false
}

// oneConnection is one connection from its beginning to its end. It returns how long we were online; zero is not at all.
func (p *publisher) oneConnection(ctx context.Context) (online time.Duration, err error) {
	will, _ := p.accepts.fit(p.topics.status(false))
	births := make(chan string, 8)
	p.inbox.sleep.begin()
	c, err := connect(ctx, p.options.Config, p.limits, p.options.clientID()+p.suffix, &will, func(_ paho.Client, m paho.Message) {
		p.receive(m, births)
	})
	if err != nil {
		return 0, err
	}
	if !p.accepts.connected() {
		c.close()
		return 0, errTryAgain
	}

	// late outlives ctx a little: for the message that is being published, and for going offline.
	if p.options.Values.Topics != nil {
		defer p.options.Values.Forget()
	}
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
	var at *closedAtError
	switch {
	case errors.As(err, &at):
		at.err = c.lostError()
	case err != errNoAnswer && err != errSlept && !errors.As(err, &refused):
		err = c.lostError() // the reason of what failed because of it
	}
	return online, err
}

// receive takes a message from the broker: Home Assistant's birth and last will go to births, values of other topics to whom they concern, all else is a command. A
// retained birth says nothing of now. It never waits.
func (p *publisher) receive(m paho.Message, births chan<- string) {
	if slices.Contains(p.valueTopics(), m.Topic()) {
		p.options.Values.Set(m.Topic(), string(m.Payload()[:min(len(m.Payload()), maxValue)]))
		if !p.listensTo(m.Topic()) {
			return
		}
	}
	if m.Topic() == p.topics.node+"/status" {
		if string(m.Payload()) == "offline" {
			signal(p.downSeen)
		}
		return
	}
	if instance := probedBy(m.Payload()); instance != "" && m.Topic() == p.topics.commands()[0] {
		if !m.Retained() {
			p.receiveProbe(instance)
		}
		return
	}
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

// maxValue is how much of a value is told, in bytes.
const maxValue = 1000

// listensTo reports whether a topic has a meaning of its own here.
func (p *publisher) listensTo(topic string) bool {
	return slices.Contains(p.topics.commands(), topic) || topic == p.topics.node+"/status" || p.options.announces() && topic == p.options.HomeAssistant.BirthTopic()
}

// use subscribes, publishes everything, as the broker may have lost all it knew of us, and then what comes, until the
// connection is lost or ctx ends; the latter is no error. We say that we are online only when we receive commands.
func (p *publisher) use(ctx, late context.Context, c *connection, births <-chan string) (online time.Duration, err error) {
	former := p.store.setTopics(p.options.Broker, p.options.retainedTopics())
	if err := p.subscribe(late, c); err != nil {
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
	cleared.Go(func() { p.checkCommands(clearing) })
	if modes()[p.accepts.mode].retained {
		cleared.Go(func() { p.check(clearing) })
	}
	err = p.serve(ctx, late, c, a, births)
	end()
	cleared.Wait()
	return time.Since(began), err
}

// subscribe subscribes to our commands, and to what we can do without.
func (p *publisher) subscribe(ctx context.Context, c *connection) error {
	commands := p.topics.commands()
	if err := p.subscribeTo(ctx, c, commands[0]); err != nil {
		return err
	}
	optional := map[string]string{commands[1]: "commands for all nodes do not come here"}
	if p.options.announces() {
		optional[p.options.HomeAssistant.BirthTopic()] = "the device may be unavailable after a restart of Home Assistant"
	}
	if p.suffix != "" {
		optional[p.topics.node+"/status"] = "the last will of another client may say that we are offline"
	}
	select {
	case all := <-p.options.Values.Topics:
		p.setValueTopics(all)
	default:
	}
	for _, topic := range p.valueTopics() {
		if !slices.Contains(commands, topic) {
			optional[topic] = cmp.Or(optional[topic], withoutValue)
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(optional)) {
		if err := p.subscribeOptional(ctx, c, topic, optional[topic]); err != nil {
			return err
		}
	}
	return nil
}

// subscribeOptional subscribes to a topic that we can do without; without says what is missing then.
func (p *publisher) subscribeOptional(ctx context.Context, c *connection, topic, without string) error {
	if _, ok := p.accepts.fit(subscription(topic)); !ok {
		return nil
	}
	err := p.subscribeTo(ctx, c, topic)
	var refused *subscribeRefusedError
	if errors.As(err, &refused) {
		p.accepts.name("the broker refuses a subscription", "allow this user to read it in the broker's acl_file; until then "+without, "topic", topic)
		return nil
	}
	return err
}

// subscription stands for a subscription where the broker may not take it.
func subscription(topic string) message { return message{topic: "subscription to " + topic} }

func (p *publisher) subscribeTo(ctx context.Context, c *connection, topic string) error {
	err := c.subscribe(ctx, 0, topic)
	if err == nil {
		p.accepts.took(subscription(topic))
	}
	return p.closedAt(ctx, c, subscription(topic), err)
}

// serve publishes what there is, until the connection is lost or ctx ends.
func (p *publisher) serve(ctx, late context.Context, c *connection, a *announcer, births <-chan string) error {
	for ctx.Err() == nil {
		if p.inbox.sleep.slept() > p.limits.maxQueueAge {
			return errSlept
		}
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
		case <-p.probeDue:
			if err := p.send(late, c, p.probe()); err != nil {
				return err
			}
		case <-p.otherSeen:
			if err := p.reportOther(late, c); err != nil {
				return err
			}
		case <-p.downSeen: // by the last will of a former connection, or another daemon
			if err := p.send(late, c, p.topics.status(true)); err != nil {
				return err
			}
		case all := <-p.options.Values.Topics:
			if err := p.changeValues(late, c, all); err != nil {
				return err
			}
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
