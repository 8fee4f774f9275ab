package mqtt

import (
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"guided/player"
)

// A daemon's stop demands that Run ends in less than two seconds; TestMain, that nothing of it is left.
func TestWeEndWhateverBecameOfTheBroker(t *testing.T) {
	silent := func(t *testing.T) string { // takes everybody in and says nothing
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
			return url, func(d *daemon) { listen(t, url).await(0, "guided/mat/status", "online") }
		},
		"never there": func(t *testing.T) (string, func(*daemon)) {
			return "mqtt://127.0.0.1:1", func(d *daemon) {
				eventually(t, "it is logged", func() bool { return len(d.log.with("broker away")) == 1 })
			}
		},
		"killed": func(t *testing.T) (string, func(*daemon)) {
			broker := newMosquitto(t)
			return broker.url(), func(d *daemon) {
				listen(t, broker.url()).await(0, "guided/mat/status", "online")
				broker.kill()
			}
		},
		"killed in the same moment": func(t *testing.T) (string, func(*daemon)) {
			broker := newMosquitto(t)
			return broker.url(), func(d *daemon) {
				listen(t, broker.url()).await(0, "guided/mat/status", "online")
				go broker.signal(syscall.SIGKILL)
			}
		},
		"frozen": func(t *testing.T) (string, func(*daemon)) {
			broker := newMosquitto(t)
			return broker.url(), func(d *daemon) {
				listen(t, broker.url()).await(0, "guided/mat/status", "online")
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
			d := startDaemon(t, config(url), defaultLimits())
			up(d)
			d.stop()
		})
	}
}

func TestAHundredEndsLeaveNothing(t *testing.T) {
	broker := newEmbedded(t)
	before := goleak.IgnoreCurrent()
	for i := range 100 {
		d := startDaemon(t, config(broker.Address()), defaultLimits())
		d.states <- player.State{Progress: i}
		d.stop()
	}
	goleak.VerifyNone(t, before)
}

func TestTheLastWordsAreSaidBeforeTheEnd(t *testing.T) {
	url := newEmbedded(t).Address()
	ear := listen(t, url)
	n := 0
	for range 20 {
		d := startDaemon(t, config(url), defaultLimits())
		n = ear.await(n, "guided/mat/status", "online")
		ear.say("guided/mat/command", "stop")
		ear.await(n, "guided/mat/response", "stop")
		d.stop()
		n = ear.await(n, "guided/mat/status", "offline")
	}
}
