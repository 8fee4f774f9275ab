package satellite

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"guided/player"
)

// A closed connection is followed by another one, which works: the client survives each of these.
func TestClientSurvivesHostileAssistant(t *testing.T) {
	for name, attack := range map[string]func(r *fixture){
		"a flood of events": func(r *fixture) {
			for range 500 {
				if r.conn.WriteMessage(websocket.TextMessage, []byte(`{"event":"muted"}`)) != nil {
					return
				}
			}
		},
		"a flood of what is no event": func(r *fixture) {
			for range 500 {
				if r.conn.WriteMessage(websocket.BinaryMessage, nil) != nil {
					return
				}
			}
		},
		"a flood of pings": func(r *fixture) {
			for range 500 {
				if r.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) != nil {
					return
				}
			}
		},
		"a message in endless parts": func(r *fixture) {
			w, err := r.conn.NextWriter(websocket.TextMessage)
			for i := 0; i < 1000 && err == nil; i++ {
				_, err = io.WriteString(w, strings.Repeat("x", 1000))
			}
		},
		"a broken frame": func(r *fixture) { _, _ = r.conn.NetConn().Write([]byte{0xFF, 0xFF, 0xFF, 0xFF}) },
		"a close": func(r *fixture) {
			_ = r.conn.WriteControl(websocket.CloseMessage, []byte{3}, time.Now().Add(time.Second))
		},
		"half a frame": func(r *fixture) { _, _ = r.conn.NetConn().Write([]byte{0x81, 100, 'x'}); r.conn.NetConn().Close() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t, Config{Action: Duck}, fastTiming())
			r.sendEvents("listening")
			r.expect("duck")
			attack(r)
			r.expect("unduck")
			r.disconnect()
			r.accept()
			r.sendEvents("listening")
			r.expect("duck")
		})
	}
}

// An assistant that hangs answers no ping. Here the test does not read, so no ping is answered.
func TestClientLeavesHangingAssistant(t *testing.T) {
	timing := fastTiming()
	timing.pingInterval = 30 * time.Millisecond
	r := newFixture(t, Config{Action: Pause}, timing)
	r.sendEvents("listening")
	r.expect("pause", "resume")
	r.disconnect()
	r.accept()
}

// One that is there and has nothing to say is kept.
func TestClientKeepsSilentAssistant(t *testing.T) {
	timing := fastTiming()
	timing.pingInterval = 50 * time.Millisecond
	r := newFixture(t, Config{Action: Pause}, timing)
	pings := 0
	enough := make(chan struct{})
	answer := r.conn.PingHandler()
	r.conn.SetPingHandler(func(data string) error {
		if pings++; pings == 8 { // longer than it would take to be left
			close(enough)
		}
		return answer(data)
	})
	var reading sync.WaitGroup
	reading.Go(func() { _, _, _ = r.conn.ReadMessage() }) // answers pings until the end
	defer func() { r.disconnect(); reading.Wait() }()
	<-enough
	r.sendEvents("listening")
	r.expect("pause")
}

// The first answer has a limit of size and time, whatever follows it.
func TestClientHandshakeIsLimited(t *testing.T) {
	sent := make(chan int, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.(*net.TCPConn).SetWriteBuffer(4096)
		n, _ := fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\n")
		for i := 0; i < 100_000 && err == nil; i++ {
			var k int
			k, err = fmt.Fprintf(conn, "X-%d: %s\r\n", i, strings.Repeat("x", 900))
			n += k
		}
		sent <- n
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		newClient(Config{URL: "ws" + strings.TrimPrefix(server.URL, "http"), Action: Duck}, fastTiming(), nil, player.Feed{}, nil).run(ctx, slog.New(slog.DiscardHandler))
	})
	if n := <-sent; n > 20<<20 { // what the kernel holds on the way comes on top
		t.Errorf("%d bytes were taken", n)
	}
	cancel()
	running.Wait()
}

// Commands that were given while no assistant was there do not count for an interruption that begins later.
func TestClientForgetsOldCommands(t *testing.T) {
	commands := make(chan string, 4)
	commands <- "pause"
	c := newClient(Config{Action: Pause}, fastTiming(), nil, player.Feed{}, commands)
	c.forgetCommands()
	if len(commands) != 0 {
		t.Error("an old command is left")
	}
}

func TestFloodMeter(t *testing.T) {
	f := floodMeter{}
	now := time.Now()
	for range maxMessages {
		if !f.admit(now) {
			t.Fatal("too few are admitted")
		}
	}
	if f.admit(now) || !f.admit(now.Add(2*floodWindow)) {
		t.Error("one more is admitted, or none after a while")
	}
}

// Whatever an assistant sends, the client gives only its own verbs, in pairs.
func FuzzSatelliteEvent(f *testing.F) {
	for _, s := range []string{`{"event":"listening"}`, `{"event":"idle"}`, `{"event":"timer_ringing","data":{}}`, `{"event":7}`, `[]`, `null`, `{"event":"idle","event":"thinking"}`, "\x00\xff", strings.Repeat(`{"a":`, 5000)} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, message []byte, waits bool) {
		var verbs []string
		do := func(c player.Command) player.Response {
			verbs = append(verbs, c.Verb)
			return player.Response{Status: "ok"}
		}
		c := newClient(Config{Action: Pause}, fastTiming(), do, player.Feed{}, nil)
		if waits {
			c.state.State = player.Waiting
		}
		idle := time.NewTimer(time.Hour)
		defer idle.Stop()
		c.handleEvent(parseEvent(message), idle)
		c.handleEvent("idle", idle)
		switch got := strings.Join(verbs, " "); got {
		case "", "duck unduck", "pause resume":
		default:
			t.Errorf("%q: %s", message, got)
		}
	})
}

// BenchmarkEvent reads one message of the assistant and decides whether it is one too many.
func BenchmarkEvent(b *testing.B) {
	message := []byte(`{"event":"wake_word_detected","data":{"wake_word":"okay_nabu"}}`)
	var flood floodMeter
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if now = now.Add(time.Second); !flood.admit(now) || parseEvent(message) == "" {
			b.Fatal("it is refused")
		}
	}
}
