package mqtt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/player"
)

func TestARetainedCommandIsRefusedAtEveryConnect(t *testing.T) {
	brokers(t, func(t *testing.T, url string) {
		ear := listen(t, url)
		ear.sayRetained("guided/mat/command", `{"command":"start","routine":"yoga","transaction":"old"}`)
		ear.await(0, "guided/mat/command", "yoga") // mochi acknowledges before it passes on: now it has
		cable := newProxy(t, hostOf(url))
		d := startDaemon(t, config(cable.url()), defaultLimits())
		n := ear.await(0, "guided/mat/response", `"status":"error"`)
		if got := ear.all()[n-1].payload; !strings.Contains(got, "mosquitto_pub -r -n -t 'guided/mat/command'") || !strings.Contains(got, `"transaction":"old"`) {
			t.Errorf("the answer is %s", got)
		}
		cable.cut()
		n = ear.await(n, "guided/mat/response", `"status":"error"`)
		if told := d.log.with("mosquitto_pub -r -n -t"); len(told) != 1 {
			t.Errorf("logged %d times: %q", len(told), told)
		}
		ear.sayRetained("guided/mat/command", "") // as we told the user to do
		cable.cut()
		n = ear.await(n, "guided/mat/status", "online")
		ear.say("guided/mat/command", "stop")
		ear.await(n, "guided/mat/response", `"ok"`)
		if did := d.done(); slices.ContainsFunc(did, func(s string) bool { return strings.Contains(s, "yoga") }) {
			t.Errorf("carried out: %q", did)
		}
	})
}

func TestACommandGivenWhileWeWereAwayIsNotCarriedOut(t *testing.T) {
	brokers(t, func(t *testing.T, url string) {
		ear := listen(t, url)
		cable := newProxy(t, hostOf(url))
		d := startDaemon(t, config(cable.url()), defaultLimits())
		n := ear.await(0, "guided/mat/status", "online")
		cable.refuse(true)
		cable.cut()
		n = ear.await(n, "guided/mat/status", "offline") // the last will
		ear.say("guided/mat/command", "start")
		ear.say("guided/mat/command", "start")
		cable.refuse(false)
		n = ear.await(n, "guided/mat/status", "online")
		ear.say("guided/mat/command", "stop")
		ear.await(n, "guided/mat/response", `"ok"`)
		if did := d.done(); len(did) != 1 || did[0] != "stop" {
			t.Errorf("carried out: %q", did)
		}
	})
}

func TestACommandThatWaitedTooLongIsRefused(t *testing.T) {
	url := newEmbedded(t).Address()
	ear := listen(t, url)
	p := defaultLimits()
	p.maxQueueAge = 50 * time.Millisecond
	d := startDaemon(t, config(url), p)
	ear.await(0, "guided/mat/status", "online")
	begun, goOn := make(chan bool), make(chan bool)
	d.onCommand(func(payload string) {
		if payload == "first" {
			begun <- true
			<-goOn
		}
	})
	ear.say("guided/mat/command", "first")
	<-begun
	ear.say("guided/mat/command", "second")
	time.AfterFunc(4*p.maxQueueAge, func() { close(goOn) })
	ear.await(0, "guided/mat/response", `"command":"second","error":"the command waited`)
	ear.say("guided/mat/command", "third")
	ear.await(0, "guided/mat/response", `{"status":"ok","command":"third"}`)
	if did := d.done(); !slices.Equal(did, []string{"first", "third"}) {
		t.Errorf("carried out: %q", did)
	}
}

