package mqtt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"guided/homeassistant"
)

// retained is what the broker retained on some topics when they were read, with the connection to clear it.
type retained struct {
	conn   *connection
	limits limits
	marker string // published by us; what is retained comes before it
	node   string // of the devices that are kept
	qos    byte   // that the broker takes

	mu       sync.Mutex
	payloads map[string][]byte // by topic
	exact    map[string]bool   // the topics that were named, which are kept whatever is on them
	devices  int               // of the others, those that are kept
	complete chan struct{}     // closed when the marker has come
}

// What is read of a broker at most: larger messages are cut off, and further devices are left out.
const (
	maxRetainedRead = 512 << 10 // bytes of a message
	maxDevices      = 100       // of one node
)

// A markerError means that the marker did not come, as an access list may forbid it; sofar is what came before.
type markerError struct{ sofar *retained }

func (*markerError) Error() string { return "the broker does not pass on what we send to ourselves" }

// readRetained returns when it has read all that the broker retains on the topics, and of the devices that match a
// pattern ("" for none) those of our node. acknowledged says whether the broker is thought to take QoS 1. conn must be
// closed.
func readRetained(ctx context.Context, options Options, l limits, acknowledged bool, devices string, topics ...string) (*retained, error) {
	if !acknowledged {
		return readRetainedAt(ctx, options, l, 0, devices, topics)
	}
	r, err := readRetainedAt(ctx, options, l, 1, devices, topics)
	var refused *markedCloseError
	if errors.As(err, &refused) {
		return readRetainedAt(ctx, options, l, 0, devices, topics)
	}
	return r, err
}

// A markedCloseError means that the connection ended while the marker was published: the broker may not take QoS 1.
type markedCloseError struct{ error }

func (e *markedCloseError) Unwrap() error { return e.error }

func readRetainedAt(ctx context.Context, options Options, l limits, qos byte, devices string, topics []string) (*retained, error) {
	l.maxPayload = maxRetainedRead
	r := &retained{
		limits: l, qos: qos, node: options.topics().node, payloads: map[string][]byte{}, exact: map[string]bool{}, marker: "guided-" + rand.Text()[:12], complete: make(chan struct{}),
	}
	for _, t := range topics {
		r.exact[t] = true
	}
	c, err := connect(ctx, options.Config, l, r.marker, nil, r.receive)
	if err != nil {
		return nil, err
	}
	r.conn = c
	if devices != "" {
		topics = append([]string{devices}, topics...)
	}
	if err := r.awaitMarker(ctx, options.topics().node+"/sweep", topics); err != nil {
		var noMarker *markerError
		if !errors.As(err, &noMarker) {
			c.abort()
		}
		return nil, err
	}
	return r, nil
}

// awaitMarker subscribes to the topics and publishes the marker: the broker sends what it retains before what comes
// later.
func (r *retained) awaitMarker(ctx context.Context, markerTopic string, topics []string) error {
	if err := r.conn.subscribe(ctx, 1, append([]string{markerTopic}, topics...)...); err != nil {
		return err
	}
	switch err := r.conn.publish(ctx, message{markerTopic, []byte(r.marker), r.qos, false}); {
	case err != nil && err != errNoAnswer && ctx.Err() == nil:
		return &markedCloseError{err}
	case err != nil:
		return err
	}
	timeout := time.NewTimer(r.limits.ack)
	defer timeout.Stop()
	select {
	case <-r.complete:
		return nil
	case <-r.conn.lost:
		return r.conn.lostError()
	case <-timeout.C:
		return &markerError{r}
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *retained) receive(_ paho.Client, m paho.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case m.Retained() && len(m.Payload()) > 0:
		isDevice := !r.exact[m.Topic()] && r.devices < maxDevices && homeassistant.IsDiscoveryOf(r.node, m.Topic(), m.Payload())
		if isDevice {
			r.devices++
		}
		if isDevice || r.exact[m.Topic()] {
			r.payloads[m.Topic()] = m.Payload()
		}
	case !m.Retained() && string(m.Payload()) == r.marker:
		select {
		case <-r.complete:
		default:
			close(r.complete)
		}
	}
}

func (r *retained) payload(topic string) (payload []byte, is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	payload, is = r.payloads[topic]
	return payload, is
}

