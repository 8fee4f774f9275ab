package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"guided/cli"
	"guided/player"
)

// TestDaemonWithSatellite is a person who talks to the voice assistant beside a daemon, and to the daemon through it.
func TestDaemonWithSatellite(t *testing.T) {
	calls := make(chan *websocket.Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var up websocket.Upgrader
		if conn, err := up.Upgrade(w, r, nil); err == nil {
			calls <- conn
		}
	}))
	defer server.Close()
	p := newMachine(t, silentSettings+"[satellite]\nurl = \"ws"+strings.TrimPrefix(server.URL, "http")+"\"\naction = \"pause\"\nlisten = true\n")
	writeRoutine(t, p, "long", longRoutine)
	writeRoutine(t, p, "patient", "title = \"Patient\"\n[[step]]\nname = \"Lie down\"\nhold = \"until next\"\n[[step]]\nrest = \"10m\"\n")
	p.startDaemon()
	f := p.observe()
	var conn *websocket.Conn
	select {
	case conn = <-calls:
	case <-time.After(10 * time.Second):
		t.Fatal("the daemon does not call the assistant")
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	send := func(words ...string) {
		t.Helper()
		if code, out := p.run(append([]string{"send"}, words...)...); code != cli.Done {
			t.Fatal(out)
		}
	}
	says := func(event string) {
		t.Helper()
		if err := conn.WriteJSON(map[string]string{"event": event}); err != nil {
			t.Fatal(err)
		}
	}
	becomes := func(want player.Status) {
		t.Helper()
		waitFor(t, string(want), func() bool { return f.lastState().State == want })
	}

	send("start", "long")
	becomes(player.Playing)
	says("wake_word_detected")
	becomes(player.Paused)
	says("idle")
	becomes(player.Playing)

	says("wake_word_detected")
	becomes(player.Paused)
	send("pause") // as the assistant has it done
	says("idle")
	send("status")
	becomes(player.Paused)
	send("start", "patient")
	var m struct{ Command string }
	if err := conn.ReadJSON(&m); err != nil || m.Command != "start_listening" {
		t.Errorf("where a routine waits it is told %q: %v", m.Command, err)
	}
	becomes(player.Waiting)
	send("next")
	becomes(player.Playing)
}
