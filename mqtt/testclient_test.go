package mqtt

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A testClient is another client of the broker, which records what is published.
type testClient struct {
	t      *testing.T
	client paho.Client

	mu       sync.Mutex
	messages []received
	changed  chan struct{}
}

type received struct {
	topic, payload string
	retained       bool
}

func (s received) String() string { return s.topic + " " + s.payload }

// newTestClient subscribes to each topic of the node "mat" by its name: mochi 2.7.9 has a data race between a subscription by
// pattern and a retained message (topics.go, retainPath).
func newTestClient(t *testing.T, url string, with ...func(*paho.ClientOptions)) *testClient {
	t.Helper()
	e := &testClient{t: t, changed: make(chan struct{})}
	o := paho.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprintf("client-%d", time.Now().UnixNano())).
		SetAutoReconnect(false).SetProtocolVersion(4).SetKeepAlive(60 * time.Second)
	for _, w := range with {
		w(o)
	}
	e.client = paho.NewClient(o)
	e.must(e.client.Connect())
	t.Cleanup(func() { e.client.Disconnect(100) })
	topics := map[string]byte{"guided/all/command": 1}
	for _, leaf := range []string{"status", "command", "response", "state", "event", "phase", "info", "history"} {
		topics["guided/mat/"+leaf] = 1
	}
	e.must(e.client.SubscribeMultiple(topics, func(_ paho.Client, m paho.Message) {
		e.mu.Lock()
		e.messages = append(e.messages, received{m.Topic(), string(m.Payload()), m.Retained()})
		close(e.changed)
		e.changed = make(chan struct{})
		e.mu.Unlock()
	}))
	return e
}

func (e *testClient) must(t paho.Token) {
	e.t.Helper()
	if !t.WaitTimeout(10 * time.Second) {
		e.t.Fatal("the broker does not answer the test")
	}
	if t.Error() != nil {
		e.t.Fatal(t.Error())
	}
}

func (e *testClient) publish(topic, payload string) {
	e.t.Helper()
	e.must(e.client.Publish(topic, 1, false, payload))
}

func (e *testClient) publishRetained(topic, payload string) {
	e.t.Helper()
	e.must(e.client.Publish(topic, 1, true, payload))
}

func (e *testClient) all() []received {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]received(nil), e.messages...)
}

func (e *testClient) on(topic string) []received {
	var some []received
	for _, s := range e.all() {
		if s.topic == topic {
			some = append(some, s)
		}
	}
	return some
}

// await waits for a message on topic that contains part, behind the first skip messages, and returns the number of messages
// up to it.
func (e *testClient) await(skip int, topic, part string) int {
	e.t.Helper()
	return e.awaitWithin(30*time.Second, skip, topic, part)
}

func (e *testClient) awaitWithin(d time.Duration, skip int, topic, part string) int {
	e.t.Helper()
	timeout := time.After(d)
	for {
		e.mu.Lock()
		changed := e.changed
		for i := skip; i < len(e.messages); i++ {
			if e.messages[i].topic == topic && strings.Contains(e.messages[i].payload, part) {
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
			e.t.Fatalf("%q was not received on %s within %v; received:%s", part, topic, d, b.String())
		}
	}
}
