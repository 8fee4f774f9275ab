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

// retainedTopics lists the topics under which the broker keeps something, but for its own.
func (h *homeAssistant) retainedTopics() (topics []string) {
	h.t.Helper()
	var mu sync.Mutex
	client := h.connectMQTT()
	defer client.Disconnect(100)
	token := client.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		mu.Lock()
		defer mu.Unlock()
		if m.Retained() {
			topics = append(topics, m.Topic())
		}
	})
	if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		h.t.Fatal("the broker lets nobody listen: ", token.Error())
	}
	// The broker sends what it keeps before what comes after: our own word tells the end.
	ended := make(chan struct{})
	client.AddRoute("house/end", func(paho.Client, paho.Message) { close(ended) })
	client.Publish("house/end", 1, false, "end")
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		h.t.Fatal("the broker does not answer")
	}
	mu.Lock()
	defer mu.Unlock()
	return append([]string(nil), topics...)
}

// waitForNoRetained waits until the broker keeps none of the topics that are ours.
func (h *homeAssistant) waitForNoRetained(t *testing.T, ours func(topic string) bool) {
	t.Helper()
	var left []string
	for end := time.Now().Add(unhurried); ; <-time.After(100 * time.Millisecond) {
		left = slices.DeleteFunc(h.retainedTopics(), func(topic string) bool { return !ours(topic) })
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the broker still keeps %v", left)
		}
	}
}

func (h *homeAssistant) connectMQTT() paho.Client {
	h.t.Helper()
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://127.0.0.1:" + h.brokerPort).SetAutoReconnect(false))
	if token := client.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		h.t.Fatal("the broker lets nobody in: ", token.Error())
	}
	return client
}

// subscriber hears what is sent over the broker, from now on, and over its restarts.
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
			c.Subscribe(topic, 1, e.receive).WaitTimeout(5 * time.Second)
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
	case <-time.After(5 * time.Second):
		h.t.Fatal("the broker lets nobody listen")
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

// count counts the messages of a topic's last level that have each of the parts.
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

// last is the newest message of a topic's last level.
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
