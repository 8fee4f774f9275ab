package mqtt

import (
	"testing"
	"time"

	"guided/player"
)

func TestTopicsMessages(t *testing.T) {
	at := Options{Config: Config{Prefix: "home/guided"}, Node: "mat"}.topics()
	noon := time.Date(2026, 11, 21, 12, 0, 0, 250e6, time.UTC)
	must := func(m message, err error) message {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return m
	}
	info := func(m message, leftOut string, err error) message {
		t.Helper()
		if leftOut != "" {
			t.Errorf("left out: %s", leftOut)
		}
		return must(m, err)
	}
	for situation, c := range map[string]struct {
		got  message
		want message
	}{
		"online":  {at.status(true), message{"home/guided/mat/status", []byte(`online`), 1, true}},
		"offline": {at.status(false), message{"home/guided/mat/status", []byte(`offline`), 1, true}},
		"a command that worked": {
			at.response(player.Response{Status: "ok", Command: "start", Transaction: "7"}),
			message{"home/guided/mat/response", []byte(`{"status":"ok","command":"start","transaction":"7"}`), 1, false},
		},
		"a command with a typing error": {
			at.response(player.Response{Status: "error", Command: "strat", Error: `unknown verb "strat": did you mean <start>?`}),
			message{"home/guided/mat/response", []byte(`{"status":"error","command":"strat","error":"unknown verb \"strat\": did you mean <start>?"}`), 1, false},
		},
		"a breath goes in": {
			must(at.phase(player.Phase{Phase: "in", At: noon, Seconds: 4})),
			message{"home/guided/mat/phase", []byte(`{"phase":"in","at":"2026-11-21T12:00:00.25Z","seconds":4}`), 0, false},
		},
		"a routine is over": {
			must(at.event(player.Event{Type: "routine_finished", Routine: "4-4-6", At: noon})),
			message{"home/guided/mat/event", []byte(`{"event_type":"routine_finished","routine":"4-4-6","at":"2026-11-21T12:00:00.25Z"}`), 1, false},
		},
		"a new version": {
			info(at.info(player.Info{Version: "1", Routines: []player.RoutineInfo{}, Outputs: []string{}, Verbs: []string{"start"}})),
			message{"home/guided/mat/info", []byte(`{"version":"1","routines":[],"outputs":[],"verbs":["start"]}`), 1, true},
		},
	} {
		t.Run(situation, func(t *testing.T) {
			if c.got.topic != c.want.topic || string(c.got.payload) != string(c.want.payload) || c.got.qos != c.want.qos || c.got.retained != c.want.retained {
				t.Errorf("got  %+v %s\nwant %+v %s", c.got, c.got.payload, c.want, c.want.payload)
			}
		})
	}
	m := must(at.state(player.State{State: player.Idle}))
	if m.topic != "home/guided/mat/state" || m.qos != 1 || !m.retained {
		t.Errorf("state: %+v", m)
	}
	if _, err := at.phase(player.Phase{Seconds: nan()}); err == nil {
		t.Error("a length that is not a number can be encoded")
	}
}
