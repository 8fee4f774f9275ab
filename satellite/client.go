package satellite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"guided/player"
	"guided/resolve"
)

// What an assistant may send. It sends a few messages for each sentence, and one a second while a timer runs.
const (
	maxMessageBytes   = 64 << 10 // of one message; a snapshot holds the last texts
	maxHandshakeBytes = 64 << 10 // of the answer that opens the connection
	maxMessages       = 60       // in floodWindow, with pings
	floodWindow       = 3 * time.Second
)

var errFlood = fmt.Errorf("it sends more than %d messages in %v", maxMessages, floodWindow)

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
	var handshake *handshakeConn
	dialer := websocket.Dialer{HandshakeTimeout: c.timing.dialTimeout, NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		// The kernel notices within half a minute that the assistant's machine is gone, without waking us.
		d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 20 * time.Second, Interval: 5 * time.Second, Count: 2}}
		conn, err := resolve.Dial(ctx, &d, network, address)
		if err != nil {
			return nil, err
		}
		handshake = &handshakeConn{Conn: conn}
		handshake.left.Store(maxHandshakeBytes)
		return handshake, nil
	}}
	dialing, cancel := context.WithTimeout(ctx, c.timing.dialTimeout)
	defer cancel()
	conn, _, err := dialer.DialContext(dialing, c.cfg.URL, nil)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	handshake.opened.Store(true)
	conn.SetReadLimit(maxMessageBytes)
	connected()
	c.forgetCommands()
	events, broken := make(chan string), make(chan error, 1)
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { broken <- c.readEvents(conn, events, done) })
	defer func() {
		close(done)
		conn.Close()
		reader.Wait()
	}()
	alive := time.NewTicker(c.timing.pingInterval)
	defer alive.Stop()
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
		case <-alive.C:
			err := conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.timing.dialTimeout))
			if err != nil {
				return fmt.Errorf("asking whether it is there: %w", err)
			}
			if err := handshake.SetWriteDeadline(time.Time{}); err != nil { // or it would wake us when it runs out
				return err
			}
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
// event in JSON. It fails when the assistant floods the connection, or sends nothing, not even an answer to a ping, for
// three pings: then the other end is gone, or hangs.
func (c *client) readEvents(conn *websocket.Conn, events chan<- string, done <-chan struct{}) error {
	flood := floodMeter{}
	heard := func() error {
		if !flood.admit(time.Now()) {
			return errFlood
		}
		return conn.SetReadDeadline(time.Now().Add(3 * c.timing.pingInterval))
	}
	answer := conn.PingHandler()
	conn.SetPingHandler(func(data string) error { return errors.Join(heard(), answer(data)) })
	conn.SetPongHandler(func(string) error { return heard() })
	for {
		if err := heard(); err != nil {
			return err
		}
		_, data, err := conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("listening: %w", err)
		}
		event := parseEvent(data)
		if event == "" {
			continue
		}
		select {
		case events <- event:
		case <-done:
			return nil
		}
	}
}

// parseEvent returns the name of the event of a message, "" where it is none.
func parseEvent(data []byte) string {
	var m struct {
		Event string `json:"event"`
	}
	if json.Unmarshal(data, &m) != nil {
		return ""
	}
	return m.Event
}

// floodMeter counts messages.
type floodMeter struct {
	since time.Time // the beginning of the window
	count int
}

// admit reports whether one more message is within the limit.
func (f *floodMeter) admit(now time.Time) bool {
	if now.Sub(f.since) > floodWindow {
		f.since, f.count = now, 0
	}
	f.count++
	return f.count <= maxMessages
}

// handshakeConn ends a connection whose first answer is too long: the library reads it without a limit.
type handshakeConn struct {
	net.Conn
	opened atomic.Bool
	left   atomic.Int64 // bytes until it is opened
}

func (h *handshakeConn) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if !h.opened.Load() && h.left.Add(-int64(n)) < 0 {
		return 0, fmt.Errorf("its first answer is longer than %d bytes", maxHandshakeBytes)
	}
	return n, err
}

// forgetCommands drops the commands that were given while no assistant was there: nothing is to be undone.
func (c *client) forgetCommands() {
	for {
		select {
		case <-c.commands:
		default:
			return
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
	if r := i.do(player.Command{Verb: verb, From: "the voice assistant"}); r.Status == "ok" && !r.Unchanged {
		i.undoVerb = undo
	}
}

// end undoes what begin did.
func (i *interruption) end() {
	if i.undoVerb != "" {
		i.do(player.Command{Verb: i.undoVerb, From: "the voice assistant"})
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
