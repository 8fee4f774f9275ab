package satellite

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"guided/player"
)

// maxMessageBytes is the largest message of the assistant; a snapshot holds its last texts.
const maxMessageBytes = 64 << 10

// client follows one assistant over one connection after another.
type client struct {
	cfg          Config
	timing       timing
	interruption interruption
	states       <-chan player.State
	commands     <-chan string // verbs that people asked for

	busy       bool // the assistant listens, thinks or speaks
	state      player.State
	listenedAt waitPoint // the last one at which the assistant was made to listen
}

func newClient(cfg Config, t timing, do func(player.Command) player.Response, feed player.Feed, commands <-chan string) *client {
	return &client{cfg: cfg, timing: t, interruption: interruption{action: cfg.Action, do: do}, states: feed.States, commands: commands}
}

// waitPoint is a place where a routine waits for next.
type waitPoint struct {
	routine string
	started time.Time // of the session
	step    int
	side    string
}

// run keeps a connection until ctx ends. It logs the first failure in a row, and the next success.
func (c *client) run(ctx context.Context, log *slog.Logger) {
	retry, away := c.timing.minRetry, false
	for ctx.Err() == nil {
		began := time.Now()
		err := c.serveConnection(ctx, func() {
			log.Info("the voice assistant is there", "url", c.cfg.URL)
			away = false
		})
		if ctx.Err() != nil {
			return
		}
		if !away {
			log.Warn("the voice assistant is away; it is looked for again and again", "url", c.cfg.URL, "err", err)
			away = true
		}
		if time.Since(began) > c.timing.stableAfter {
			retry = c.timing.minRetry
		}
		wait := time.NewTimer(retry)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
		retry = min(2*retry, c.timing.maxRetry)
	}
}

// serveConnection connects and handles the events of the assistant until the connection breaks or ctx ends. Then it ends
// the interruption.
func (c *client) serveConnection(ctx context.Context, connected func()) error {
	dialer := websocket.Dialer{HandshakeTimeout: c.timing.dialTimeout}
	dialing, cancel := context.WithTimeout(ctx, c.timing.dialTimeout)
	defer cancel()
	conn, _, err := dialer.DialContext(dialing, c.cfg.URL, nil)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	conn.SetReadLimit(maxMessageBytes)
	connected()
	events, broken := make(chan string), make(chan error, 1)
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { broken <- readEvents(conn, events, done) })
	defer func() {
		close(done)
		conn.Close()
		reader.Wait()
	}()
	defer c.becomeIdle()
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
			c.handleEvent(event, idle)
		case <-idle.C:
			c.becomeIdle()
		case verb := <-c.commands:
			c.interruption.noteCommand(verb)
		case s, open := <-c.states:
			if !open {
				c.states = nil
				continue
			}
			c.state = s
		}
		if err := c.startListening(conn); err != nil {
			return err
		}
	}
}

// readEvents sends the names of events to events until the connection breaks or done is closed. It skips what is not an
// event in JSON.
func readEvents(conn *websocket.Conn, events chan<- string, done <-chan struct{}) error {
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
		case <-done:
			return nil
		}
	}
}

// handleEvent begins or ends the interruption; idle is the timer that ends it when no further event comes.
func (c *client) handleEvent(event string, idle *time.Timer) {
	switch event {
	case "wake_word_detected", "listening", "thinking", "tts_speaking", "timer_ringing":
		c.busy = true
		c.interruption.begin(c.state.State == player.Waiting)
		idle.Reset(c.timing.idleTimeout)
	case "idle":
		c.becomeIdle()
	}
}

func (c *client) becomeIdle() {
	c.busy = false
	c.interruption.end()
}

// startListening makes an idle assistant listen where a routine waits, once for each waitPoint, whatever interrupts it.
func (c *client) startListening(conn *websocket.Conn) error {
	s := c.state
	if !c.cfg.Listen || c.busy || s.State != player.Waiting || s.StartedAt == nil {
		return nil
	}
	here := waitPoint{s.Routine, *s.StartedAt, s.StepNumber, s.Side}
	if here == c.listenedAt {
		return nil
	}
	c.listenedAt = here
	if err := conn.SetWriteDeadline(time.Now().Add(c.timing.dialTimeout)); err != nil {
		return err
	}
	return conn.WriteJSON(map[string]string{"command": "start_listening"})
}

// interruption ducks or pauses the player, and undoes it.
type interruption struct {
	action   string // Duck or Pause
	do       func(player.Command) player.Response
	undoVerb string // "": nothing is to be undone
}

// begin ducks or pauses what plays. What a person has paused or ducked already is not undone at the end. A routine that
// waits for its listener is only ducked, so that it keeps waiting.
func (i *interruption) begin(waiting bool) {
	if i.undoVerb != "" {
		return
	}
	verb, undo := "duck", "unduck"
	if i.action == Pause && !waiting {
		verb, undo = "pause", "resume"
	}
	if r := i.do(player.Command{Verb: verb}); r.Status == "ok" && !r.Unchanged {
		i.undoVerb = undo
	}
}

// end undoes what begin did.
func (i *interruption) end() {
	if i.undoVerb != "" {
		i.do(player.Command{Verb: i.undoVerb})
		i.undoVerb = ""
	}
}

// noteCommand keeps a pause from being undone once a person has decided himself whether the routine goes on.
func (i *interruption) noteCommand(verb string) {
	switch verb {
	case "pause", "resume", "toggle", "start", "stop":
		if i.undoVerb == "resume" {
			i.undoVerb = ""
		}
	}
}
