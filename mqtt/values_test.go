package mqtt

import (
	"slices"
	"sync"
	"testing"
)

// heard records what Values are told.
type heard struct {
	mu  sync.Mutex
	all []string
}

func (h *heard) add(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, text)
}

func (h *heard) has(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.all, text)
}

func TestValuesOfTopicsAreTold(t *testing.T) {
	forEachBroker(t, func(t *testing.T, url string) {
		client := newTestClient(t, url)
		client.must(client.client.Publish("home/anna", 1, true, "home"))
		h := &heard{}
		options := testOptions(url)
		topics := make(chan []string, 1)
		topics <- []string{"home/anna", "guided/mat/command"} // one of them is ours
		options.Values = Values{
			Topics: topics,
			Set:    func(topic, value string) { h.add(topic + " " + value) }, Forget: func() { h.add("forgotten") },
		}
		d := startDaemon(t, options, defaultLimits())
		eventually(t, "the retained value", func() bool { return h.has("home/anna home") })
		client.must(client.client.Publish("home/anna", 1, false, "work"))
		eventually(t, "the new value", func() bool { return h.has("home/anna work") })
		n := client.await(0, "guided/mat/status", "online")
		client.publish("guided/mat/command", "stop")
		client.await(n, "guided/mat/response", `"command":"stop"`)
		if !h.has("guided/mat/command stop") {
			t.Error("the value of a topic of ours is not told")
		}
		if len(d.executed()) != 1 {
			t.Errorf("a value was taken for a command: %v", d.executed())
		}
		client.must(client.client.Publish("home/bert", 1, true, "home"))
		topics <- []string{"home/bert"}
		eventually(t, "the retained value of a topic that is new", func() bool { return h.has("home/bert home") })
		if !h.has("home/anna ") {
			t.Error("the value of a topic that is left is still known")
		}
		client.must(client.client.Publish("home/anna", 1, false, "far away"))
		client.must(client.client.Publish("home/bert", 1, false, "far away"))
		eventually(t, "its new value", func() bool { return h.has("home/bert far away") })
		if h.has("home/anna far away") {
			t.Error("a topic that was left is told")
		}
		d.stop()
		eventually(t, "the end of the connection", func() bool { return h.has("forgotten") })

		values, err := Retained(t.Context(), testOptions(url), []string{"home/anna"})
		if err != nil || values["home/anna"] != "home" {
			t.Errorf("%v, %v", values, err)
		}
	})
}
