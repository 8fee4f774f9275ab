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
	heartbeat = 15 * time.Second // so that whoever stands between keeps the connection
	slowTime  = 10 * time.Second // a client that takes nothing for so long is dropped
)

// now is a state and the server's clock, so that a browser can correct its own.
type now struct {
	player.State
	Now time.Time `json:"now"`
}

func stated(s player.State) now { return now{s, time.Now().UTC().Truncate(time.Millisecond)} }

// stream writes server-sent events, numbered from 1.
type stream struct {
	w  http.ResponseWriter
	to *http.ResponseController
	n  int
}

// events tells everything that happens, the state of the moment first. The player does not wait for a slow client: it
// misses what is too much, and is dropped when it takes nothing any more.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy may not keep anything back
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	feed := s.player.Watch(ctx)
	out := &stream{w: w, to: http.NewResponseController(w)}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	err := out.write("retry: 2000\n\n")
	if err == nil {
		err = out.send("state", stated(<-feed.States))
	}
	for err == nil {
		select {
		case v, open := <-feed.States:
			err = out.next(open, "state", stated(v))
		case v, open := <-feed.Infos:
			err = out.next(open, "info", v)
		case v, open := <-feed.Events:
			err = out.next(open, "event", v)
		case v, open := <-feed.Phases:
			err = out.next(open, "phase", v)
		case <-beat.C:
			err = out.write(": \n\n")
		}
	}
}

// next sends what a feed brought; the end of the feed is the end.
func (o *stream) next(open bool, kind string, v any) error {
	if !open {
		return context.Canceled
	}
	return o.send(kind, v)
}

func (o *stream) send(kind string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	o.n++
	return o.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", o.n, kind, data))
}

func (o *stream) write(text string) error {
	if err := o.to.SetWriteDeadline(time.Now().Add(slowTime)); err != nil {
		return err
	}
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.to.Flush()
}
