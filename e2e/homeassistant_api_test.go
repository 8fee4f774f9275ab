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
	"testing"
	"time"
)

// entity is what Home Assistant shows of one thing.
type entity struct {
	ID         string         `json:"entity_id"`
	State      string         `json:"state"`
	Attributes map[string]any `json:"attributes"`
	Changed    time.Time      `json:"last_changed"`
}

// text is an attribute as a person would read it.
func (e entity) text(attribute string) string {
	v, has := e.Attributes[attribute]
	if !has || v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// rest asks Home Assistant's web API, and reads the answer into one where that is not nil.
func (h *house) rest(method, path string, body, answer any) error {
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
	r, err := http.NewRequest(method, "http://127.0.0.1:"+h.web+path, content)
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

func (h *house) mustRest(method, path string, body, answer any) {
	h.t.Helper()
	if err := h.rest(method, path, body, answer); err != nil {
		h.t.Fatal(err)
	}
}

// up tells whether Home Assistant has started: before it has an owner, whether it answers.
func (h *house) up() bool {
	if h.token == "" {
		return h.rest("GET", "/api/onboarding", nil, nil) == nil
	}
	var config struct{ State string }
	return h.rest("GET", "/api/config", nil, &config) == nil && config.State == "RUNNING"
}

// moveIn makes an owner, and the MQTT integration as he would through the dialogue.
func (h *house) moveIn() {
	h.t.Helper()
	const page = "http://127.0.0.1/"
	var code struct {
		Code string `json:"auth_code"`
	}
	h.mustRest("POST", "/api/onboarding/users", map[string]string{
		"client_id": page, "name": "Owner", "username": "owner", "password": "in-a-test-only", "language": "en",
	}, &code)
	var access struct {
		Token string `json:"access_token"`
	}
	h.mustRest("POST", "/auth/token", url.Values{"client_id": {page}, "grant_type": {"authorization_code"}, "code": {code.Code}}, &access)
	h.token = access.Token
	waitFor(h.t, 30*time.Second, "Home Assistant to have started", h.up)

	var dialogue struct {
		ID string `json:"flow_id"`
	}
	h.mustRest("POST", "/api/config/config_entries/flow", map[string]any{"handler": "mqtt"}, &dialogue)
	var made struct {
		Type   string
		Errors any
	}
	h.mustRest("POST", "/api/config/config_entries/flow/"+dialogue.ID, map[string]any{
		"broker": "127.0.0.1", "port": number(h.t, h.port), "protocol": "5",
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

// entities is everything that Home Assistant shows, by its id; nothing while it is down.
func (h *house) entities() map[string]entity {
	var list []entity
	if h.rest("GET", "/api/states", nil, &list) != nil {
		return nil
	}
	all := map[string]entity{}
	for _, e := range list {
		all[e.ID] = e
	}
	return all
}

// act calls a service on an entity, as an automation or a thumb on a dashboard does.
func (h *house) act(service, id string, data map[string]any) {
	h.t.Helper()
	domain, name, _ := strings.Cut(service, ".")
	body := map[string]any{"entity_id": id}
	for k, v := range data {
		body[k] = v
	}
	h.mustRest("POST", "/api/services/"+domain+"/"+name, body, nil)
}

// shows waits until an entity has a state.
func (h *house) shows(id, want string) {
	h.t.Helper()
	h.comes(id+" to be "+want, func(all map[string]entity) bool { return all[id].State == want })
}

// unhurried is how long a person waits for what is asked for, on a machine that has other things to do.
const unhurried = 30 * time.Second

// comes waits until Home Assistant shows what is wanted.
func (h *house) comes(what string, ok func(map[string]entity) bool) {
	h.t.Helper()
	var all map[string]entity
	for end := time.Now().Add(unhurried); ; <-time.After(50 * time.Millisecond) {
		if all = h.entities(); ok(all) {
			return
		}
		if time.Now().After(end) {
			break
		}
	}
	h.t.Fatalf("waited for %s; Home Assistant shows\n%s", what, ours(all))
}
