//go:build homeassistant

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// entity is the state of an entity in Home Assistant.
type entity struct {
	ID         string         `json:"entity_id"`
	State      string         `json:"state"`
	Attributes map[string]any `json:"attributes"`
	Changed    time.Time      `json:"last_changed"`
}

// attribute formats an attribute; "" when there is none.
func (e entity) attribute(attribute string) string {
	v, has := e.Attributes[attribute]
	if !has || v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// request calls Home Assistant's REST API and decodes the response into answer, where that is not nil.
func (h *homeAssistant) request(method, path string, body, answer any) error {
	var content io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case url.Values:
		content, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return err
		}
		content = bytes.NewReader(data)
	}
	r, err := http.NewRequest(method, "http://127.0.0.1:"+h.webPort+path, content)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", kind)
	if h.token != "" {
		r.Header.Set("Authorization", "Bearer "+h.token)
	}
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, data)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(data, answer)
}

func (h *homeAssistant) mustRequest(method, path string, body, answer any) {
	h.t.Helper()
	if err := h.request(method, path, body, answer); err != nil {
		h.t.Fatal(err)
	}
}

// isRunning reports whether Home Assistant has started; before it has an owner, whether it responds.
func (h *homeAssistant) isRunning() bool {
	if h.token == "" {
		return h.request("GET", "/api/onboarding", nil, nil) == nil
	}
	var config struct{ State string }
	return h.request("GET", "/api/config", nil, &config) == nil && config.State == "RUNNING"
}

