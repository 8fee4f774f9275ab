package satellite

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"guided/player"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClientInterruptsWhileAssistantIsBusy(t *testing.T) {
	t.Run("duck from the wake word until idle", func(t *testing.T) {
		r := newFixture(t, Config{Action: Duck}, fastTiming())
		r.sendEvents("wake_word_detected")
		r.expect("duck")
		r.sendEvents("listening")
		r.send(`{"event":"stt_text","data":{"text":"what time is it"}}`)
		r.sendEvents("thinking")
		r.send(`{"event":"tts_text","data":{"text":"ten"}}`)
		r.sendEvents("tts_speaking", "tts_finished", "idle")
		r.expect("unduck")
		r.sendEvents("idle")
		r.expectNothingElse()
	})
	t.Run("pause where that is the action", func(t *testing.T) {
		r := newFixture(t, Config{Action: Pause}, fastTiming())
		r.sendEvents("listening")
		r.expect("pause")
		r.sendEvents("thinking", "idle")
		r.expect("resume")
	})
	t.Run("a ringing timer", func(t *testing.T) {
		r := newFixture(t, Config{Action: Duck}, fastTiming())
		r.send(`{"event":"timer_ringing","data":{"id":"1","name":"tea","total_seconds":300,"seconds_left":0}}`)
		r.expect("duck")
		r.sendEvents("idle")
		r.expect("unduck")
	})
	t.Run("other events do nothing", func(t *testing.T) {
		r := newFixture(t, Config{Action: Duck}, fastTiming())
		r.sendEvents("muted", "media_player_playing", "zeroconf", "timer_ticking", "tts_finished", "idle")
		r.expectNothingElse()
	})
	t.Run("idle after a timeout without events", func(t *testing.T) {
		p := fastTiming()
		p.idleTimeout = 50 * time.Millisecond
		r := newFixture(t, Config{Action: Pause}, p)
		r.sendEvents("wake_word_detected")
		r.expect("pause", "resume")
	})
	t.Run("a waiting routine is ducked, not paused", func(t *testing.T) {
		r := newFixture(t, Config{Action: Pause}, fastTiming())
		r.states <- player.State{State: player.Waiting}
		r.sendEvents("listening")
		r.expect("duck")
		r.sendEvents("idle")
		r.expect("unduck")
	})
}

func TestClientKeepsWhatPersonDid(t *testing.T) {
	t.Run("a pause before the wake word is kept", func(t *testing.T) {
		r := newFixture(t, Config{Action: Pause}, fastTiming())
		r.personCommands("pause")
		r.sendEvents("wake_word_detected")
		r.expect("pause") // it is paused already
		r.sendEvents("idle")
		r.expectNothingElse()
	})
	t.Run("a pause that was asked of the assistant is kept", func(t *testing.T) {
		r := newFixture(t, Config{Action: Pause}, fastTiming())
		r.sendEvents("wake_word_detected")
		r.expect("pause")
		r.personCommands("pause")
		r.sendEvents("tts_speaking")
		r.expect("pause")
		r.sendEvents("idle")
		r.expectNothingElse()
	})
	t.Run("a resume during the interruption pauses again for the reply only", func(t *testing.T) {
		r := newFixture(t, Config{Action: Pause}, fastTiming())
		r.sendEvents("wake_word_detected")
		r.expect("pause")
		r.personCommands("resume")
		r.sendEvents("tts_speaking")
		r.expect("pause")
		r.sendEvents("idle")
		r.expect("resume")
	})
	t.Run("a skip does not cancel the resume", func(t *testing.T) {
		r := newFixture(t, Config{Action: Pause}, fastTiming())
		r.sendEvents("wake_word_detected")
		r.expect("pause")
		r.commands <- "next"
		r.sendEvents("idle")
		r.expect("resume")
	})
	t.Run("no resume where nothing plays", func(t *testing.T) {
		r := newFixture(t, Config{Action: Pause}, fastTiming())
		r.mu.Lock()
		r.playing = false
		r.mu.Unlock()
		r.sendEvents("wake_word_detected")
		r.expect("pause") // which fails
		r.sendEvents("idle")
		r.expectNothingElse()
	})
}

