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

// TestDaemonWithSatellite pauses a session while a voice assistant is busy, and lets it listen where a routine waits.
func TestDaemonWithSatellite(t *testing.T) {
	connections := make(chan *websocket.Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var up websocket.Upgrader
		if conn, err := up.Upgrade(w, r, nil); err == nil {
			connections <- conn
		}
	}))
	defer server.Close()
	m := newMachine(t, silentSettings+"[satellite]\nurl = \"ws"+strings.TrimPrefix(server.URL, "http")+"\"\naction = \"pause\"\nlisten = true\n")
	writeRoutine(t, m, "long", longRoutine)
	writeRoutine(t, m, "patient", "title = \"Patient\"\n[[step]]\nname = \"Lie down\"\nhold = \"until next\"\n[[step]]\nrest = \"10m\"\n")
	page := m.servePage()
	m.startDaemon()
	seen := m.observe()
	waitFor(t, "the daemon to be connected", func() bool { return seen.lastState().State == player.Idle })
	var conn *websocket.Conn
	select {
	case conn = <-connections:
	case <-time.After(deadline):
		t.Fatal("the daemon does not connect to the assistant")
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(deadline))
	send := func(words ...string) {
		t.Helper()
		if code, out := m.run(append([]string{"send"}, words...)...); code != cli.Done {
			t.Fatal(out)
		}
	}
	assistantSends := func(event string) {
		t.Helper()
		if err := conn.WriteJSON(map[string]string{"event": event}); err != nil {
			t.Fatal(err)
		}
	}
	becomes := func(want player.Status) {
		t.Helper()
		waitFor(t, string(want), func() bool { return seen.lastState().State == want })
	}

	send("start", "long")
	becomes(player.Playing)
	assistantSends("wake_word_detected")
	becomes(player.Paused)
	assistantSends("idle")
	becomes(player.Playing)

	assistantSends("wake_word_detected")
	becomes(player.Paused)
	send("pause") // by voice, through the assistant
	assistantSends("idle")
	send("status")
	becomes(player.Paused)

	send("resume")
	becomes(player.Playing)
	assistantSends("wake_word_detected")
	becomes(player.Paused)
	answer, err := http.Post(page+"/api/pause", "application/json", strings.NewReader("{}")) // on the page, meanwhile
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	assistantSends("idle")
	send("start", "patient")
	var message struct{ Command string }
	if err := conn.ReadJSON(&message); err != nil || message.Command != "start_listening" {
		t.Errorf("where a routine waits it sends %q: %v", message.Command, err)
	}
	becomes(player.Waiting)
	if n := seen.countEvents("resumed"); n != 2 { // after the first idle, and as it was sent
		t.Errorf("it was resumed %d times", n)
	}
	send("next")
	becomes(player.Playing)
}
