package mqtt

import (
	"context"
	"strings"
	"testing"
	"time"

	"guided/player"
)

func TestSendReturnsTheResponse(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		options := testOptions(url)
		d := startDaemon(t, options, defaultLimits())
		client := newTestClient(t, url)
		client.await(0, "guided/mat/status", "online")
		d.onCommand(func(string) {
			client.client.Publish("guided/mat/response", 1, false, `{"status":"error","transaction":"of another"}`)
		})

		r, err := Send(t.Context(), options, " start 4-4-6 ")
		if err != nil || r.Status != "ok" || r.Command != "start" {
			t.Errorf("words: %+v, %v", r, err)
		}
		r, err = Send(t.Context(), options, `{"command":"volume","volume":40,"transaction":"mine"}`)
		if err != nil || r.Status != "ok" || r.Transaction != "mine" {
			t.Errorf("JSON: %+v, %v", r, err)
		}
		did := d.executed()
		if !strings.HasPrefix(did[0], `{"command":"start 4-4-6","transaction":"`) {
			t.Errorf("words were sent as %s", did[0])
		}
		if did[1] != `{"command":"volume","transaction":"mine","volume":40}` {
			t.Errorf("JSON was sent as %s", did[1])
		}
		if _, err := Send(t.Context(), options, `{"command":`); err == nil || !strings.Contains(err.Error(), "in words") {
			t.Errorf("bad JSON: %v", err)
		}
	})
}

func TestSendWithoutResponse(t *testing.T) {
	url := newEmbedded(t).Address()
	options := testOptions(url)
	send := func(options Options) string {
		ctx, done := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer done()
		if _, err := Send(ctx, options, "start"); err != nil {
			return err.Error()
		}
		return ""
	}
	want := func(what, got, part string) {
		t.Helper()
		if !strings.Contains(got, part) {
			t.Errorf("%s: %q does not say %q", what, got, part)
		}
	}
	want("no daemon ever", send(options), "no daemon answered on guided/mat/command: is it running? No daemon was ever here")
	d := startDaemon(t, options, defaultLimits())
	newTestClient(t, url).await(0, "guided/mat/status", "online")
	d.stop()
	want("offline", send(options), "offline")
	d = startDaemon(t, options, defaultLimits())
	newTestClient(t, url).await(0, "guided/mat/status", "online")
	end := make(chan bool)
	d.onCommand(func(string) { <-end })
	want("busy", send(options), "it is online, but busy")
	close(end)
	options.Broker = "mqtt://127.0.0.1:1"
	want("no broker", send(options), "systemctl status mosquitto")
	options.Broker = "http://127.0.0.1"
	want("bad address", send(options), "mqtt://HOST:1883")
}

func TestFollow(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		options := testOptions(url)
		d := startDaemon(t, options, defaultLimits())
		d.states <- player.State{Routine: "first"}
		newTestClient(t, url).await(0, "guided/mat/state", "first")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		received := make(chan string)
		ended := make(chan error)
		go func() {
			ended <- Follow(ctx, options, func(topic string, payload []byte) { received <- topic })
		}()
		expect := func(topic string) {
			t.Helper()
			select {
			case got := <-received:
				if got != topic {
					t.Errorf("received %s, not %s", got, topic)
				}
			case err := <-ended:
				t.Fatalf("Follow: %v", err)
			case <-time.After(10 * time.Second):
				t.Fatalf("nothing received on %s", topic)
			}
		}
		expect("guided/mat/state")
		d.phases <- player.Phase{Phase: "in"}
		expect("guided/mat/phase")
		d.events <- player.Event{Type: "paused"}
		expect("guided/mat/event")
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Follow: %v", err)
		}
	})
}

func TestFollowWhenBrokerDies(t *testing.T) {
	broker := newMosquitto(t)
	options := testOptions(broker.url())
	ended := make(chan error)
	started := make(chan bool, 10)
	client := newTestClient(t, broker.url())
	client.publishRetained("guided/mat/state", "{}")
	go func() {
		ended <- Follow(t.Context(), options, func(string, []byte) { started <- true })
	}()
	<-started
	broker.kill()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "guided/mat") {
		t.Errorf("Follow: %v", err)
	}
}
