package mqtt

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A fakeHomeAssistant behaves as Home Assistant does with discovery: registered entities outlive its restarts, loaded ones
// do not, and it removes only loaded ones.
type fakeHomeAssistant struct {
	t      *testing.T
	url    string
	prefix string
	client paho.Client

	mu         sync.Mutex
	registered map[string]bool
	loaded     map[string]bool
	state      map[string]string // the latest payload by topic
	messages   []received
	complaints []string
}

func newFakeHomeAssistant(t *testing.T, url, prefix string) *fakeHomeAssistant {
	a := &fakeHomeAssistant{t: t, url: url, prefix: prefix, registered: map[string]bool{}}
	a.start()
	t.Cleanup(a.stop)
	return a
}

// start connects, receives what is retained, and publishes its birth.
func (a *fakeHomeAssistant) start() {
	a.t.Helper()
	a.mu.Lock()
	a.loaded, a.state = map[string]bool{}, map[string]string{}
	a.mu.Unlock()
	o := paho.NewClientOptions().AddBroker(a.url).SetClientID(fmt.Sprintf("ha-%d", time.Now().UnixNano())).
		SetAutoReconnect(false).SetProtocolVersion(4).SetBinaryWill(a.prefix+"/status", []byte("offline"), 0, false)
	a.client = paho.NewClient(o)
	a.must(a.client.Connect())
	a.must(a.client.Subscribe(a.prefix+"/+/+/config", 0, a.receiveDiscovery))
	a.must(a.client.Subscribe("guided/#", 1, a.receiveState))
	a.must(a.client.Publish(a.prefix+"/status", 0, false, "online"))
}

func (a *fakeHomeAssistant) stop() {
	if a.client.IsConnectionOpen() {
		a.client.Publish(a.prefix+"/status", 0, false, "offline").WaitTimeout(time.Second)
	}
	a.client.Disconnect(50)
}

func (a *fakeHomeAssistant) must(t paho.Token) {
	a.t.Helper()
	if !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		a.t.Fatalf("the broker does not answer the test: %v", t.Error())
	}
}

func (a *fakeHomeAssistant) receiveState(_ paho.Client, m paho.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state[m.Topic()] = string(m.Payload())
	a.messages = append(a.messages, received{m.Topic(), string(m.Payload()), m.Retained()})
	if len(m.Payload()) == 0 && len(a.loaded) > 0 && strings.HasPrefix(m.Topic(), "guided/mat/") {
		a.complaints = append(a.complaints, "an empty state on "+m.Topic()+" while an entity reads it")
	}
}

func (a *fakeHomeAssistant) receiveDiscovery(_ paho.Client, m paho.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.messages = append(a.messages, received{m.Topic(), string(m.Payload()), m.Retained()})
	if len(m.Payload()) == 0 {
		if len(a.loaded) == 0 {
			a.complaints = append(a.complaints, "no device components to clean up")
		}
		maps.DeleteFunc(a.registered, func(key string, _ bool) bool { return a.loaded[key] })
		clear(a.loaded)
		return
	}
	var d struct {
		Components map[string]map[string]any `json:"cmps"`
	}
	if err := json.Unmarshal(m.Payload(), &d); err != nil {
		a.complaints = append(a.complaints, err.Error())
		return
	}
	for key, c := range d.Components {
		switch {
		case len(c) > 1:
			a.registered[key], a.loaded[key] = true, true
		case a.loaded[key]:
			delete(a.registered, key)
			delete(a.loaded, key)
		}
	}
}

// entities lists the registered entities whose key begins with prefix; those that are not loaded are marked as dead.
func (a *fakeHomeAssistant) entities(prefix string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []string
	for _, key := range slices.Sorted(maps.Keys(a.registered)) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if !a.loaded[key] {
			key += " (dead)"
		}
		list = append(list, key)
	}
	return list
}

// awaitScenes waits until the scenes are these, and the device is online and has a state.
func (a *fakeHomeAssistant) awaitScenes(scenes ...string) {
	a.t.Helper()
	eventually(a.t, fmt.Sprintf("Home Assistant has %v", scenes), func() bool { return slices.Equal(a.entities("r_"), scenes) })
	eventually(a.t, "it has our status and state", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.loaded["state"] && a.state["guided/mat/status"] == "online" && strings.Contains(a.state["guided/mat/state"], `"state"`)
	})
}

func (a *fakeHomeAssistant) since(n int) []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.messages[n:])
}

func (a *fakeHomeAssistant) checkLog() {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.complaints) > 0 {
		a.t.Errorf("Home Assistant's log says: %s", strings.Join(a.complaints, "; "))
	}
}

// retainedTopics lists the topics on which the broker retains something.
func retainedTopics(t *testing.T, url string) []string {
	t.Helper()
	var mu sync.Mutex
	var list []string
	over := make(chan struct{})
	c := paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprintf("look-%d", time.Now().UnixNano())).SetAutoReconnect(false))
	must := func(tok paho.Token) {
		if !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
			t.Fatal("the broker does not answer the test", tok.Error())
		}
	}
	must(c.Connect())
	defer c.Disconnect(50)
	must(c.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		mu.Lock()
		defer mu.Unlock()
		if m.Topic() == "end/of/it" {
			close(over)
		} else if m.Retained() {
			list = append(list, m.Topic())
		}
	}))
	must(c.Publish("end/of/it", 1, false, "x"))
	<-over
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(list)
	return list
}
