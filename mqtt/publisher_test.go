package mqtt

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"guided/player"
)

func TestPublisherWhenBrokerRestartsWithoutRetained(t *testing.T) {
	broker := newMosquitto(t)
	client := newTestClient(t, broker.url())
	d := startDaemon(t, testOptions(broker.url()), defaultLimits())
	d.infos <- player.Info{Version: "1"}
	d.states <- player.State{Routine: "before"}
	client.await(0, "guided/mat/state", "before")

	broker.kill()
	for i := range 50 { // the player goes on
		d.states <- player.State{Routine: fmt.Sprintf("while away %d", i)}
	}
	eventually(t, "the outage is logged", func() bool { return len(d.log.with("broker away")) > 0 })
	broker.start()

	began := time.Now()
	client = newTestClient(t, broker.url())
	client.awaitWithin(35*time.Second, 0, "guided/mat/state", "while away 49")
	back := time.Since(began)
	client.await(0, "guided/mat/info", `"version":"1"`)
	client.await(0, "guided/mat/status", "online")
	client.publish("guided/mat/command", "start")
	client.await(0, "guided/mat/response", `"ok"`)
	newTestClient(t, broker.url()).await(0, "guided/mat/status", "online") // it is retained again
	if n := len(client.on("guided/mat/state")); n != 1 {
		t.Errorf("%d states were published at reconnect, not the last alone", n)
	}
	if away, back := d.log.with("broker away"), d.log.with("broker back"); len(away) != 1 || len(back) != 1 {
		t.Errorf("logged %q and %q, not one line each", away, back)
	}
	t.Logf("back %v after the broker", back.Round(time.Millisecond))
}

func TestPublisherWhenBrokerIsKilledRepeatedly(t *testing.T) {
	broker := newMosquitto(t)
	p := defaultLimits()
	p.firstRetry, p.lastRetry = 5*time.Millisecond, 50*time.Millisecond
	d := startDaemon(t, testOptions(broker.url()), p)
	for i := range 20 {
		client := newTestClient(t, broker.url())
		d.states <- player.State{Routine: fmt.Sprintf("round %d", i)}
		// limits.write is lost when the broker dies while paho writes.
		client.awaitWithin(3*time.Second, 0, "guided/mat/state", fmt.Sprintf("round %d\"", i))
		n := client.await(0, "guided/mat/status", "online")
		client.publish("guided/mat/command", fmt.Sprintf("start %d", i))
		if i%2 == 0 { // else the broker dies at a random moment of the response
			client.await(n, "guided/mat/response", `"ok"`)
		}
		broker.kill()
		broker.start()
	}
	if n := len(d.executed()); n < 10 || n > 20 {
		t.Errorf("%d commands executed", n)
	}
}

func TestPublisherWhenBrokerStartsLate(t *testing.T) {
	broker := newMosquitto(t)
	broker.kill()
	d := startDaemon(t, testOptions(broker.url()), defaultLimits())
	d.states <- player.State{Routine: "long since"}
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker away")) == 1 })
	broker.start()
	newTestClient(t, broker.url()).awaitWithin(35*time.Second, 0, "guided/mat/state", "long since")
}

func TestPublisherWhenConnectionIsCut(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		client := newTestClient(t, url)
		proxy := newProxy(t, hostOf(url))
		d := startDaemon(t, testOptions(proxy.url()), defaultLimits())
		d.states <- player.State{Routine: "before"}
		n := client.await(0, "guided/mat/state", "before")
		proxy.cut()
		n = client.await(n, "guided/mat/status", "offline") // our last will
		n = client.await(n, "guided/mat/status", "online")
		client.await(n, "guided/mat/state", "before") // again, though nothing changed
	})
}

func TestPublisherWhenIdleConnectionFreezes(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		client := newTestClient(t, url)
		proxy := newProxy(t, hostOf(url))
		p := defaultLimits()
		p.keepAlive, p.pong = time.Second, time.Second
		d := startDaemon(t, testOptions(proxy.url()), p)
		n := client.await(0, "guided/mat/status", "online")
		proxy.freeze()
		began := time.Now()
		eventually(t, "it is noticed", func() bool { return len(d.log.with("broker away")) == 1 })
		t.Logf("noticed after %v", time.Since(began).Round(time.Millisecond))
		client.await(n, "guided/mat/status", "online")
	})
}

func TestPublisherWhenConnectionFreezesWhilePublishing(t *testing.T) {
	url := newEmbedded(t).Address()
	client := newTestClient(t, url)
	proxy := newProxy(t, hostOf(url))
	p := defaultLimits()
	p.ack = 200 * time.Millisecond // long before the next ping
	d := startDaemon(t, testOptions(proxy.url()), p)
	client.await(0, "guided/mat/status", "online")
	proxy.freeze()
	d.events <- player.Event{Type: "paused"}
	d.states <- player.State{State: player.Paused}
	client.await(0, "guided/mat/event", "paused")
	client.await(0, "guided/mat/state", "paused")
	if logged := d.log.with(errNoAnswer.Error()); len(logged) != 1 {
		t.Errorf("logged %q", logged)
	}
}

