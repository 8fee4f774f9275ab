package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"guided/homeassistant"
	"guided/player"
)

// collect puts what the player publishes into the outbox, also while there is no broker. It returns when ctx ends.
func collect(ctx context.Context, feed player.Feed, options Options, o *outbox, log *slog.Logger) {
	t, withoutScene, leftOut := options.topics(), 0, ""
	var info player.Info // the last one
	for {
		var m message
		var err error
		// A channel that is closed becomes nil, which is never ready.
		select {
		case <-ctx.Done():
			return
		case s, open := <-feed.States:
			if !open {
				feed.States = nil
				continue
			}
			err = o.setState(t, s)
		case i, open := <-feed.Infos:
			if !open {
				feed.Infos = nil
				continue
			}
			before := leftOut
			info = i
			if m, leftOut, err = t.info(i); err == nil {
				if leftOut != "" && leftOut != before {
					log.Warn("info is too large to be published whole", "topic", m.topic, "left_out", leftOut, "limit", maxInfo,
						"hint", "every routine can still be started; to show them all, use fewer or shorter routines, titles and names of steps")
				}
				o.set(&o.info, m, m.payload)
				withoutScene, err = o.setAnnouncement(options, i, withoutScene, log)
			}
		case e, open := <-feed.Events:
			if !open {
				feed.Events = nil
				continue
			}
			if m, err = t.event(e); err == nil {
				o.push(&o.events, m)
			}
		case s := <-options.History:
			if kept := s != nil; kept != options.KeepsHistory { // its sensors come or go
				options.KeepsHistory = kept
				withoutScene, err = o.setAnnouncement(options, info, withoutScene, log)
			}
			m, failed := t.history(s)
			if err = errors.Join(err, failed); failed == nil {
				o.set(&o.history, m, append([]byte("as "), m.payload...)) // one that clears the topic is a content too
			}
		case f, open := <-feed.Phases:
			if !open {
				feed.Phases = nil
				continue
			}
			if m, err = t.phase(f); err == nil {
				o.push(&o.phases, m)
			}
		}
		if err != nil {
			log.Error("message of the player lost", "error", err)
		}
	}
}

// setState sets the state. One that differs from the last only in when it was updated has the same content.
func (o *outbox) setState(t topics, s player.State) error {
	m, err := t.state(s)
	if err != nil {
		return err
	}
	s.UpdatedAt = time.Time{}
	content, err := homeassistant.EncodeJSON(boundState(s))
	if err != nil {
		return err
	}
	o.set(&o.state, m, content)
	return nil
}

// setAnnouncement sets the announcement to Home Assistant. It returns how many routines have no scene, and logs it when
// they are more than before.
func (o *outbox) setAnnouncement(options Options, i player.Info, before int, log *slog.Logger) (withoutScene int, err error) {
	if !options.announces() || len(i.Routines) == 0 { // none: the library, which is never empty, has not been read yet
		return before, nil
	}
	discovery, withoutScene, err := options.device().Discovery(i)
	if err != nil {
		return before, err
	}
	o.set(&o.announcement, message{options.HomeAssistant.DeviceTopic(options.ID), discovery, 1, true}, discovery)
	if withoutScene <= before {
		return before, nil
	}
	log.Warn("Home Assistant gets no scene for some routines, as there are too many", "routines", withoutScene)
	return withoutScene, nil
}
