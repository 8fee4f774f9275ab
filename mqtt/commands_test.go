package mqtt

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/player"
)

func TestInboxRefusesRetainedCommandAtEveryConnect(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		client := newTestClient(t, url)
		client.publishRetained("guided/mat/command", `{"command":"start","routine":"yoga","transaction":"old"}`)
		client.await(0, "guided/mat/command", "yoga") // mochi acknowledges before it retains: now it has
		proxy := newProxy(t, hostOf(url))
		d := startDaemon(t, testOptions(proxy.url()), defaultLimits())
		n := client.await(0, "guided/mat/response", `"status":"error"`)
		if got := client.all()[n-1].payload; !strings.Contains(got, "mosquitto_pub -r -n -t 'guided/mat/command'") || !strings.Contains(got, `"transaction":"old"`) {
			t.Errorf("the answer is %s", got)
		}
		proxy.cut()
		n = client.await(n, "guided/mat/response", `"status":"error"`)
		if logged := d.log.with("mosquitto_pub -r -n -t"); len(logged) != 1 {
			t.Errorf("logged %d times: %q", len(logged), logged)
		}
		client.publishRetained("guided/mat/command", "") // as the hint says
		proxy.cut()
		n = client.await(n, "guided/mat/status", "online")
		client.publish("guided/mat/command", "stop")
		client.await(n, "guided/mat/response", `"ok"`)
		if did := d.executed(); slices.ContainsFunc(did, func(s string) bool { return strings.Contains(s, "yoga") }) {
			t.Errorf("executed: %q", did)
		}
	})
}

func TestInboxDoesNotExecuteCommandsGivenWhileDisconnected(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		client := newTestClient(t, url)
		proxy := newProxy(t, hostOf(url))
		d := startDaemon(t, testOptions(proxy.url()), defaultLimits())
		n := client.await(0, "guided/mat/status", "online")
		proxy.refuse(true)
		proxy.cut()
		n = client.await(n, "guided/mat/status", "offline") // the last will
		client.publish("guided/mat/command", "start")
		client.publish("guided/mat/command", "start")
		proxy.refuse(false)
		n = client.await(n, "guided/mat/status", "online")
		client.publish("guided/mat/command", "stop")
		client.await(n, "guided/mat/response", `"ok"`)
		if did := d.executed(); len(did) != 1 || did[0] != "stop" {
			t.Errorf("executed: %q", did)
		}
	})
}

func TestInboxRefusesCommandThatWaitedTooLong(t *testing.T) {
	url := newEmbedded(t).Address()
	client := newTestClient(t, url)
	p := defaultLimits()
	p.maxQueueAge = 50 * time.Millisecond
	d := startDaemon(t, testOptions(url), p)
	client.await(0, "guided/mat/status", "online")
	begun, goOn := make(chan bool), make(chan bool)
	d.onCommand(func(payload string) {
		if payload == "first" {
			begun <- true
			<-goOn
		}
	})
	client.publish("guided/mat/command", "first")
	<-begun
	client.publish("guided/mat/command", "second")
	time.AfterFunc(4*p.maxQueueAge, func() { close(goOn) })
	client.await(0, "guided/mat/response", `"command":"second","error":"the command waited`)
	client.publish("guided/mat/command", "third")
	client.await(0, "guided/mat/response", `{"status":"ok","command":"third"}`)
	if did := d.executed(); !slices.Equal(did, []string{"first", "third"}) {
		t.Errorf("executed: %q", did)
	}
}

func TestInboxWithTooLongCommand(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		client := newTestClient(t, url)
		startDaemon(t, testOptions(url), defaultLimits())
		n := client.await(0, "guided/mat/status", "online")
		for _, size := range []int{64<<10 + 1, 100 << 10, 200 << 10} {
			client.publish("guided/mat/command", strings.Repeat("x", size))
			n = client.await(n, "guided/mat/response", "a command of more than 65536 bytes is too long")
		}
		client.publish("guided/mat/command", strings.Repeat("x", 64<<10))
		client.await(n, "guided/mat/response", `"ok"`)
	})
}

