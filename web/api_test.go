package web_test

import (
	"strings"
	"testing"

	"guided/player"
)

func TestAPICommandsReachPlayer(t *testing.T) {
	p := newTestServer(t)
	for _, tt := range []struct {
		verb, body string
		status     int
		says       string
		state      player.Status
	}{
		{"start", `{"routine":"4-4-6","for":"2m","volume":40}`, 200, `"status":"ok"`, player.Playing},
		{"start", `{"routine":"4-4-6","for":"2m","volume":40}`, 200, `"unchanged":true`, player.Playing},
		{"pause", "", 200, `"command":"pause"`, player.Paused},
		{"volume", `{"volume":70,"transaction":"7"}`, 200, `"transaction":"7"`, player.Paused},
		{"start", `{"routine":"4-4-7"}`, 400, `did you mean`, player.Paused},
		{"start", `{"rutine":"4-4-6"}`, 400, `routine`, player.Paused},
		{"pasue", `{}`, 400, `did you mean`, player.Paused},
		{"pause", `[1]`, 400, `no JSON object`, player.Paused},
		{"pause", `null`, 400, `no JSON object`, player.Paused},
		{"start", `{"command":"stop","routine":"4-4-6"}`, 200, `"command":"start"`, player.Playing},
		{"stop", `{}`, 200, `"status":"ok"`, player.Idle},
	} {
		if got := p.request("POST", "/api/"+tt.verb, tt.body); got.status != tt.status || !strings.Contains(got.body, tt.says) {
			t.Errorf("%s %s: %d, want %d: %s", tt.verb, tt.body, got.status, tt.status, got.body)
		}
		var s player.State
		p.waitFor(tt.verb+" is heard", func() bool {
			p.decode(p.get("/api/state"), &s)
			return s.State == tt.state
		})
	}
}
