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

// fakeAssistant is a WebSocket server with the documented messages of Linux Voice Assistant.
type fakeAssistant struct {
	t           *testing.T
	server      *httptest.Server
	connections chan *websocket.Conn
	conn        *websocket.Conn // the current connection
}

func newFakeAssistant(t *testing.T) *fakeAssistant {
	a := &fakeAssistant{t: t, connections: make(chan *websocket.Conn, 16)}
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var up websocket.Upgrader
		if conn, err := up.Upgrade(w, r, nil); err == nil {
			a.connections <- conn
		}
	}))
	t.Cleanup(func() {
		a.disconnect()
		a.server.Close()
	})
	return a
}

func (a *fakeAssistant) url() string { return "ws" + strings.TrimPrefix(a.server.URL, "http") }

// accept takes the next connection, and sends the snapshot that greets a client.
func (a *fakeAssistant) accept() {
	a.t.Helper()
	select {
	case a.conn = <-a.connections:
	case <-time.After(10 * time.Second):
		a.t.Fatal("the client does not connect")
	}
	a.send(`{"event":"snapshot","data":{"muted":false,"volume":0.8,"ha_connected":true,"last_stt_text":null,"last_tts_text":null}}`)
}

func (a *fakeAssistant) send(messages ...string) {
	a.t.Helper()
	for _, m := range messages {
		if err := a.conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			a.t.Fatal(err)
		}
	}
}

// sendEvents sends events without data.
func (a *fakeAssistant) sendEvents(events ...string) {
	a.t.Helper()
	for _, e := range events {
		a.send(`{"event":"` + e + `"}`)
	}
}

// receiveCommand returns the next command that the assistant receives.
func (a *fakeAssistant) receiveCommand() string {
	a.t.Helper()
	var m struct{ Command string }
	_ = a.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if err := a.conn.ReadJSON(&m); err != nil {
		a.t.Fatal(err)
	}
	return m.Command
}

func (a *fakeAssistant) disconnect() {
	if a.conn != nil {
		a.conn.Close()
	}
}

// fixture is a client between a fake assistant and a fake player, which is playing. Its verbs pause, resume, duck and
// unduck answer as those of the player.
type fixture struct {
	*fakeAssistant
	states   chan player.State
	commands chan string
	executed chan string
	action   string

	mu             sync.Mutex
	paused, ducked bool
	playing        bool
}

func newFixture(t *testing.T, cfg Config, p timing) *fixture {
	t.Helper()
	r := &fixture{fakeAssistant: newFakeAssistant(t), states: make(chan player.State), commands: make(chan string), executed: make(chan string, 100), action: cfg.Action, playing: true}
	cfg.URL = r.url()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		newClient(cfg, p, r.do, player.Feed{States: r.states}, r.commands).run(ctx, slog.New(slog.DiscardHandler))
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	r.accept()
	return r
}

func (r *fixture) do(c player.Command) player.Response {
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
	r.executed <- c.Verb
	return answer
}

// personCommands carries out a command of a person, as over MQTT.
func (r *fixture) personCommands(verb string) {
	r.do(player.Command{Verb: verb})
	<-r.executed
	r.commands <- verb
}

// expect checks that the client gives the player exactly these commands next.
func (r *fixture) expect(verbs ...string) {
	r.t.Helper()
	for _, want := range verbs {
		select {
		case got := <-r.executed:
			if got != want {
				r.t.Fatalf("the player gets %s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			r.t.Fatalf("the player never gets %s", want)
		}
	}
}

// expectNothingElse checks that the client has given no further command: the next one is that of a new wake word.
func (r *fixture) expectNothingElse() {
	r.t.Helper()
	r.sendEvents("wake_word_detected")
	r.expect(r.action)
}

func fastTiming() timing {
	return timing{dialTimeout: 5 * time.Second, minRetry: time.Millisecond, maxRetry: 20 * time.Millisecond, stableAfter: time.Hour, pingInterval: time.Hour, idleTimeout: time.Hour}
}
