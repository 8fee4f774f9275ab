package satellite

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"guided/player"
)

// assistant is a real server that speaks as Linux Voice Assistant is documented to speak.
type assistant struct {
	t      *testing.T
	server *httptest.Server
	calls  chan *websocket.Conn
	conn   *websocket.Conn // the call that is on
}

func newAssistant(t *testing.T) *assistant {
	a := &assistant{t: t, calls: make(chan *websocket.Conn, 16)}
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var up websocket.Upgrader
		if conn, err := up.Upgrade(w, r, nil); err == nil {
			a.calls <- conn
		}
	}))
	t.Cleanup(func() {
		a.hangUp()
		a.server.Close()
	})
	return a
}

func (a *assistant) url() string { return "ws" + strings.TrimPrefix(a.server.URL, "http") }

// answer takes the next call, and greets as it does.
func (a *assistant) answer() {
	a.t.Helper()
	select {
	case a.conn = <-a.calls:
	case <-time.After(10 * time.Second):
		a.t.Fatal("nobody calls the assistant")
	}
	a.send(`{"event":"snapshot","data":{"muted":false,"volume":0.8,"ha_connected":true,"last_stt_text":null,"last_tts_text":null}}`)
}

func (a *assistant) send(messages ...string) {
	a.t.Helper()
	for _, m := range messages {
		if err := a.conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			a.t.Fatal(err)
		}
	}
}

// says sends events without data.
func (a *assistant) says(events ...string) {
	a.t.Helper()
	for _, e := range events {
		a.send(`{"event":"` + e + `"}`)
	}
}

// is told the next command.
func (a *assistant) told() string {
	a.t.Helper()
	var m struct{ Command string }
	_ = a.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if err := a.conn.ReadJSON(&m); err != nil {
		a.t.Fatal(err)
	}
	return m.Command
}

func (a *assistant) hangUp() {
	if a.conn != nil {
		a.conn.Close()
	}
}

// room is a player that plays, with its listener and the assistant. Its verbs do what the player's do.
type room struct {
	*assistant
	states chan player.State
	heard  chan string
	did    chan string
	action string

	mu             sync.Mutex
	paused, ducked bool
	playing        bool
}

func newRoom(t *testing.T, cfg Config, p timing) *room {
	t.Helper()
	r := &room{assistant: newAssistant(t), states: make(chan player.State), heard: make(chan string), did: make(chan string, 100), action: cfg.Action, playing: true}
	cfg.URL = r.url()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { newClient(cfg, p, r.do, player.Feed{States: r.states}, r.heard).run(ctx, slog.New(slog.DiscardHandler)) })
	t.Cleanup(func() { cancel(); running.Wait() })
	r.answer()
	return r
}

func (r *room) do(c player.Command) player.Response {
	r.mu.Lock()
	defer r.mu.Unlock()
	answer := player.Response{Status: "ok", Command: c.Verb}
	set := func(what *bool, to bool) {
		answer.Unchanged = *what == to
		*what = to
	}
	switch {
	case !r.playing && (c.Verb == "pause" || c.Verb == "resume"):
		answer.Status, answer.Unchanged = "error", false
	case c.Verb == "pause" || c.Verb == "resume":
		set(&r.paused, c.Verb == "pause")
	case !r.playing:
		answer.Unchanged = true
	default:
		set(&r.ducked, c.Verb == "duck")
	}
	r.did <- c.Verb
	return answer
}

// person asks something of the player, as over MQTT.
func (r *room) person(verb string) {
	r.do(player.Command{Verb: verb})
	<-r.did
	r.heard <- verb
}

// does demands what is asked of the player, in order and nothing else.
func (r *room) does(verbs ...string) {
	r.t.Helper()
	for _, want := range verbs {
		select {
		case got := <-r.did:
			if got != want {
				r.t.Fatalf("the player is asked to %s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			r.t.Fatalf("the player is never asked to %s", want)
		}
	}
}

// nothing demands that nothing more was asked of the player: the next thing is what the next wake word asks for.
func (r *room) nothing() {
	r.t.Helper()
	r.says("wake_word_detected")
	r.does(r.action)
}

func fast() timing {
	return timing{dialTimeout: 5 * time.Second, minRetry: time.Millisecond, maxRetry: 20 * time.Millisecond, stableAfter: time.Hour, idleTimeout: time.Hour}
}
