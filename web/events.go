package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"guided/player"
)

const (
	heartbeatInterval = 30 * time.Second // so that proxies keep the connection open: after a minute most close it
	eventTimeout      = 10 * time.Second // for a client to take one event; then the connection is closed
)

// untilHeartbeat is the time until the next heartbeat. All connections have it at the same moments: so any number of pages
// that show nothing new wake the daemon once in heartbeatInterval.
func untilHeartbeat(now time.Time) time.Duration {
	return now.Truncate(heartbeatInterval).Add(heartbeatInterval).Sub(now)
}

// clockedState is a state with the server's time, so that a browser can correct its own clock.
type clockedState struct {
	player.State
	Now time.Time `json:"now"`
}

func withClock(s player.State) clockedState {
	return clockedState{s, time.Now().UTC().Truncate(time.Millisecond)}
}

// streamEvents sends the player's feed as server-sent events of the types state, info, event and phase; the current state
// comes first. https://html.spec.whatwg.org/multipage/server-sent-events.html
//
// The player does not wait for a slow client: the feed drops the client's oldest events.
func (h *handlers) streamEvents(w http.ResponseWriter, r *http.Request) {
	if !h.events.enter(r.Context()) {
		writeBusy(w, r, "too many pages are open")
		return
	}
	defer h.events.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy must not buffer it
	if r.Method == http.MethodHead {
		return
	}
	feed := h.Player.Watch(r.Context())
	out := &eventStream{w: newStreamWriter(w, eventTimeout)}
	defer out.w.extend() // for the end of the response
	heartbeat := time.NewTimer(untilHeartbeat(time.Now()))
	defer heartbeat.Stop()
	_, err := io.WriteString(out.w, "retry: 2000\n\n")
	if err == nil {
		err = out.send("state", withClock(<-feed.States))
	}
	for err == nil {
		if err = out.w.rest(); err != nil {
			return
		}
		select {
		case v, open := <-feed.States:
			err = out.sendNext(open, "state", withClock(v))
		case v, open := <-feed.Infos:
			err = out.sendNext(open, "info", v)
		case v, open := <-feed.Events:
			err = out.sendNext(open, "event", v)
		case v, open := <-feed.Phases:
			err = out.sendNext(open, "phase", v)
		case now := <-heartbeat.C:
			heartbeat.Reset(untilHeartbeat(now))
			_, err = io.WriteString(out.w, ": \n\n")
		}
	}
}

// eventStream writes server-sent events, numbered from 1.
type eventStream struct {
	w      streamWriter
	lastID int
}

// sendNext sends a value of the feed; open is false where the feed has ended.
func (s *eventStream) sendNext(open bool, kind string, v any) error {
	if !open {
		return context.Canceled
	}
	return s.send(kind, v)
}

func (s *eventStream) send(kind string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.lastID++
	_, err = fmt.Fprintf(s.w, "id: %d\nevent: %s\ndata: %s\n\n", s.lastID, kind, data)
	return err
}
