package web_test

import (
	"bufio"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/player"
)

// sseEvent is one server-sent event.
type sseEvent struct{ id, kind, data string }

// openEvents reads the event stream until the test ends.
func (p *testServer) openEvents() <-chan sseEvent {
	p.t.Helper()
	answer, err := p.client.Get(p.url + "/api/events")
	if err != nil {
		p.t.Fatal(err)
	}
	frames := make(chan sseEvent, 1000)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(frames)
		f := sseEvent{}
		for s := bufio.NewScanner(answer.Body); s.Scan(); {
			key, value, _ := strings.Cut(s.Text(), ": ")
			switch key {
			case "id":
				f.id = value
			case "event":
				f.kind = value
			case "data":
				f.data = value
				frames <- f
			}
		}
	})
	p.t.Cleanup(func() { answer.Body.Close(); reading.Wait() })
	return frames
}

func TestEventsStreamStateAndPhases(t *testing.T) {
	p := newTestServer(t)
	frames := p.openEvents()
	first := <-frames
	var state struct {
		player.State
		Now time.Time
	}
	if err := json.Unmarshal([]byte(first.data), &state); err != nil || first.kind != "state" || first.id != "1" || state.State.State != player.Idle || time.Since(state.Now) > time.Minute {
		t.Fatalf("%v: %+v", err, first)
	}
	p.request("POST", "/api/start", `{"routine":"short"}`)
	seen := map[string]bool{}
	for !seen["state playing"] || !seen["event routine_started"] || !seen["phase in"] || !seen["info"] {
		f, open := <-frames
		if !open {
			t.Fatalf("the events have ended: %v", seen)
		}
		var v struct {
			State, Phase string
			Type         string `json:"event_type"`
			At           time.Time
		}
		if err := json.Unmarshal([]byte(f.data), &v); err != nil {
			t.Fatal(err)
		}
		seen[strings.TrimSpace(f.kind+" "+v.State+v.Type+v.Phase)] = true
		if f.kind == "phase" && time.Until(v.At) < 200*time.Millisecond {
			t.Errorf("a phase comes %v before its time", time.Until(v.At))
		}
	}
}
