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

// forEachBroker runs a test against each supported broker.
func forEachBroker(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("mosquitto", func(t *testing.T) { test(t, newMosquitto(t).url()) })
	t.Run("embedded", func(t *testing.T) { test(t, newEmbedded(t).Address()) })
}

func newEmbedded(t *testing.T) *Broker {
	t.Helper()
	b, err := StartBroker("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestRunPublishesEverythingAtConnect(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		client := newTestClient(t, url)
		d := startDaemon(t, testOptions(url), defaultLimits())
		d.infos <- player.Info{Version: "1"}
		d.states <- player.State{State: player.Idle}
		client.await(0, "guided/mat/state", `"state":"idle"`)
		client.await(0, "guided/mat/info", `"version":"1"`)
		if first := client.all()[0]; first.topic != "guided/mat/status" || first.payload != "online" {
			t.Errorf("the first message is %v", first)
		}

		late := newTestClient(t, url)
		for topic, part := range map[string]string{"status": "online", "state": "idle", "info": `"version":"1"`} {
			n := late.await(0, "guided/mat/"+topic, part)
			if !late.all()[n-1].retained {
				t.Errorf("%s is not retained", topic)
			}
		}

		d.stop()
		n := client.await(0, "guided/mat/status", "offline")
		if n != len(client.all()) {
			t.Errorf("published after offline: %v", client.all()[n:])
		}
		newTestClient(t, url).await(0, "guided/mat/status", "offline")
	})
}

func TestRunReceivesCommandsWhenOnline(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		for range 10 {
			client := newTestClient(t, url)
			d := startDaemon(t, testOptions(url), defaultLimits())
			n := client.await(0, "guided/mat/status", "online")
			client.publish("guided/mat/command", "stop")
			client.await(n, "guided/mat/response", `"ok"`)
			d.stop()
		}
	})
}

func TestRunPublishesResponseBeforeItsEffects(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		client := newTestClient(t, url)
		d := startDaemon(t, testOptions(url), defaultLimits())
		d.onCommand(func(string) { // state and event come before the response
			d.states <- player.State{State: player.Playing, Routine: "4-4-6"}
			d.events <- player.Event{Type: "routine_started"}
		})
		n := client.await(0, "guided/mat/status", "online")
		client.publish("guided/mat/command", `{"command":"start 4-4-6","transaction":7}`)
		answer := client.await(n, "guided/mat/response", `{"status":"ok","command":"start","transaction":"7"}`)
		state := client.await(n, "guided/mat/state", `"playing"`)
		event := client.await(n, "guided/mat/event", `"routine_started"`)
		if answer > state || answer > event {
			t.Errorf("the order is %v", client.all()[n:])
		}
		later := newTestClient(t, url)
		later.await(0, "guided/mat/state", "playing")
		for _, s := range later.all() {
			if leaf := strings.TrimPrefix(s.topic, "guided/mat/"); !slices.Contains([]string{"status", "state", "info"}, leaf) {
				t.Errorf("%v is retained", s)
			}
		}
	})
}

func TestRunTakesCommandsToAllNodes(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		client := newTestClient(t, url)
		startDaemon(t, testOptions(url), defaultLimits())
		n := client.await(0, "guided/mat/status", "online")
		client.publish("guided/all/command", "stop")
		client.await(n, "guided/mat/response", `"command":"stop"`)
		client.publish("guided/mat2/command", "start")
		client.publish("guided/mat/command", "last")
		client.await(n, "guided/mat/response", `"command":"last"`)
		if n := len(client.on("guided/mat/response")); n != 2 {
			t.Errorf("%d responses to 2 commands", n)
		}
	})
}

func TestRunPublishesUnchangedStateOnce(t *testing.T) {
	url := newEmbedded(t).Address()
	client := newTestClient(t, url)
	d := startDaemon(t, testOptions(url), defaultLimits())
	for i := range 3 {
		for range 3 {
			d.states <- player.State{Routine: fmt.Sprint(i), UpdatedAt: time.Now()}
			d.infos <- player.Info{Version: fmt.Sprint(i)}
		}
		client.await(0, "guided/mat/state", fmt.Sprintf(`"routine":"%d"`, i))
		client.await(0, "guided/mat/info", fmt.Sprintf(`"version":"%d"`, i))
	}
	client.publish("guided/mat/command", "flush")
	client.await(0, "guided/mat/response", "flush")
	live := map[string]int{} // mochi may send a retained message once more while it handles the subscription
	for _, s := range client.all() {
		if !s.retained {
			live[s.topic]++
		}
	}
	if s, i := live["guided/mat/state"], live["guided/mat/info"]; s != 3 || i != 3 {
		t.Errorf("%d states and %d infos for 3 changes", s, i)
	}
}

func TestRunKeepsOrderOfPhasesAndEvents(t *testing.T) {
	url := newEmbedded(t).Address()
	client := newTestClient(t, url)
	d := startDaemon(t, testOptions(url), defaultLimits())
	client.await(0, "guided/mat/status", "online")
	const many = 50
	for i := range many {
		d.phases <- player.Phase{Phase: fmt.Sprint(i)}
		d.events <- player.Event{Type: fmt.Sprint(i)}
	}
	client.await(0, "guided/mat/phase", fmt.Sprintf(`"%d"`, many-1))
	client.await(0, "guided/mat/event", fmt.Sprintf(`"%d"`, many-1))
	for _, topic := range []string{"guided/mat/phase", "guided/mat/event"} {
		for i, s := range client.on(topic) {
			if !strings.Contains(s.payload, fmt.Sprintf(`"%d"`, i)) {
				t.Fatalf("number %d on %s is %s", i, topic, s.payload)
			}
		}
	}
}

func TestRunWithStateThatCannotBeEncoded(t *testing.T) {
	url := newEmbedded(t).Address()
	client := newTestClient(t, url)
	d := startDaemon(t, testOptions(url), defaultLimits())
	d.states <- player.State{Position: nan()}
	d.states <- player.State{Routine: "next"}
	client.await(0, "guided/mat/state", "next")
	if n := len(d.log.with("message of the player lost")); n != 1 {
		t.Errorf("logged %d times", n)
	}
	close(d.states)
	close(d.events)
	close(d.phases)
	close(d.infos)
	client.publish("guided/mat/command", "still there")
	client.await(0, "guided/mat/response", "still")
}

func TestRunWithInvalidOptions(t *testing.T) {
	for _, options := range []Options{{}, {Config: Config{Prefix: "guided"}, Node: "mat"}, {Config: Config{Prefix: "guided", Broker: "mqtt://x"}, Node: "a+b"}} {
		err := Run(t.Context(), options, nil, player.Feed{}, slog.New(slog.DiscardHandler))
		if err == nil || errors.Is(err, t.Context().Err()) {
			t.Errorf("%+v: %v", options, err)
		}
	}
}

func nan() float64 { var zero float64; return zero / zero }