// TestInboxEndsTheProgramWithThePanicOfACommand runs itself as a program whose command panics.
func TestInboxEndsTheProgramWithThePanicOfACommand(t *testing.T) {
	const url = "GUIDED_TEST_PANIC_BROKER"
	if broker := os.Getenv(url); broker != "" {
		run(t.Context(), testOptions(broker), defaultLimits(), func(payload []byte, _ string) player.Response { panic("a broken " + string(payload)) },
			player.Feed{}, slog.New(slog.DiscardHandler))
	}
	for _, verb := range []string{"start", "stop"} { // one of each worker
		broker := newEmbedded(t).Address()
		client := newTestClient(t, broker)
		var trace strings.Builder
		program := exec.Command(os.Args[0], "-test.run=^TestInboxEndsTheProgramWithThePanicOfACommand$")
		program.Env, program.Stderr = append(os.Environ(), url+"="+broker), &trace
		if err := program.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { program.Process.Kill() })
		client.await(0, "guided/mat/status", "online")
		client.publish("guided/mat/command", verb)
		ended := make(chan error, 1)
		go func() { ended <- program.Wait() }()
		select {
		case err := <-ended:
			if err == nil || !strings.Contains(trace.String(), "panic: a broken "+verb) || !strings.Contains(trace.String(), "goroutine ") {
				t.Errorf("%s: %v: %s", verb, err, trace.String())
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: the program goes on after a panic", verb)
		}
	}
}

// TestInboxWithFloodOfGarbage sends ten thousand commands as fast as the broker takes them. The first one blocks until half
// of them are sent.
func TestInboxWithFloodOfGarbage(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood takes a while")
	}
	test := func(t *testing.T, url string, dropsNothing bool) {
		const many = 10_000
		client := newTestClient(t, url)
		d := startDaemon(t, testOptions(url), defaultLimits())
		client.await(0, "guided/mat/status", "online")
		busy := make(chan bool)
		d.onCommand(func(string) { <-busy })
		began := time.Now()
		for i := range many {
			payload := fmt.Sprintf("%05d %s", i, garbage(i))
			if i == many/2 {
				close(busy)
			}
			if token := client.client.Publish("guided/mat/command", byte(i%2), false, payload); i%500 == 499 {
				client.must(token)
			}
			if i == many-many/10 {
				d.states <- player.State{Routine: "in the flood"}
			}
		}
		late := newTestClient(t, url) // the embedded broker drops messages to a client that is too slow
		late.await(0, "guided/mat/state", "in the flood")
		spoke := time.Since(began)

		// In a flood refusals may be dropped, but after it every command is answered again.
		eventually(t, "a command is executed again", func() bool {
			late.publish("guided/mat/command", "the flood is over")
			return slices.ContainsFunc(late.on("guided/mat/response"), func(s received) bool {
				return strings.HasPrefix(s.payload, `{"status":"ok","command":"the"`)
			})
		})
		did := slices.DeleteFunc(d.executed(), func(s string) bool { return strings.HasPrefix(s, "the") })
		var garbled []string
		for _, qos := range []int{0, 1} { // MQTT keeps the order within one QoS
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
			t.Errorf("%d of %d executed", len(did), many)
		}
		if dropsNothing {
			eventually(t, "every executed command is answered", func() bool {
				answers := 0
				for _, s := range client.on("guided/mat/response") {
					if strings.HasPrefix(s.payload, `{"status":"ok"`) {
						answers++
					}
				}
				return answers >= len(did)
			})
		}
		if logged := d.log.with("too many at once"); len(logged) == 0 || len(logged) > 20 {
			t.Errorf("the flood was logged %d times", len(logged))
		}
		t.Logf("%d of %d executed, %d responses, %d log lines, all sent after %v, all over after %v", len(did), many,
			len(client.on("guided/mat/response")), len(d.log.with("too many")), spoke.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
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

func TestVerbAndTransaction(t *testing.T) {
	for payload, want := range map[string][2]string{
		`start 4-4-6`: {"start", ""},
		`STOP`:        {"stop", ""},
		``:            {"", ""},
		`{"command":"start 4-4-6","transaction":"7"}`: {"start", "7"},
		`{"command":"start","transaction":7}`:         {"start", "7"},
		`{"command":"start","transaction":null}`:      {"start", ""},
		`{"command":`:                                 {"", ""},
		"\xff\xfe nonsense":                           {"", ""},
		`{"transaction":"a"}x`:                        {"", ""},
	} {
		verb, transaction := verbAndTransaction([]byte(payload))
		if verb != want[0] || transaction != want[1] {
			t.Errorf("%q: %q, %q", payload, verb, transaction)
		}
	}
}
