package mqtt

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"time"

	"guided/homeassistant"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A announcer makes us known to Home Assistant during one connection: when we arrive, when what we are has changed, and
// when Home Assistant says that it is born. It is used by the link's goroutine alone, but for hear.
type announcer struct {
	cfg    Config
	pace   limits
	memory *publishedStore
	log    *slog.Logger
	words  chan string // births and deaths of Home Assistant

	listens bool      // Home Assistant was born while we looked, and has not died since
	stages  []message // of an announcement, still to be said
	stageAt time.Time
	birthAt time.Time // zero: none was heard that is not answered
	againAt time.Time // when the state is told anew, which new entities may have missed
}

func newHerald(cfg Config, p limits, m *publishedStore, log *slog.Logger) *announcer {
	return &announcer{cfg: cfg, pace: p, memory: m, log: log, words: make(chan string, 8)}
}

// hear takes what is Home Assistant's word, and tells whether it was. A word that is kept by the broker says nothing
// of now.
func (h *announcer) hear(m paho.Message) bool {
	if !h.cfg.announces() || m.Topic() != h.cfg.HomeAssistant.BirthTopic() {
		return false
	}
	if !m.Retained() {
		select {
		case h.words <- string(m.Payload()):
		default:
		}
	}
	return true
}

// heard plans the answer to a birth, at a random moment: a house full of devices answers all at once.
func (h *announcer) heard(word string, now time.Time) {
	switch word {
	case "online":
		h.listens = true
		h.birthAt = now.Add(h.pace.birthDelay + rand.N(4*h.pace.birthDelay))
	case "offline":
		h.listens, h.birthAt = false, time.Time{}
	}
}

// begin plans an announcement whose first stage is to be said now; what was being said is out of date.
func (h *announcer) begin(m message, now time.Time) {
	components, err := homeassistant.Components(m.payload)
	var stages [][]byte
	if err == nil {
		stages, err = homeassistant.Stages(m.payload, h.memory.setComponents(h.cfg.Broker, components))
	}
	if err != nil {
		h.log.Error("what is gone cannot be taken from Home Assistant", "error", err)
		stages = [][]byte{m.payload}
	}
	h.stages, h.stageAt = nil, now
	for _, payload := range stages {
		h.stages = append(h.stages, message{m.topic, payload, m.qos, m.retained})
	}
}

// next is the stage that is due.
func (h *announcer) next(now time.Time) (m message, ok bool) {
	if len(h.stages) == 0 || now.Before(h.stageAt) {
		return message{}, false
	}
	return h.stages[0], true
}

// said notes that the stage was said. After the last one Home Assistant, if it listens, has nothing that is gone.
func (h *announcer) said(now time.Time) {
	h.stages, h.stageAt = h.stages[1:], now.Add(h.pace.stageInterval)
	if len(h.stages) > 0 {
		return
	}
	if h.listens && h.birthAt.IsZero() {
		h.memory.forgetRemoved(h.cfg.Broker)
	}
}

// wait is how long there is nothing to do, zero for ever.
func (h *announcer) wait(now time.Time) time.Duration {
	var first time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	sooner(h.birthAt)
	sooner(h.againAt)
	if len(h.stages) > 0 {
		sooner(h.stageAt)
	}
	if first.IsZero() {
		return 0
	}
	return max(first.Sub(now), time.Nanosecond)
}

// arrived asks for Home Assistant's word. A broker that does not let us hear it has everything else of us.
func (h *announcer) arrived(ctx context.Context, c *connection) error {
	if !h.cfg.announces() {
		return nil
	}
	err := c.subscribe(ctx, h.cfg.HomeAssistant.BirthTopic())
	if _, refused := err.(*subscribeRefusedError); refused {
		h.log.Warn("the broker does not let us hear Home Assistant", "topic", h.cfg.HomeAssistant.BirthTopic(),
			"hint", "allow this user to read it in the broker's acl_file; until then the device may be unavailable after a restart of Home Assistant")
		return nil
	}
	return err
}

// tidy takes back what we left under other topics, a little after we have said what is: Home Assistant then no
// longer looks there.
func (h *announcer) tidy(ctx context.Context, old []string) {
	if len(old) == 0 {
		return
	}
	select {
	case <-time.After(h.pace.clearDelay):
	case <-ctx.Done():
		return
	}
	if err := clearFormer(ctx, h.cfg, h.pace, old); err != nil {
		if ctx.Err() == nil {
			h.log.Warn("former topics could not be emptied; it is tried again at the next connect", "topics", old, "error", err)
		}
		return
	}
	h.memory.forgetTopics(h.cfg.Broker, old)
	if !h.cfg.announces() {
		h.memory.change(h.cfg.Broker, func(o *brokerRecord) {
			o.Components, o.Removed = map[string]json.RawMessage{}, map[string]json.RawMessage{}
		})
	}
}
