package mqtt

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// An ear is another client of the broker, which hears all and can speak.
type ear struct {
	t      *testing.T
	client paho.Client

	mu      sync.Mutex
	heard   []said
	changed chan struct{}
}

type said struct {
	topic, payload string
	retained       bool
}

func (s said) String() string { return s.topic + " " + s.payload }

// listen hears each topic of the node "mat" by its name: mochi 2.7.9 has a data race between a subscription by
// pattern and a retained message (topics.go, retainPath).
func listen(t *testing.T, url string, with ...func(*paho.ClientOptions)) *ear {
	t.Helper()
	e := &ear{t: t, changed: make(chan struct{})}
	o := paho.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprintf("ear-%d", time.Now().UnixNano())).
		SetAutoReconnect(false).SetProtocolVersion(4).SetKeepAlive(60 * time.Second)
	for _, w := range with {
		w(o)
	}
	e.client = paho.NewClient(o)
	e.must(e.client.Connect())
	t.Cleanup(func() { e.client.Disconnect(100) })
	topics := map[string]byte{"guided/all/command": 1}
	for _, leaf := range []string{"status", "command", "response", "state", "event", "phase", "info"} {
		topics["guided/mat/"+leaf] = 1
	}
	e.must(e.client.SubscribeMultiple(topics, func(_ paho.Client, m paho.Message) {
		e.mu.Lock()
		e.heard = append(e.heard, said{m.Topic(), string(m.Payload()), m.Retained()})
		close(e.changed)
		e.changed = make(chan struct{})
		e.mu.Unlock()
	}))
	return e
}

func (e *ear) must(t paho.Token) {
	e.t.Helper()
	if !t.WaitTimeout(10 * time.Second) {
		e.t.Fatal("the broker does not answer the test")
	}
	if t.Error() != nil {
		e.t.Fatal(t.Error())
	}
}

func (e *ear) say(topic, payload string) {
	e.t.Helper()
	e.must(e.client.Publish(topic, 1, false, payload))
}

func (e *ear) sayRetained(topic, payload string) {
	e.t.Helper()
	e.must(e.client.Publish(topic, 1, true, payload))
}

func (e *ear) all() []said {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]said(nil), e.heard...)
}

func (e *ear) on(topic string) []said {
	var some []said
	for _, s := range e.all() {
		if s.topic == topic {
			some = append(some, s)
		}
	}
	return some
}

// await returns the number of messages heard when the wanted one had come, counted from 0 after the first skip.
func (e *ear) await(skip int, topic, part string) int {
	e.t.Helper()
	return e.awaitWithin(10*time.Second, skip, topic, part)
}

func (e *ear) awaitWithin(d time.Duration, skip int, topic, part string) int {
	e.t.Helper()
	timeout := time.After(d)
	for {
		e.mu.Lock()
		changed := e.changed
		for i := skip; i < len(e.heard); i++ {
			if e.heard[i].topic == topic && strings.Contains(e.heard[i].payload, part) {
				e.mu.Unlock()
				return i + 1
			}
		}
		e.mu.Unlock()
		select {
		case <-changed:
		case <-timeout:
			var b strings.Builder
			for _, s := range e.all() {
				fmt.Fprintf(&b, "\n  %.200s", s)
			}
			e.t.Fatalf("%q was not heard on %s within %v; heard:%s", part, topic, d, b.String())
		}
	}
}
