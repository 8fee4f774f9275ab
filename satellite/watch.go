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

// largest is how many bytes a message of the assistant may have; a snapshot holds what was last said.
const largest = 64 << 10

// watch follows one assistant, over its connections.
type watch struct {
	cfg    Config
	pace   pace
	hold   hold
	states <-chan player.State
	heard  <-chan string

	busy  bool
	now   player.State
	asked wait // the last one in which the assistant was let listen
}

// wait is a place in which a routine waits for next.
type wait struct {
	routine string
	started time.Time
	step    int
	side    string
}

// follow takes what the assistant says over one connection, until it breaks or ctx ends; then what was done is undone.
func (w *watch) follow(ctx context.Context, connected func()) error {
	dialer := websocket.Dialer{HandshakeTimeout: w.pace.dial}
	dialing, cancel := context.WithTimeout(ctx, w.pace.dial)
	defer cancel()
	conn, _, err := dialer.DialContext(dialing, w.cfg.URL, nil)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	conn.SetReadLimit(largest)
	connected()
	events, broken := make(chan string), make(chan error, 1)
	gone := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { broken <- read(conn, events, gone) })
	defer func() {
		close(gone)
		conn.Close()
		reader.Wait()
	}()
	defer w.rest()
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
				w.hold.take(w.now.State == player.Waiting)
				idle.Reset(w.pace.patience)
			case "idle":
				w.rest()
			}
		case <-idle.C:
			w.rest()
		case verb := <-w.heard:
			w.hold.overruled(verb)
		case s, open := <-w.states:
			if !open {
				w.states = nil
				continue
			}
			w.now = s
		}
		if err := w.listen(conn); err != nil {
			return err
		}
	}
}

// rest undoes what was done: the assistant is idle.
func (w *watch) rest() {
	w.busy = false
	w.hold.leave()
}

// listen lets the assistant listen where a routine waits, when it has nothing else to do; once for each wait, whatever
// interrupts it.
func (w *watch) listen(conn *websocket.Conn) error {
	s := w.now
	if !w.cfg.Listen || w.busy || s.State != player.Waiting || s.StartedAt == nil {
		return nil
	}
	here := wait{s.Routine, *s.StartedAt, s.StepNumber, s.Side}
	if here == w.asked {
		return nil
	}
	w.asked = here
	if err := conn.SetWriteDeadline(time.Now().Add(w.pace.dial)); err != nil {
		return err
	}
	return conn.WriteJSON(map[string]string{"command": "start_listening"})
}

// read hands on the names of events until the connection breaks. What is no message is passed over.
func read(conn *websocket.Conn, events chan<- string, gone <-chan struct{}) error {
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
