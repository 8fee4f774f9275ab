//go:build homeassistant

package e2e

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/gorilla/websocket"
)

// socket is Home Assistant's websocket API, signed in.
func (h *house) socket() (*websocket.Conn, error) {
	c, _, err := websocket.DefaultDialer.Dial("ws://127.0.0.1:"+h.web+"/api/websocket", nil)
	if err != nil {
		return nil, err
	}
	if err := h.signIn(c); err != nil {
		c.Close()
		return nil, fmt.Errorf("signing in: %w", err)
	}
	return c, nil
}

func (h *house) signIn(c *websocket.Conn) error {
	var greeting, welcome message
	if err := c.ReadJSON(&greeting); err != nil {
		return err
	}
	if err := c.WriteJSON(map[string]string{"type": "auth", "access_token": h.token}); err != nil {
		return err
	}
	if err := c.ReadJSON(&welcome); err != nil {
		return err
	}
	if welcome.Type != "auth_ok" {
		return fmt.Errorf("it answers %s", welcome.Type)
	}
	return nil
}

// message is any that Home Assistant sends.
type message struct {
	Type    string
	Success bool
	Error   any
	Result  json.RawMessage
	Event   struct {
		Data struct {
			New entity `json:"new_state"`
		}
	}
}

// ask sends one command, and reads its result into answer where that is not nil.
func (h *house) ask(command map[string]any, answer any) {
	h.t.Helper()
	c, err := h.socket()
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close()
	command["id"] = 1
	if err := c.WriteJSON(command); err != nil {
		h.t.Fatal(err)
	}
	var m message
	if err := c.ReadJSON(&m); err != nil {
		h.t.Fatal(err)
	}
	if !m.Success {
		h.t.Fatalf("%v: %v", command["type"], m.Error)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(m.Result, answer); err != nil {
		h.t.Fatalf("%v: %v", command["type"], err)
	}
}

// diary is every state that one entity goes through from now on.
type diary struct {
	mu   sync.Mutex
	list []entity
}

func (h *house) keepDiary(id string) *diary {
	h.t.Helper()
	c, err := h.socket()
	if err != nil {
		h.t.Fatal(err)
	}
	var m message
	if err := c.WriteJSON(map[string]any{"id": 1, "type": "subscribe_events", "event_type": "state_changed"}); err != nil {
		h.t.Fatal(err)
	}
	if err := c.ReadJSON(&m); err != nil || !m.Success {
		h.t.Fatal(err, m.Error)
	}
	d := &diary{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m message
			if c.ReadJSON(&m) != nil { // the test closes it
				return
			}
			if m.Event.Data.New.ID == id {
				d.mu.Lock()
				d.list = append(d.list, m.Event.Data.New)
				d.mu.Unlock()
			}
		}
	}()
	h.t.Cleanup(func() { c.Close(); <-ended })
	return d
}

// read is what one attribute was, one state after the other.
func (d *diary) read(attribute string) (list []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.list {
		list = append(list, e.text(attribute))
	}
	return list
}

// thing is a device or an entity in Home Assistant's registries.
type thing struct {
	ID           string     `json:"id"`
	Entity       string     `json:"entity_id"`
	Device       string     `json:"device_id"`
	Name         string     `json:"name"`
	Manufacturer string     `json:"manufacturer"`
	Model        string     `json:"model"`
	Version      string     `json:"sw_version"`
	Identifiers  [][]string `json:"identifiers"`
	Platform     string     `json:"platform"`
	Category     string     `json:"entity_category"`
	UniqueID     string     `json:"unique_id"`
}

// devices lists those of MQTT, and registered the entities of those.
func (h *house) devices() (list []thing) {
	h.t.Helper()
	var all []thing
	h.ask(map[string]any{"type": "config/device_registry/list"}, &all)
	for _, d := range all {
		if len(d.Identifiers) > 0 && d.Identifiers[0][0] == "mqtt" {
			list = append(list, d)
		}
	}
	return list
}

func (h *house) registered() (list []thing) {
	h.t.Helper()
	var all []thing
	h.ask(map[string]any{"type": "config/entity_registry/list"}, &all)
	for _, e := range all {
		if e.Platform == "mqtt" {
			list = append(list, e)
		}
	}
	return list
}
