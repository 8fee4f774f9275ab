package mqtt

import (
	"context"
	"log/slog"
	"time"

	"guided/homeassistant"
	"guided/player"
)

// collect puts what the player tells into the outbox, also while the broker is away. It returns when ctx ends.
func collect(ctx context.Context, feed player.Feed, cfg Config, box *outbox, log *slog.Logger) {
	at, capped := cfg.topics(), 0
	for {
		var err error
		// A channel that is closed becomes nil, which is never ready.
		select {
		case <-ctx.Done():
			return
		case s, ok := <-feed.States:
			if !ok {
				feed.States = nil
				continue
			}
			err = box.putState(at, s)
		case i, ok := <-feed.Infos:
			if !ok {
				feed.Infos = nil
				continue
			}
			var m message
			if m, err = at.info(i); err == nil {
				box.set(&box.info, m, m.payload)
			}
			if err == nil && cfg.announces() && len(i.Routines) > 0 { // none: the library was not looked at yet; it is never empty
				var without int
				if m.payload, without, err = cfg.device().Discovery(i); err == nil {
					m.topic, m.qos, m.retained = cfg.HomeAssistant.DeviceTopic(cfg.ID), 1, true
					box.set(&box.device, m, m.payload)
				}
				if err == nil && without > capped {
					log.Warn("Home Assistant gets no scene for some routines, as there are too many", "routines", without)
					capped = without
				}
			}
		case e, ok := <-feed.Events:
			if !ok {
				feed.Events = nil
				continue
			}
			var m message
			if m, err = at.event(e); err == nil {
				box.push(&box.events, m)
			}
		case f, ok := <-feed.Phases:
			if !ok {
				feed.Phases = nil
				continue
			}
			var m message
			if m, err = at.phase(f); err == nil {
				box.push(&box.phases, m)
			}
		}
		if err != nil {
			log.Error("news of the player lost", "error", err)
		}
	}
}

// putState takes a state that differs from the last in nothing but its time for the same.
func (b *outbox) putState(at topics, s player.State) error {
	m, err := at.state(s)
	if err != nil {
		return err
	}
	s.UpdatedAt = time.Time{}
	mark, err := homeassistant.EncodeJSON(s)
	if err != nil {
		return err
	}
	b.set(&b.state, m, mark)
	return nil
}
