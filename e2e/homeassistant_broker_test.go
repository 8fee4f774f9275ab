//go:build homeassistant

package e2e

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// waitForNoRetained waits until the broker retains no topic for which ours returns true.
func (h *homeAssistant) waitForNoRetained(t *testing.T, ours func(topic string) bool) {
	t.Helper()
	var left []string
	for end := time.Now().Add(deadline); ; <-time.After(100 * time.Millisecond) {
		left = slices.DeleteFunc(retainedTopics(h.t, h.brokerPort), func(topic string) bool { return !ours(topic) })
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the broker still keeps %v", left)
		}
	}
}

// subscriber records the messages of some topics, over restarts of the broker. It leaves out retained ones.
type subscriber struct {
	mu   sync.Mutex
	list []paho.Message
}

func (h *homeAssistant) subscribe(topics ...string) *subscriber {
	h.t.Helper()
	e, in := &subscriber{}, make(chan struct{}, 1)
	o := paho.NewClientOptions().AddBroker("tcp://127.0.0.1:" + h.brokerPort).SetMaxReconnectInterval(time.Second)
	o.SetOnConnectHandler(func(c paho.Client) {
		for _, topic := range topics {
			c.Subscribe(topic, 1, e.receive).WaitTimeout(deadline)
		}
		select {
		case in <- struct{}{}:
		default:
		}
	})
	client := paho.NewClient(o)
	client.Connect()
	h.t.Cleanup(func() { client.Disconnect(0) })
	select {
	case <-in:
	case <-time.After(deadline):
		h.t.Fatal("the broker accepts no subscription")
	}
	return e
}

func (e *subscriber) receive(_ paho.Client, m paho.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !m.Retained() {
		e.list = append(e.list, m)
	}
}

// count is the number of messages whose topic ends in level and whose payload contains every part.
func (e *subscriber) count(level string, parts ...string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.list {
		has := strings.HasSuffix(m.Topic(), "/"+level)
		for _, p := range parts {
			has = has && strings.Contains(string(m.Payload()), p)
		}
		if has {
			n++
		}
	}
	return n
}

// last is the newest payload of a topic that ends in level.
func (e *subscriber) last(level string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range slices.Backward(e.list) {
		if strings.HasSuffix(m.Topic(), "/"+level) {
			return string(m.Payload())
		}
	}
	return ""
}
