package satellite

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"guided/player"
)

// maxMessageBytes is how many bytes a message of the assistant may have; a snapshot holds what was last said.
const maxMessageBytes = 64 << 10

// client follows one assistant, over its connections.
type client struct {
	cfg          Config
	timing       timing
	interruption interruption
	states       <-chan player.State
	commands     <-chan string

	busy       bool
	state      player.State
	listenedAt waitPoint // the last one in which the assistant was let listen
}

// waitPoint is a place in which a routine waits for next.
type waitPoint struct {
	routine string
	started time.Time
	step    int
	side    string
}

// serveConnection takes what the assistant says over one connection, until it breaks or ctx ends; then what was done is undone.
func (w *client) serveConnection(ctx context.Context, connected func()) error {
	dialer := websocket.Dialer{HandshakeTimeout: w.timing.dialTimeout}
	dialing, cancel := context.WithTimeout(ctx, w.timing.dialTimeout)
	defer cancel()
	conn, _, err := dialer.DialContext(dialing, w.cfg.URL, nil)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	conn.SetReadLimit(maxMessageBytes)
	connected()
	events, broken := make(chan string), make(chan error, 1)
	gone := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { broken <- readEvents(conn, events, gone) })
	defer func() {
		close(gone)
		conn.Close()
		reader.Wait()
	}()
	defer w.becomeIdle()
	idle := time.NewTimer(0)
	<-idle.C
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-broken:
			return err
		case event := <-events:
			switch event {
			case "wake_word_detected", "listening", "thinking", "tts_speaking", "timer_ringing":
				w.busy = true
				w.interruption.begin(w.state.State == player.Waiting)
				idle.Reset(w.timing.idleTimeout)
			case "idle":
				w.becomeIdle()
			}
		case <-idle.C:
			w.becomeIdle()
		case verb := <-w.commands:
			w.interruption.noteCommand(verb)
		case s, open := <-w.states:
			if !open {
				w.states = nil
				continue
			}
			w.state = s
		}
		if err := w.startListening(conn); err != nil {
			return err
		}
	}
}

// becomeIdle undoes what was done: the assistant is idle.
func (w *client) becomeIdle() {
	w.busy = false
	w.interruption.end()
}

// startListening lets the assistant listen where a routine waits, when it has nothing else to do; once for each wait, whatever
// interrupts it.
func (w *client) startListening(conn *websocket.Conn) error {
	s := w.state
	if !w.cfg.Listen || w.busy || s.State != player.Waiting || s.StartedAt == nil {
		return nil
	}
	here := waitPoint{s.Routine, *s.StartedAt, s.StepNumber, s.Side}
	if here == w.listenedAt {
		return nil
	}
	w.listenedAt = here
	if err := conn.SetWriteDeadline(time.Now().Add(w.timing.dialTimeout)); err != nil {
		return err
	}
	return conn.WriteJSON(map[string]string{"command": "start_listening"})
}

// readEvents hands on the names of events until the connection breaks. What is no message is passed over.
func readEvents(conn *websocket.Conn, events chan<- string, gone <-chan struct{}) error {
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("listening: %w", err)
		}
		var m struct {
			Event string `json:"event"`
		}
		if json.Unmarshal(data, &m) != nil || m.Event == "" {
			continue
		}
		select {
		case events <- m.Event:
		case <-gone:
			return nil
		}
	}
}

// interruption is what was done to the player and is to be undone.
type interruption struct {
	action   string
	do       func(player.Command) player.Response
	undoVerb string // the verb that takes it back, "" for nothing
}

// begin lowers or pauses what plays. What a person has paused or lowered already is his. A routine that waits for its
// listener is only lowered: its wait is to go on.
func (h *interruption) begin(waiting bool) {
	if h.undoVerb != "" {
		return
	}
	verb, undo := "duck", "unduck"
	if h.action == Pause && !waiting {
		verb, undo = "pause", "resume"
	}
	if r := h.do(player.Command{Verb: verb}); r.Status == "ok" && !r.Unchanged {
		h.undoVerb = undo
	}
}

// end undoes it.
func (h *interruption) end() {
	if h.undoVerb != "" {
		h.do(player.Command{Verb: h.undoVerb})
		h.undoVerb = ""
	}
}

// noteCommand forgets a pause when a person says himself whether the routine is to go on.
func (h *interruption) noteCommand(verb string) {
	switch verb {
	case "pause", "resume", "toggle", "start", "stop":
		if h.undoVerb == "resume" {
			h.undoVerb = ""
		}
	}
}

// timing holds every wait of this package.
type timing struct {
	dialTimeout time.Duration // how long the assistant may take to answer
	minRetry    time.Duration // from a failure to the next attempt; it doubles
	maxRetry    time.Duration // and is never longer than this
	stableAfter time.Duration // a connection that held so long was a good one: the next wait is the first again
	idleTimeout time.Duration // after its last word an assistant that does not say that it is idle counts as idle
}
