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

func TestTheAssistantIsBusy(t *testing.T) {
	t.Run("the routine is soft from the wake word until it is idle", func(t *testing.T) {
		r := newRoom(t, Config{Action: Duck}, fast())
		r.says("wake_word_detected")
		r.does("duck")
		r.says("listening")
		r.send(`{"event":"stt_text","data":{"text":"what time is it"}}`)
		r.says("thinking")
		r.send(`{"event":"tts_text","data":{"text":"ten"}}`)
		r.says("tts_speaking", "tts_finished", "idle")
		r.does("unduck")
		r.says("idle")
		r.nothing()
	})
	t.Run("or pauses, where that is asked for", func(t *testing.T) {
		r := newRoom(t, Config{Action: Pause}, fast())
		r.says("listening")
		r.does("pause")
		r.says("thinking", "idle")
		r.does("resume")
	})
	t.Run("a timer that rings does the same", func(t *testing.T) {
		r := newRoom(t, Config{Action: Duck}, fast())
		r.send(`{"event":"timer_ringing","data":{"id":"1","name":"tea","total_seconds":300,"seconds_left":0}}`)
		r.does("duck")
		r.says("idle")
		r.does("unduck")
	})
	t.Run("what it says of other things does nothing", func(t *testing.T) {
		r := newRoom(t, Config{Action: Duck}, fast())
		r.says("muted", "media_player_playing", "zeroconf", "timer_ticking", "tts_finished", "idle")
		r.nothing()
	})
	t.Run("one that never says that it is idle is taken for idle", func(t *testing.T) {
		p := fast()
		p.idleTimeout = 50 * time.Millisecond
		r := newRoom(t, Config{Action: Pause}, p)
		r.says("wake_word_detected")
		r.does("pause", "resume")
	})
	t.Run("a routine that waits is lowered, and its wait goes on", func(t *testing.T) {
		r := newRoom(t, Config{Action: Pause}, fast())
		r.states <- player.State{State: player.Waiting}
		r.says("listening")
		r.does("duck")
		r.says("idle")
		r.does("unduck")
	})
}

func TestWhatAPersonDidIsHis(t *testing.T) {
	t.Run("a pause before the wake word", func(t *testing.T) {
		r := newRoom(t, Config{Action: Pause}, fast())
		r.person("pause")
		r.says("wake_word_detected")
		r.does("pause") // it is one already
		r.says("idle")
		r.nothing()
	})
	t.Run("a pause that he asked the assistant for", func(t *testing.T) {
		r := newRoom(t, Config{Action: Pause}, fast())
		r.says("wake_word_detected")
		r.does("pause")
		r.person("pause")
		r.says("tts_speaking")
		r.does("pause")
		r.says("idle")
		r.nothing()
	})
	t.Run("a routine that he asked to go on is silent for the answer only", func(t *testing.T) {
		r := newRoom(t, Config{Action: Pause}, fast())
		r.says("wake_word_detected")
		r.does("pause")
		r.person("resume")
		r.says("tts_speaking")
		r.does("pause")
		r.says("idle")
		r.does("resume")
	})
	t.Run("a step that he skips does not lose the way back", func(t *testing.T) {
		r := newRoom(t, Config{Action: Pause}, fast())
		r.says("wake_word_detected")
		r.does("pause")
		r.heard <- "next"
		r.says("idle")
		r.does("resume")
	})
	t.Run("nothing is played to him who plays nothing", func(t *testing.T) {
		r := newRoom(t, Config{Action: Pause}, fast())
		r.mu.Lock()
		r.playing = false
		r.mu.Unlock()
		r.says("wake_word_detected")
		r.does("pause") // and is told that nothing plays
		r.says("idle")
		r.nothing()
	})
}

