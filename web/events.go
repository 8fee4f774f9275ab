package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"guided/player"
)

const (
	heartbeatInterval = 15 * time.Second // so that whoever stands between keeps the connection
	eventTimeout      = 10 * time.Second // a client that takes nothing for so long is dropped
)

// clockedState is a state and the server's clock, so that a browser can correct its own.
type clockedState struct {
	player.State
	Now time.Time `json:"now"`
}

func withClock(s player.State) clockedState {
	return clockedState{s, time.Now().UTC().Truncate(time.Millisecond)}
}

// eventStream writes server-sent events, numbered from 1.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	lastID  int
}

// streamEvents tells everything that happens, the state of the moment first. The player does not wait for a slow client: it
// misses what is too much, and is dropped when it takes nothing any more.
func (s *handlers) streamEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy may not keep anything back
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	feed := s.player.Watch(ctx)
	out := &eventStream{w: w, control: http.NewResponseController(w)}
	beat := time.NewTicker(heartbeatInterval)
	defer beat.Stop()
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
		case <-beat.C:
			err = out.write(": \n\n")
		}
	}
}

// sendNext sends what a feed brought; the end of the feed is the end.
func (o *eventStream) sendNext(open bool, kind string, v any) error {
	if !open {
		return context.Canceled
	}
	return o.send(kind, v)
}

func (o *eventStream) send(kind string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	o.lastID++
	return o.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", o.lastID, kind, data))
}

func (o *eventStream) write(text string) error {
	if err := o.control.SetWriteDeadline(time.Now().Add(eventTimeout)); err != nil {
		return err
	}
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.control.Flush()
}