func TestPublisherDropsOldEvents(t *testing.T) {
	url := newEmbedded(t).Address()
	client := newTestClient(t, url)
	proxy := newProxy(t, hostOf(url))
	p := defaultLimits()
	p.maxEventAge, p.maxPhaseAge = 400*time.Millisecond, 100*time.Millisecond
	d := startDaemon(t, testOptions(proxy.url()), p)
	n := client.await(0, "guided/mat/status", "online")
	proxy.refuse(true)
	proxy.cut()
	n = client.await(n, "guided/mat/status", "offline")
	eventually(t, "the outage is logged", func() bool { return len(d.log.with("broker away")) == 1 })
	for i := range 300 {
		d.events <- player.Event{Type: fmt.Sprint("old ", i)}
		d.phases <- player.Phase{Phase: fmt.Sprint("old ", i)}
	}
	time.Sleep(p.maxEventAge + 50*time.Millisecond) // they must become old
	d.events <- player.Event{Type: "young"}
	proxy.refuse(false)
	n = client.awaitWithin(35*time.Second, n, "guided/mat/status", "online")
	d.events <- player.Event{Type: "live"}
	d.phases <- player.Phase{Phase: "live"}
	client.await(n, "guided/mat/event", "live")
	client.await(n, "guided/mat/phase", "live")
	for _, s := range append(client.on("guided/mat/event"), client.on("guided/mat/phase")...) {
		if strings.Contains(s.payload, "old") {
			t.Errorf("published though it is old: %v", s)
		}
	}
}

// daemon.stop checks that Run ends in less than two seconds, and TestMain that no goroutine is left.
func TestRunEndsInEveryStateOfTheBroker(t *testing.T) {
	silent := func(t *testing.T) string { // accepts connections and sends nothing
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Addr().String()
	}
	for name, url := range map[string]func(t *testing.T) (url string, up func(*daemon)){
		"there": func(t *testing.T) (string, func(*daemon)) {
			url := newMosquitto(t).url()
			return url, func(d *daemon) { newTestClient(t, url).await(0, "guided/mat/status", "online") }
		},
		"never there": func(t *testing.T) (string, func(*daemon)) {
			return "mqtt://127.0.0.1:1", func(d *daemon) {
				eventually(t, "it is logged", func() bool { return len(d.log.with("broker away")) == 1 })
			}
		},
		"killed": func(t *testing.T) (string, func(*daemon)) {
			broker := newMosquitto(t)
			return broker.url(), func(d *daemon) {
				newTestClient(t, broker.url()).await(0, "guided/mat/status", "online")
				broker.kill()
			}
		},
		"killed in the same moment": func(t *testing.T) (string, func(*daemon)) {
			broker := newMosquitto(t)
			return broker.url(), func(d *daemon) {
				newTestClient(t, broker.url()).await(0, "guided/mat/status", "online")
				go broker.signal(syscall.SIGKILL)
			}
		},
		"frozen": func(t *testing.T) (string, func(*daemon)) {
			broker := newMosquitto(t)
			return broker.url(), func(d *daemon) {
				newTestClient(t, broker.url()).await(0, "guided/mat/status", "online")
				broker.signal(syscall.SIGSTOP)
				d.events <- player.Event{Type: "paused"}
			}
		},
		"silent": func(t *testing.T) (string, func(*daemon)) {
			return "mqtt://" + silent(t), func(*daemon) { time.Sleep(50 * time.Millisecond) }
		},
		"silent at TLS": func(t *testing.T) (string, func(*daemon)) {
			return "mqtts://" + silent(t), func(*daemon) { time.Sleep(50 * time.Millisecond) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, up := url(t)
			d := startDaemon(t, testOptions(url), defaultLimits())
			up(d)
			d.stop()
		})
	}
}

func TestRunLeavesNoGoroutines(t *testing.T) {
	broker := newEmbedded(t)
	before := goleak.IgnoreCurrent()
	for i := range 100 {
		d := startDaemon(t, testOptions(broker.Address()), defaultLimits())
		d.states <- player.State{Progress: i}
		d.stop()
	}
	goleak.VerifyNone(t, before)
}

func TestPublisherPublishesResponsesBeforeOffline(t *testing.T) {
	url := newEmbedded(t).Address()
	client := newTestClient(t, url)
	n := 0
	for range 20 {
		d := startDaemon(t, testOptions(url), defaultLimits())
		n = client.await(n, "guided/mat/status", "online")
		client.publish("guided/mat/command", "stop")
		client.await(n, "guided/mat/response", "stop")
		d.stop()
		n = client.await(n, "guided/mat/status", "offline")
	}
}
