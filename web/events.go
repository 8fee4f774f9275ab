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

// heartbeatInterval is from one sign of life on an event stream to the next, so that proxies keep the connection open: most
// close it after a minute.
const heartbeatInterval = 30 * time.Second

// heartbeatAfter is the time of the next heartbeat. All streams have it at the same moment, and their deadlines are such
// moments too: so any number of pages that show nothing new wake the daemon once in heartbeatInterval.
func heartbeatAfter(now time.Time) time.Time {
	return now.Truncate(heartbeatInterval).Add(heartbeatInterval)
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
	out := &eventStream{w: w, control: http.NewResponseController(w)}
	heartbeat := time.NewTimer(time.Until(heartbeatAfter(time.Now())))
	defer heartbeat.Stop()
	err := out.write("retry: 2000\n\n")
	if err == nil {
		err = out.send("state", withClock(<-feed.States))
	}
	for err == nil {
		select {
		case v, open := <-feed.States:
			err = out.sendNext(open, "state", withClock(v))
		case v, open := <-feed.Infos:
			err = out.sendNext(open, "info", v)
		case v, open := <-feed.Events:
			err = out.sendNext(open, "event", v)
		case v, open := <-feed.Phases:
			err = out.sendNext(open, "phase", v)
		case <-heartbeat.C:
			heartbeat.Reset(time.Until(heartbeatAfter(time.Now())))
			err = out.write(": \n\n")
		}
	}
}

// eventStream writes server-sent events, numbered from 1.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	lastID  int
}

// write sends text at once. A client that takes nothing for one or two heartbeatIntervals is disconnected.
func (s *eventStream) write(text string) error {
	if err := s.control.SetWriteDeadline(heartbeatAfter(time.Now()).Add(heartbeatInterval)); err != nil {
		return err
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.control.Flush()
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
	return s.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", s.lastID, kind, data))
}