func TestACommandTooLongOrPanickingHarmsNobody(t *testing.T) {
	brokers(t, func(t *testing.T, url string) {
		ear := listen(t, url)
		d := startDaemon(t, config(url), defaultLimits())
		ear.await(0, "guided/mat/status", "online")
		d.onCommand(func(payload string) {
			if payload == "bad" {
				panic("bad command")
			}
		})
		ear.say("guided/mat/command", strings.Repeat("x", 64<<10+1))
		ear.await(0, "guided/mat/response", "65537 bytes is too long; 65536 are allowed")
		ear.say("guided/mat/command", "bad")
		ear.await(0, "guided/mat/response", "failed inside guided")
		ear.say("guided/mat/command", strings.Repeat("x", 64<<10))
		ear.await(0, "guided/mat/response", `"ok"`)
		if told := d.log.with("command panicked"); len(told) != 1 {
			t.Errorf("logged %d times", len(told))
		}
	})
}

// TestAFloodOfGarbage sends ten thousand commands as fast as the broker takes them, to a player that is at first
// busy and then slow.
func TestAFloodOfGarbage(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood takes a while")
	}
	test := func(t *testing.T, url string, dropsNothing bool) {
		const many = 10_000
		ear := listen(t, url)
		d := startDaemon(t, config(url), defaultLimits())
		ear.await(0, "guided/mat/status", "online")
		busy := make(chan bool)
		d.onCommand(func(string) { <-busy })
		began := time.Now()
		for i := range many {
			payload := fmt.Sprintf("%05d %s", i, garbage(i))
			if i == many/2 {
				close(busy)
			}
			if token := ear.client.Publish("guided/mat/command", byte(i%2), false, payload); i%500 == 499 {
				ear.must(token)
			}
			if i == many-many/10 {
				d.states <- player.State{Routine: "in the flood"}
			}
		}
		late := listen(t, url) // the embedded broker drops what a drowning client would hear
		late.await(0, "guided/mat/state", "in the flood")
		spoke := time.Since(began)

		// In a flood a refusal may go unsaid, but when it is over all is well again.
		eventually(t, "a command is carried out again", func() bool {
			late.say("guided/mat/command", "the flood is over")
			return slices.ContainsFunc(late.on("guided/mat/response"), func(s said) bool {
				return strings.HasPrefix(s.payload, `{"status":"ok","command":"the"`)
			})
		})
		did := slices.DeleteFunc(d.done(), func(s string) bool { return strings.HasPrefix(s, "the") })
		var garbled []string
		for _, qos := range []int{0, 1} { // MQTT keeps the order of what has one quality of service
			var of []string
			for _, s := range did {
				if int(s[4]-'0')%2 == qos {
					of = append(of, s[:5])
				}
			}
			if !slices.IsSorted(of) || len(slices.Compact(slices.Clone(of))) != len(of) {
				garbled = append(garbled, fmt.Sprint(of))
			}
		}
		if len(garbled) > 0 {
			t.Errorf("out of order: %.300s", garbled)
		}
		if len(did) == 0 || len(did) == many {
			t.Errorf("%d of %d carried out", len(did), many)
		}
		if dropsNothing {
			eventually(t, "every command that was carried out is answered", func() bool {
				answers := 0
				for _, s := range ear.on("guided/mat/response") {
					if strings.HasPrefix(s.payload, `{"status":"ok"`) {
						answers++
					}
				}
				return answers >= len(did)
			})
		}
		if told := d.log.with("too many at once"); len(told) == 0 || len(told) > 20 {
			t.Errorf("the flood was logged %d times", len(told))
		}
		t.Logf("%d of %d carried out, %d answers, %d log lines, all said after %v, all over after %v", len(did), many,
			len(ear.on("guided/mat/response")), len(d.log.with("too many")), spoke.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	}
	t.Run("mosquitto that drops nothing", func(t *testing.T) {
		test(t, newMosquitto(t, "allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0").url(), true)
	})
	t.Run("embedded", func(t *testing.T) { test(t, newEmbedded(t).Address(), false) })
}

func garbage(i int) string {
	switch i % 4 {
	case 0:
		return `{"command":` + strings.Repeat("[", i%1000)
	case 1:
		b := make([]byte, i%3000)
		for j := range b {
			b[j] = byte(rand.Uint32())
		}
		return string(b)
	}
	return "start"
}
