package mqtt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"guided/player"
)

func TestTheBrokerIsKilledAndStartsAgainWithoutMemory(t *testing.T) {
	broker := newMosquitto(t)
	ear := listen(t, broker.url())
	d := startDaemon(t, config(broker.url()), defaultLimits())
	d.infos <- player.Info{Version: "1"}
	d.states <- player.State{Routine: "before"}
	ear.await(0, "guided/mat/state", "before")

	broker.kill()
	for i := range 50 { // the routine plays on
		d.states <- player.State{Routine: fmt.Sprintf("while away %d", i)}
	}
	eventually(t, "the loss is logged", func() bool { return len(d.log.with("broker away")) > 0 })
	broker.start()

	began := time.Now()
	ear = listen(t, broker.url())
	ear.awaitWithin(35*time.Second, 0, "guided/mat/state", "while away 49")
	back := time.Since(began)
	ear.await(0, "guided/mat/info", `"version":"1"`)
	ear.await(0, "guided/mat/status", "online")
	ear.say("guided/mat/command", "start")
	ear.await(0, "guided/mat/response", `"ok"`)
	listen(t, broker.url()).await(0, "guided/mat/status", "online") // it is retained again
	if n := len(ear.on("guided/mat/state")); n != 1 {
		t.Errorf("%d states were said on return, not the last alone", n)
	}
	if away, back := d.log.with("broker away"), d.log.with("broker back"); len(away) != 1 || len(back) != 1 {
		t.Errorf("logged %q and %q, not one line a change", away, back)
	}
	t.Logf("back %v after the broker", back.Round(time.Millisecond))
}

func TestTheBrokerIsKilledAgainAndAgain(t *testing.T) {
	broker := newMosquitto(t)
	p := defaultLimits()
	p.firstRetry, p.lastRetry = 5*time.Millisecond, 50*time.Millisecond
	d := startDaemon(t, config(broker.url()), p)
	for i := range 20 {
		ear := listen(t, broker.url())
		d.states <- player.State{Routine: fmt.Sprintf("round %d", i)}
		// A second is lost when the broker dies in the very moment in which we speak: see pace.write.
		ear.awaitWithin(3*time.Second, 0, "guided/mat/state", fmt.Sprintf("round %d\"", i))
		n := ear.await(0, "guided/mat/status", "online")
		ear.say("guided/mat/command", fmt.Sprintf("start %d", i))
		if i%2 == 0 { // else at a random moment of the answer
			ear.await(n, "guided/mat/response", `"ok"`)
		}
		broker.kill()
		broker.start()
	}
	if n := len(d.done()); n < 10 || n > 20 {
		t.Errorf("%d commands carried out", n)
	}
}

func TestTheBrokerIsLateAtTheStart(t *testing.T) {
	broker := newMosquitto(t)
	broker.kill()
	d := startDaemon(t, config(broker.url()), defaultLimits())
	d.states <- player.State{Routine: "long since"}
	eventually(t, "it is logged", func() bool { return len(d.log.with("broker away")) == 1 })
	broker.start()
	listen(t, broker.url()).awaitWithin(35*time.Second, 0, "guided/mat/state", "long since")
}

func TestTheCableIsCut(t *testing.T) {
	brokers(t, func(t *testing.T, url string) {
		ear := listen(t, url)
		cable := newProxy(t, hostOf(url))
		d := startDaemon(t, config(cable.url()), defaultLimits())
		d.states <- player.State{Routine: "before"}
		n := ear.await(0, "guided/mat/state", "before")
		cable.cut()
		n = ear.await(n, "guided/mat/status", "offline") // our last will
		n = ear.await(n, "guided/mat/status", "online")
		ear.await(n, "guided/mat/state", "before") // whole, though nothing changed
	})
}

func TestTheLineGoesDeadWithoutAWord(t *testing.T) {
	brokers(t, func(t *testing.T, url string) {
		ear := listen(t, url)
		cable := newProxy(t, hostOf(url))
		p := defaultLimits()
		p.keepAlive, p.pong = time.Second, time.Second
		d := startDaemon(t, config(cable.url()), p)
		n := ear.await(0, "guided/mat/status", "online")
		cable.freeze()
		began := time.Now()
		eventually(t, "it is noticed", func() bool { return len(d.log.with("broker away")) == 1 })
		t.Logf("noticed after %v", time.Since(began).Round(time.Millisecond))
		ear.await(n, "guided/mat/status", "online")
	})
}

func TestTheLineGoesDeadInTheMiddleOfAMessage(t *testing.T) {
	url := newEmbedded(t).Address()
	ear := listen(t, url)
	cable := newProxy(t, hostOf(url))
	p := defaultLimits()
	p.ack = 200 * time.Millisecond // no ping is due for long
	d := startDaemon(t, config(cable.url()), p)
	ear.await(0, "guided/mat/status", "online")
	cable.freeze()
	d.events <- player.Event{Type: "paused"}
	d.states <- player.State{State: player.Paused}
	ear.await(0, "guided/mat/event", "paused")
	ear.await(0, "guided/mat/state", "paused")
	if told := d.log.with(errNoAnswer.Error()); len(told) != 1 {
		t.Errorf("logged %q", told)
	}
}

func TestOldNewsIsNotSaid(t *testing.T) {
	url := newEmbedded(t).Address()
	ear := listen(t, url)
	cable := newProxy(t, hostOf(url))
	p := defaultLimits()
	p.maxEventAge, p.maxPhaseAge = 400*time.Millisecond, 100*time.Millisecond
	d := startDaemon(t, config(cable.url()), p)
	n := ear.await(0, "guided/mat/status", "online")
	cable.refuse(true)
	cable.cut()
	n = ear.await(n, "guided/mat/status", "offline")
	eventually(t, "the loss is logged", func() bool { return len(d.log.with("broker away")) == 1 })
	for i := range 300 {
		d.events <- player.Event{Type: fmt.Sprint("old ", i)}
		d.phases <- player.Phase{Phase: fmt.Sprint("old ", i)}
	}
	time.Sleep(p.maxEventAge + 50*time.Millisecond) // it is the time that makes them old
	d.events <- player.Event{Type: "young"}
	cable.refuse(false)
	n = ear.awaitWithin(35*time.Second, n, "guided/mat/status", "online")
	d.events <- player.Event{Type: "live"}
	d.phases <- player.Phase{Phase: "live"}
	ear.await(n, "guided/mat/event", "live")
	ear.await(n, "guided/mat/phase", "live")
	for _, s := range append(ear.on("guided/mat/event"), ear.on("guided/mat/phase")...) {
		if strings.Contains(s.payload, "old") {
			t.Errorf("said as if it were news: %v", s)
		}
	}
}
