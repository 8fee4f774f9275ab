package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"guided/homeassistant"
)

// ErrOnline is the error of [Purge] while the daemon runs, as it would say everything again.
var ErrOnline = errors.New("the daemon is online; stop it first, then purge")

// Purge takes away everything that the daemon named by cfg left with the broker, and returns the topics, in order:
// its device in Home Assistant, what it tells, and what it told under former names, as its memory has it.
func Purge(ctx context.Context, cfg Config, log *slog.Logger) ([]string, error) {
	return purge(ctx, cfg, steady(), log)
}

func purge(ctx context.Context, cfg Config, p pace, log *slog.Logger) ([]string, error) {
	if err := cfg.usable(); err != nil {
		return nil, err
	}
	m := remember(cfg.Memory, log)
	topics := m.keeps(cfg.Broker, nil)
	at := cfg.place()
	for _, leaf := range []string{"status", "state", "info", "command", "response", "event", "phase"} {
		topics = append(topics, at.node+"/"+leaf)
	}
	if cfg.ID != "" {
		topics = append(topics, cfg.HomeAssistant.DeviceTopic(cfg.ID))
	}
	slices.Sort(topics)
	topics = slices.Compact(topics)
	b, err := look(ctx, cfg, p, append([]string{cfg.HomeAssistant.DeviceTopics()}, topics...)...)
	if err != nil {
		t := explain(err)
		return nil, fmt.Errorf("%s (%s): %w; %s", t.what, cfg.Broker, err, t.hint)
	}
	defer b.conn.close()
	if status, _ := b.has(at.node + "/status"); string(status) == "online" {
		asking, done := context.WithTimeout(ctx, p.alive)
		defer done()
		if _, err := Send(asking, cfg, "status"); err == nil {
			return nil, ErrOnline
		}
	}
	topics = append(topics, b.devices(at)...)
	slices.Sort(topics)
	emptied, err := b.empty(ctx, own(b, topics, at))
	if err != nil {
		return emptied, fmt.Errorf("taking back what was said: %w", err)
	}
	m.change(cfg.Broker, func(h *house) { *h = house{} })
	return emptied, nil
}

// own is what is ours of topics: what stands under the node itself, whatever its status says, and what nobody else is
// online under.
func own(b *broom, topics []string, at place) []string {
	var list []string
	for _, t := range slices.Compact(topics) {
		if strings.HasPrefix(t, at.node+"/") || len(b.strangers([]string{t})) > 0 {
			list = append(list, t)
		}
	}
	return list
}

// devices lists the devices that were made known with our topics, under whatever identity.
func (b *broom) devices(at place) []string {
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
	m := remember(cfg.Memory, log)
	delete(m.houses, cfg.Broker)
	return slices.Sorted(maps.Keys(m.houses))
}
