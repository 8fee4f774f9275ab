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

	"guided/homeassistant"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A retained is a visitor that looks at what the broker keeps, and takes it away.
type retained struct {
	conn *connection
	pace limits

	mu    sync.Mutex
	kept  map[string][]byte
	mark  string
	whole chan struct{} // closed when the mark has come back
}

// readRetained opens a broom that has seen everything the broker keeps on the topics, which may be patterns. The broker sends
// what it keeps before what comes later: our own mark. Close conn when done.
func readRetained(ctx context.Context, cfg Config, p limits, topics ...string) (*retained, error) {
	b := &retained{pace: p, kept: map[string][]byte{}, mark: "guided-" + rand.Text()[:12], whole: make(chan struct{})}
	c, err := connect(ctx, cfg, p, b.mark, nil, b.see)
	if err != nil {
		return nil, err
	}
	b.conn = c
	echo := cfg.topics().node + "/sweep"
	if err = c.subscribe(ctx, append([]string{echo}, topics...)...); err == nil {
		err = c.publish(ctx, message{echo, []byte(b.mark), 1, false})
	}
	if err == nil {
		patience := time.NewTimer(p.ack)
		defer patience.Stop()
		select {
		case <-b.whole:
			return b, nil
		case <-c.lost:
			err = c.lostError()
		case <-patience.C:
			err = errNoAnswer
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	c.abort()
	return nil, err
}

func (b *retained) see(_ paho.Client, m paho.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case m.Retained() && len(m.Payload()) > 0:
		b.kept[m.Topic()] = m.Payload()
	case !m.Retained() && string(m.Payload()) == b.mark:
		select {
		case <-b.whole:
		default:
			close(b.whole)
		}
	}
}

// payload is what the broker kept when we looked.
func (b *retained) payload(topic string) (payload []byte, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	payload, is = b.kept[topic]
	return payload, is
}

// clear takes away what the broker keeps of these, devices first: Home Assistant then no longer looks at their states
// when these go. What is not there is left alone, as Home Assistant complains of a device's end that it does not know.
func (b *retained) clear(ctx context.Context, topics []string) (emptied []string, err error) {
	for _, devices := range []bool{true, false} {
		if !devices && len(emptied) > 0 {
			select {
			case <-time.After(b.pace.stageInterval):
			case <-ctx.Done():
				return emptied, ctx.Err()
			}
		}
		for _, t := range topics {
			if _, is := b.payload(t); !is || strings.HasSuffix(t, "/config") != devices {
				continue
			}
			if err := b.conn.publish(ctx, message{t, nil, 1, true}); err != nil {
				return emptied, err
			}
			emptied = append(emptied, t)
		}
	}
	return emptied, nil
}

// withoutForeign leaves out the topics of a node under which somebody else is online by now.
func (b *retained) withoutForeign(topics []string) (ours []string) {
	for _, t := range topics {
		node := t[:strings.LastIndex(t, "/")]
		if status, _ := b.payload(node + "/status"); string(status) != "online" {
			ours = append(ours, t)
		}
	}
	return ours
}

// clearFormer takes away what we left under topics that are no longer ours.
func clearFormer(ctx context.Context, cfg Config, p limits, topics []string) error {
	b, err := readRetained(ctx, cfg, p, topics...)
	if err != nil {
		return err
	}
	_, err = b.clear(ctx, b.withoutForeign(topics))
	if err != nil {
		b.conn.abort()
		return errors.Join(errors.New("taking back what was said under other topics"), err)
	}
	b.conn.close()
	return nil
}

// ErrOnline is the error of [Purge] while the daemon runs, as it would say everything again.
var ErrOnline = errors.New("the daemon is online; stop it first, then purge")

// Purge takes away everything that the daemon named by cfg left with the broker, and returns the topics, in order:
// its device in Home Assistant, what it tells, and what it told under former names, as its memory has it.
func Purge(ctx context.Context, cfg Config, log *slog.Logger) ([]string, error) {
	return purge(ctx, cfg, defaultLimits(), log)
}

func purge(ctx context.Context, cfg Config, p limits, log *slog.Logger) ([]string, error) {
	if err := cfg.usable(); err != nil {
		return nil, err
	}
	m := openStore(cfg.Memory, log)
	topics := m.setTopics(cfg.Broker, nil)
	at := cfg.topics()
	for _, leaf := range []string{"status", "state", "info", "command", "response", "event", "phase"} {
		topics = append(topics, at.node+"/"+leaf)
	}
	if cfg.ID != "" {
		topics = append(topics, cfg.HomeAssistant.DeviceTopic(cfg.ID))
	}
	slices.Sort(topics)
	topics = slices.Compact(topics)
	b, err := readRetained(ctx, cfg, p, append([]string{cfg.HomeAssistant.DeviceTopics()}, topics...)...)
	if err != nil {
		t := diagnose(err)
		return nil, fmt.Errorf("%s (%s): %w; %s", t.what, cfg.Broker, err, t.hint)
	}
	defer b.conn.close()
	if status, _ := b.payload(at.node + "/status"); string(status) == "online" {
		asking, done := context.WithTimeout(ctx, p.onlineCheck)
		defer done()
		if _, err := Send(asking, cfg, "status"); err == nil {
			return nil, ErrOnline
		}
	}
	topics = append(topics, b.devices(at)...)
	slices.Sort(topics)
	emptied, err := b.clear(ctx, ownTopics(b, topics, at))
	if err != nil {
		return emptied, fmt.Errorf("taking back what was said: %w", err)
	}
	m.change(cfg.Broker, func(h *brokerRecord) { *h = brokerRecord{} })
	return emptied, nil
}

// ownTopics is what is ours of topics: what stands under the node itself, whatever its status says, and what nobody else is
// online under.
func ownTopics(b *retained, topics []string, at topics) []string {
	var list []string
	for _, t := range slices.Compact(topics) {
		if strings.HasPrefix(t, at.node+"/") || len(b.withoutForeign([]string{t})) > 0 {
			list = append(list, t)
		}
	}
	return list
}

// devices lists the devices that were made known with our topics, under whatever identity.
func (b *retained) devices(at topics) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, t := range slices.Sorted(maps.Keys(b.kept)) {
		if homeassistant.IsDiscoveryOf(at.node, t, b.kept[t]) {
			list = append(list, t)
		}
	}
	return list
}

// Elsewhere lists the brokers that keep something of ours beside the one of cfg.
func Elsewhere(cfg Config, log *slog.Logger) []string {
	m := openStore(cfg.Memory, log)
	delete(m.brokers, cfg.Broker)
	return slices.Sorted(maps.Keys(m.brokers))
}