// clear clears what is retained on the topics, and returns those on which something was. Discovery topics come first:
// Home Assistant then no longer reads the states when they go. Where nothing is retained nothing is published, because
// Home Assistant logs an error at the end of a device that it does not know.
func (r *retained) clear(ctx context.Context, topics []string) (cleared []string, err error) {
	for _, discovery := range []bool{true, false} {
		if !discovery && len(cleared) > 0 {
			select {
			case <-time.After(r.limits.stageInterval):
			case <-ctx.Done():
				return cleared, ctx.Err()
			}
		}
		for _, t := range topics {
			if _, is := r.payload(t); !is || strings.HasSuffix(t, "/config") != discovery {
				continue
			}
			if err := r.conn.publish(ctx, message{t, nil, r.qos, true}); err != nil {
				return cleared, err
			}
			cleared = append(cleared, t)
		}
	}
	return cleared, nil
}

// withoutForeign leaves out the topics below a node under whose name another daemon is online.
func (r *retained) withoutForeign(topics []string) (own []string) {
	for _, t := range topics {
		end := strings.LastIndex(t, "/")
		if end < 0 { // no topic of a node
			continue
		}
		if status, _ := r.payload(t[:end] + "/status"); string(status) != "online" {
			own = append(own, t)
		}
	}
	return own
}

// discoveryOf lists the discovery topics of devices that were announced with the node's topics, under any identity.
func (r *retained) discoveryOf(node string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, t := range slices.Sorted(maps.Keys(r.payloads)) {
		if homeassistant.IsDiscoveryOf(node, t, r.payloads[t]) {
			list = append(list, t)
		}
	}
	return list
}

// closeWithoutMarker closes the connection that a [markerError] left open, and returns err.
func closeWithoutMarker(err error) error {
	var noMarker *markerError
	if errors.As(err, &noMarker) {
		noMarker.sofar.conn.close()
	}
	return err
}

// clearFormer clears what we left on topics that we no longer use.
func clearFormer(ctx context.Context, options Options, l limits, topics []string) error {
	r, err := readRetained(ctx, options, l, true, "", topics...)
	if err != nil {
		return closeWithoutMarker(err)
	}
	if _, err = r.clear(ctx, r.withoutForeign(topics)); err != nil {
		r.conn.abort()
		return fmt.Errorf("clearing former topics: %w", err)
	}
	r.conn.close()
	return nil
}

// ErrOnline is the error of [Purge] while the daemon runs, which would publish everything again.
var ErrOnline = errors.New("the daemon is online; stop it first, then purge")

// Purge clears everything that the daemon named by options left retained on the broker, and returns the topics in order: its
// device in Home Assistant, its own topics, and those of former names, as far as they were remembered.
func Purge(ctx context.Context, options Options, log *slog.Logger) ([]string, error) {
	return purge(ctx, options, defaultLimits(), log)
}

func purge(ctx context.Context, options Options, l limits, log *slog.Logger) ([]string, error) {
	if err := options.usable(); err != nil {
		return nil, err
	}
	store := openStore(options.PublishedFile, log)
	node := options.topics().node
	topics := store.setTopics(options.Broker, nil)
	for _, leaf := range []string{"status", "state", "info", "command", "response", "event", "phase"} {
		topics = append(topics, node+"/"+leaf)
	}
	if options.ID != "" {
		topics = append(topics, options.HomeAssistant.DeviceTopic(options.ID))
	}
	slices.Sort(topics)
	topics = slices.Compact(topics)
	r, err := readRetained(ctx, options, l, true, options.HomeAssistant.DeviceTopics(), topics...)
	if err != nil {
		err = closeWithoutMarker(err)
		return nil, diagnose(err).wrap(options.Broker, err)
	}
	defer r.conn.close()
	if status, _ := r.payload(node + "/status"); string(status) == "online" {
		asking, done := context.WithTimeout(ctx, l.onlineCheck)
		defer done()
		if _, err := Send(asking, options, "status"); err == nil {
			return nil, ErrOnline
		}
	}
	topics = append(topics, r.discoveryOf(node)...)
	slices.Sort(topics)
	topics = slices.DeleteFunc(slices.Compact(topics), func(t string) bool { // what is the node's own goes whatever its status is
		return !strings.HasPrefix(t, node+"/") && len(r.withoutForeign([]string{t})) == 0
	})
	cleared, err := r.clear(ctx, topics)
	if err != nil {
		return cleared, fmt.Errorf("clearing what was published: %w", err)
	}
	store.forgetBroker(options.Broker)
	return cleared, nil
}

// OtherBrokers lists the brokers other than the one of options that may still retain something of ours.
func OtherBrokers(options Options, log *slog.Logger) []string {
	store := openStore(options.PublishedFile, log)
	delete(store.brokers, options.Broker)
	return slices.Sorted(maps.Keys(store.brokers))
}