func TestTheLineToTheAssistant(t *testing.T) {
	t.Run("breaks while it listens: the routine comes back, and so does the line", func(t *testing.T) {
		r := newRoom(t, Config{Action: Pause}, fast())
		r.says("listening")
		r.does("pause")
		r.hangUp()
		r.does("resume")
		r.answer()
		r.says("listening")
		r.does("pause")
		r.says("idle")
		r.does("resume")
	})
	t.Run("brings garbage", func(t *testing.T) {
		r := newRoom(t, Config{Action: Duck}, fast())
		r.send("", "{", `[1,2]`, `"idle"`, `{"event":7}`, `{"event":"listening`, "\x00\xff")
		if err := r.conn.WriteMessage(websocket.BinaryMessage, []byte{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		r.says("listening")
		r.does("duck")
	})
	t.Run("brings more than anybody says: it is hung up, and called again", func(t *testing.T) {
		r := newRoom(t, Config{Action: Duck}, fast())
		r.says("listening")
		r.does("duck")
		r.send(`{"event":"idle","data":"` + strings.Repeat("x", 2*maxMessageBytes) + `"}`)
		r.does("unduck")
		r.answer()
	})
	t.Run("is not there yet: it is called until it is, and that is told once", func(t *testing.T) {
		late := httptest.NewUnstartedServer(nil)
		defer late.Close()
		var mu sync.Mutex
		var lines []string
		log := slog.New(slog.NewTextHandler(writer(func(b []byte) {
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
			newClient(Config{URL: "ws" + strings.TrimPrefix(late.URL, "http"), Action: Duck}, fast(), nil, player.Feed{}, nil).run(ctx, log)
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
	t.Run("is off: nothing is done", func(t *testing.T) {
		Run(t.Context(), Config{Action: Duck}, nil, player.Feed{}, nil, slog.New(slog.DiscardHandler))
	})
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

func TestTheAssistantListensWhereARoutineWaits(t *testing.T) {
	began := time.Now()
	waiting := func(step int) player.State {
		return player.State{State: player.Waiting, Routine: "yoga", StepNumber: step, StartedAt: &began}
	}
	t.Run("once for each wait, whatever interrupts it", func(t *testing.T) {
		r := newRoom(t, Config{Action: Duck, Listen: true}, fast())
		r.states <- waiting(2)
		r.states <- player.State{State: player.Paused, Routine: "yoga", StepNumber: 2, StartedAt: &began}
		r.states <- waiting(2)
		r.states <- waiting(5)
		if got := []string{r.told(), r.told()}; !slices.Equal(got, []string{"start_listening", "start_listening"}) {
			t.Errorf("it is told %v", got)
		}
		r.states <- player.State{State: player.Playing}
		_ = r.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, data, err := r.conn.ReadMessage(); err == nil {
			t.Errorf("it is told %s too", data)
		}
	})
	t.Run("after what it is busy with", func(t *testing.T) {
		r := newRoom(t, Config{Action: Duck, Listen: true}, fast())
		r.says("tts_speaking")
		r.does("duck")
		r.states <- waiting(2)
		r.says("idle")
		r.does("unduck")
		if got := r.told(); got != "start_listening" {
			t.Errorf("it is told %s", got)
		}
	})
	t.Run("not where nobody asked for it", func(t *testing.T) {
		r := newRoom(t, Config{Action: Duck}, fast())
		r.states <- waiting(2)
		r.states <- player.State{}
		_ = r.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, data, err := r.conn.ReadMessage(); err == nil {
			t.Errorf("it is told %s", data)
		}
	})
}

func TestSettings(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  Config
		says string
	}{
		"off is right":                {Config{Action: Duck}, ""},
		"an address of this machine":  {Config{URL: "ws://127.0.0.1:6055", Action: Pause}, ""},
		"no scheme":                   {Config{URL: "127.0.0.1:6055", Action: Duck}, `such as "ws://127.0.0.1:6055"`},
		"a page":                      {Config{URL: "http://127.0.0.1:6055", Action: Duck}, "satellite.url"},
		"an action that there is not": {Config{Action: "mute"}, "use duck or pause"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := strings.Join(tt.cfg.Check(), "; ")
			if tt.says == "" && wrong != "" || !strings.Contains(wrong, tt.says) {
				t.Errorf("%q", wrong)
			}
		})
	}
}
