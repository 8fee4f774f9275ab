package mqtt

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// brokers runs a test against each broker we promise to work with.
func brokers(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("mosquitto", func(t *testing.T) { test(t, newMosquitto(t).url()) })
	t.Run("embedded", func(t *testing.T) { test(t, newEmbedded(t).Address()) })
}

func newEmbedded(t *testing.T) *Broker {
	t.Helper()
	b, err := Embedded("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestWeSayWhoWeAreWhenWeArrive(t *testing.T) {
	brokers(t, func(t *testing.T, url string) {
		ear := listen(t, url)
		d := startDaemon(t, config(url), defaultLimits())
		d.infos <- player.Info{Version: "1"}
		d.states <- player.State{State: player.Idle}
		ear.await(0, "guided/mat/state", `"state":"idle"`)
		ear.await(0, "guided/mat/info", `"version":"1"`)
		if first := ear.all()[0]; first.topic != "guided/mat/status" || first.payload != "online" {
			t.Errorf("the first thing said is %v", first)
		}

		late := listen(t, url)
		for topic, part := range map[string]string{"status": "online", "state": "idle", "info": `"version":"1"`} {
			n := late.await(0, "guided/mat/"+topic, part)
			if !late.all()[n-1].retained {
				t.Errorf("%s is not retained", topic)
			}
		}

		d.stop()
		n := ear.await(0, "guided/mat/status", "offline")
		if n != len(ear.all()) {
			t.Errorf("said after offline: %v", ear.all()[n:])
		}
		listen(t, url).await(0, "guided/mat/status", "offline")
	})
}

func TestOnlineMeansThatWeHear(t *testing.T) {
	brokers(t, func(t *testing.T, url string) {
		for range 10 {
			ear := listen(t, url)
			d := startDaemon(t, config(url), defaultLimits())
			n := ear.await(0, "guided/mat/status", "online")
			ear.say("guided/mat/command", "stop")
			ear.await(n, "guided/mat/response", `"ok"`)
			d.stop()
		}
	})
}

func TestTheAnswerComesBeforeWhatTheCommandCaused(t *testing.T) {
	brokers(t, func(t *testing.T, url string) {
		ear := listen(t, url)
		d := startDaemon(t, config(url), defaultLimits())
		d.onCommand(func(string) { // the player is faster than its answer
			d.states <- player.State{State: player.Playing, Routine: "4-4-6"}
			d.events <- player.Event{Type: "routine_started"}
		})
		n := ear.await(0, "guided/mat/status", "online")
		ear.say("guided/mat/command", `{"command":"start 4-4-6","transaction":7}`)
		answer := ear.await(n, "guided/mat/response", `{"status":"ok","command":"start","transaction":"7"}`)
		state := ear.await(n, "guided/mat/state", `"playing"`)
		event := ear.await(n, "guided/mat/event", `"routine_started"`)
		if answer > state || answer > event {
			t.Errorf("the order is %v", ear.all()[n:])
		}
		later := listen(t, url)
		later.await(0, "guided/mat/state", "playing")
		for _, s := range later.all() {
			if leaf := strings.TrimPrefix(s.topic, "guided/mat/"); !slices.Contains([]string{"status", "state", "info"}, leaf) {
				t.Errorf("%v is kept by the broker", s)
			}
		}
	})
}

func TestACommandToAllIsForUsToo(t *testing.T) {
	brokers(t, func(t *testing.T, url string) {
		ear := listen(t, url)
		startDaemon(t, config(url), defaultLimits())
		n := ear.await(0, "guided/mat/status", "online")
		ear.say("guided/all/command", "stop")
		ear.await(n, "guided/mat/response", `"command":"stop"`)
		ear.say("guided/mat2/command", "start")
		ear.say("guided/mat/command", "last")
		ear.await(n, "guided/mat/response", `"command":"last"`)
		if n := len(ear.on("guided/mat/response")); n != 2 {
			t.Errorf("%d answers to 2 commands", n)
		}
	})
}

func TestAnUnchangedStateIsSaidOnce(t *testing.T) {
	url := newEmbedded(t).Address()
	ear := listen(t, url)
	d := startDaemon(t, config(url), defaultLimits())
	for i := range 3 {
		for range 3 {
			d.states <- player.State{Routine: fmt.Sprint(i), UpdatedAt: time.Now()}
			d.infos <- player.Info{Version: fmt.Sprint(i)}
		}
		ear.await(0, "guided/mat/state", fmt.Sprintf(`"routine":"%d"`, i))
		ear.await(0, "guided/mat/info", fmt.Sprintf(`"version":"%d"`, i))
	}
	ear.say("guided/mat/command", "flush")
	ear.await(0, "guided/mat/response", "flush")
	live := map[string]int{} // what mochi kept may come once more, if it is not done with our subscription yet
	for _, s := range ear.all() {
		if !s.retained {
			live[s.topic]++
		}
	}
	if s, i := live["guided/mat/state"], live["guided/mat/info"]; s != 3 || i != 3 {
		t.Errorf("said %d states and %d infos for 3 changes", s, i)
	}
}

func TestPhasesAndEventsKeepTheirOrder(t *testing.T) {
	url := newEmbedded(t).Address()
	ear := listen(t, url)
	d := startDaemon(t, config(url), defaultLimits())
	ear.await(0, "guided/mat/status", "online")
	const many = 50
	for i := range many {
		d.phases <- player.Phase{Phase: fmt.Sprint(i)}
		d.events <- player.Event{Type: fmt.Sprint(i)}
	}
	ear.await(0, "guided/mat/phase", fmt.Sprintf(`"%d"`, many-1))
	ear.await(0, "guided/mat/event", fmt.Sprintf(`"%d"`, many-1))
	for _, topic := range []string{"guided/mat/phase", "guided/mat/event"} {
		for i, s := range ear.on(topic) {
			if !strings.Contains(s.payload, fmt.Sprintf(`"%d"`, i)) {
				t.Fatalf("number %d on %s is %s", i, topic, s.payload)
			}
		}
	}
}

func TestAFeedThatCannotBeWrittenIsLoggedAndPassed(t *testing.T) {
	url := newEmbedded(t).Address()
	ear := listen(t, url)
	d := startDaemon(t, config(url), defaultLimits())
	d.states <- player.State{Position: nan()}
	d.states <- player.State{Routine: "next"}
	ear.await(0, "guided/mat/state", "next")
	if n := len(d.log.with("news of the player lost")); n != 1 {
		t.Errorf("logged %d times", n)
	}
	close(d.states)
	close(d.events)
	close(d.phases)
	close(d.infos)
	ear.say("guided/mat/command", "still there")
	ear.await(0, "guided/mat/response", "still")
}

func TestAConfigThatCannotWorkIsAnError(t *testing.T) {
	for _, cfg := range []Config{{}, {Node: "mat", Prefix: "guided"}, {Node: "a+b", Prefix: "guided", Broker: "mqtt://x"}} {
		err := Run(t.Context(), cfg, nil, player.Feed{}, slog.New(slog.DiscardHandler))
		if err == nil || errors.Is(err, t.Context().Err()) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func nan() float64 { var zero float64; return zero / zero }