// onboard creates the owner, and the MQTT integration through the same flow as the dialogue.
func (h *homeAssistant) onboard() {
	h.t.Helper()
	const page = "http://127.0.0.1/"
	var code struct {
		Code string `json:"auth_code"`
	}
	h.mustRequest("POST", "/api/onboarding/users", map[string]string{
		"client_id": page, "name": "Owner", "username": "owner", "password": "in-a-test-only", "language": "en",
	}, &code)
	var access struct {
		Token string `json:"access_token"`
	}
	h.mustRequest("POST", "/auth/token", url.Values{"client_id": {page}, "grant_type": {"authorization_code"}, "code": {code.Code}}, &access)
	h.token = access.Token
	waitFor(h.t, "Home Assistant to have started", h.isRunning)

	var dialogue struct {
		ID string `json:"flow_id"`
	}
	h.mustRequest("POST", "/api/config/config_entries/flow", map[string]any{"handler": "mqtt"}, &dialogue)
	var made struct {
		Type   string
		Errors any
	}
	h.mustRequest("POST", "/api/config/config_entries/flow/"+dialogue.ID, map[string]any{
		"broker": "127.0.0.1", "port": number(h.t, h.brokerPort), "protocol": "5",
		"other_settings": map[string]any{"set_client_cert": false, "set_ca_cert": "off", "transport": "tcp"},
	}, &made)
	if made.Type != "create_entry" {
		h.t.Fatalf("Home Assistant does not take the broker: %+v", made)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// entities returns the states of all entities by id; nil while Home Assistant is down.
func (h *homeAssistant) entities() map[string]entity {
	var list []entity
	if h.request("GET", "/api/states", nil, &list) != nil {
		return nil
	}
	all := map[string]entity{}
	for _, e := range list {
		all[e.ID] = e
	}
	return all
}

// callService calls a service on an entity, as an automation or the dashboard does.
func (h *homeAssistant) callService(service, id string, data map[string]any) {
	h.t.Helper()
	domain, name, _ := strings.Cut(service, ".")
	body := map[string]any{"entity_id": id}
	for k, v := range data {
		body[k] = v
	}
	h.mustRequest("POST", "/api/services/"+domain+"/"+name, body, nil)
}

// waitForState waits until an entity has a state.
func (h *homeAssistant) waitForState(id, want string) {
	h.t.Helper()
	h.waitFor(id+" to be "+want, func(all map[string]entity) bool { return all[id].State == want })
}

// waitFor waits until ok returns true for the states of all entities.
func (h *homeAssistant) waitFor(what string, ok func(map[string]entity) bool) {
	h.t.Helper()
	var all map[string]entity
	for end := time.Now().Add(deadline); ; <-time.After(50 * time.Millisecond) {
		if all = h.entities(); ok(all) {
			return
		}
		if time.Now().After(end) {
			break
		}
	}
	h.t.Fatalf("waited for %s; Home Assistant shows\n%s", what, guidedStates(all))
}

// dialWebsocket opens an authenticated connection to Home Assistant's websocket API.
func (h *homeAssistant) dialWebsocket() (*websocket.Conn, error) {
	c, _, err := websocket.DefaultDialer.Dial("ws://127.0.0.1:"+h.webPort+"/api/websocket", nil)
	if err != nil {
		return nil, err
	}
	if err := h.authenticate(c); err != nil {
		c.Close()
		return nil, fmt.Errorf("signing in: %w", err)
	}
	return c, nil
}

func (h *homeAssistant) authenticate(c *websocket.Conn) error {
	var greeting, result websocketMessage
	if err := c.ReadJSON(&greeting); err != nil {
		return err
	}
	if err := c.WriteJSON(map[string]string{"type": "auth", "access_token": h.token}); err != nil {
		return err
	}
	if err := c.ReadJSON(&result); err != nil {
		return err
	}
	if result.Type != "auth_ok" {
		return fmt.Errorf("it answers %s", result.Type)
	}
	return nil
}

// websocketMessage is any message of Home Assistant's websocket API.
type websocketMessage struct {
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

// query sends one command over the websocket API and decodes its result into answer, where that is not nil.
func (h *homeAssistant) query(command map[string]any, answer any) {
	h.t.Helper()
	c, err := h.dialWebsocket()
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close()
	command["id"] = 1
	if err := c.WriteJSON(command); err != nil {
		h.t.Fatal(err)
	}
	var m websocketMessage
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

// stateLog records every state of one entity.
type stateLog struct {
	mu   sync.Mutex
	list []entity
}

func (h *homeAssistant) logStates(id string) *stateLog {
	h.t.Helper()
	c, err := h.dialWebsocket()
	if err != nil {
		h.t.Fatal(err)
	}
	var m websocketMessage
	if err := c.WriteJSON(map[string]any{"id": 1, "type": "subscribe_events", "event_type": "state_changed"}); err != nil {
		h.t.Fatal(err)
	}
	if err := c.ReadJSON(&m); err != nil || !m.Success {
		h.t.Fatal(err, m.Error)
	}
	d := &stateLog{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m websocketMessage
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

// attributes returns the values of one attribute, in order.
func (d *stateLog) attributes(attribute string) (list []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.list {
		list = append(list, e.attribute(attribute))
	}
	return list
}

// registryEntry is a device or an entity in Home Assistant's registries.
type registryEntry struct {
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
	Shown        string     `json:"original_name"`
	UniqueID     string     `json:"unique_id"`
}

// devices lists the devices of the MQTT integration.
func (h *homeAssistant) devices() (list []registryEntry) {
	h.t.Helper()
	var all []registryEntry
	h.query(map[string]any{"type": "config/device_registry/list"}, &all)
	for _, d := range all {
		if len(d.Identifiers) > 0 && d.Identifiers[0][0] == "mqtt" {
			list = append(list, d)
		}
	}
	return list
}

// registeredEntities lists the entities of the MQTT integration.
func (h *homeAssistant) registeredEntities() (list []registryEntry) {
	h.t.Helper()
	var all []registryEntry
	h.query(map[string]any{"type": "config/entity_registry/list"}, &all)
	for _, e := range all {
		if e.Platform == "mqtt" {
			list = append(list, e)
		}
	}
	return list
}