func TestClientConnection(t *testing.T) {
	t.Run("breaks while the assistant listens: resume, then reconnect", func(t *testing.T) {
		r := newFixture(t, Config{Action: Pause}, fastTiming())
		r.sendEvents("listening")
		r.expect("pause")
		r.disconnect()
		r.expect("resume")
		r.accept()
		r.sendEvents("listening")
		r.expect("pause")
		r.sendEvents("idle")
		r.expect("resume")
	})
	t.Run("brings malformed messages", func(t *testing.T) {
		r := newFixture(t, Config{Action: Duck}, fastTiming())
		r.send("", "{", `[1,2]`, `"idle"`, `{"event":7}`, `{"event":"listening`, "\x00\xff")
		if err := r.conn.WriteMessage(websocket.BinaryMessage, []byte{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		r.sendEvents("listening")
		r.expect("duck")
	})
	t.Run("brings a message that is too large: disconnect, then reconnect", func(t *testing.T) {
		r := newFixture(t, Config{Action: Duck}, fastTiming())
		r.sendEvents("listening")
		r.expect("duck")
		r.send(`{"event":"idle","data":"` + strings.Repeat("x", 2*maxMessageBytes) + `"}`)
		r.expect("unduck")
		r.accept()
	})
	t.Run("fails: retries, and one log line", func(t *testing.T) {
		late := httptest.NewUnstartedServer(nil)
		defer late.Close()
		var mu sync.Mutex
		var lines []string
		log := slog.New(slog.NewTextHandler(writerFunc(func(b []byte) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, string(b))
		}), nil))
		called := make(chan struct{}, 100)
		late.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called <- struct{}{}
			http.Error(w, "not yet", http.StatusServiceUnavailable)
		})
		late.Start()
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() {
			newClient(Config{URL: "ws" + strings.TrimPrefix(late.URL, "http"), Action: Duck}, fastTiming(), nil, player.Feed{}, nil).run(ctx, log)
		})
		for range 5 {
			<-called
		}
		cancel()
		running.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(lines) != 1 || !strings.Contains(lines[0], "away") {
			t.Errorf("%q", lines)
		}
	})
	t.Run("is off", func(t *testing.T) {
		Run(t.Context(), Config{Action: Duck}, nil, player.Feed{}, nil, slog.New(slog.DiscardHandler))
	})
}

type writerFunc func([]byte)

func (w writerFunc) Write(b []byte) (int, error) { w(b); return len(b), nil }

func TestClientStartsListeningWhereRoutineWaits(t *testing.T) {
	began := time.Now()
	waiting := func(step int) player.State {
		return player.State{State: player.Waiting, Routine: "yoga", StepNumber: step, StartedAt: &began}
	}
	t.Run("once at each wait", func(t *testing.T) {
		r := newFixture(t, Config{Action: Duck, Listen: true}, fastTiming())
		r.states <- waiting(2)
		r.states <- player.State{State: player.Paused, Routine: "yoga", StepNumber: 2, StartedAt: &began}
		r.states <- waiting(2)
		r.states <- waiting(5)
		if got := []string{r.receiveCommand(), r.receiveCommand()}; !slices.Equal(got, []string{"start_listening", "start_listening"}) {
			t.Errorf("commands %v", got)
		}
		r.states <- player.State{State: player.Playing}
		_ = r.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, data, err := r.conn.ReadMessage(); err == nil {
			t.Errorf("an extra command %s", data)
		}
	})
	t.Run("after the assistant is idle", func(t *testing.T) {
		r := newFixture(t, Config{Action: Duck, Listen: true}, fastTiming())
		r.sendEvents("tts_speaking")
		r.expect("duck")
		r.states <- waiting(2)
		r.sendEvents("idle")
		r.expect("unduck")
		if got := r.receiveCommand(); got != "start_listening" {
			t.Errorf("command %s", got)
		}
	})
	t.Run("not without the setting", func(t *testing.T) {
		r := newFixture(t, Config{Action: Duck}, fastTiming())
		r.states <- waiting(2)
		r.states <- player.State{}
		_ = r.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, data, err := r.conn.ReadMessage(); err == nil {
			t.Errorf("command %s", data)
		}
	})
}

func TestConfigCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  Config
		says string
	}{
		"off":                {Config{Action: Duck}, ""},
		"a loopback address": {Config{URL: "ws://127.0.0.1:6055", Action: Pause}, ""},
		"no scheme":          {Config{URL: "127.0.0.1:6055", Action: Duck}, `such as "ws://127.0.0.1:6055"`},
		"an http URL":        {Config{URL: "http://127.0.0.1:6055", Action: Duck}, "satellite.url"},
		"an unknown action":  {Config{Action: "mute"}, "use duck or pause"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := strings.Join(tt.cfg.Check(), "; ")
			if tt.says == "" && wrong != "" || !strings.Contains(wrong, tt.says) {
				t.Errorf("%q", wrong)
			}
		})
	}
}
