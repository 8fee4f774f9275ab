package mqtt

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"guided/audio/mix"
	"guided/homeassistant"
	"guided/player"
	"guided/routines"
)

// FuzzInbox checks that every payload gets one response, which is JSON of a bounded size, and that the retained one is
// never carried out.
func FuzzInbox(f *testing.F) {
	for _, payload := range []string{
		"", "stop", "start quiet for 5m volume 40", `{"command":"start","routine":"quiet","transaction":"7"}`, `{"command":"stop","transaction":{"a":[1]}}`,
		"\x00stop", "volume 1e9", `{"command":"volume","volume":30,"sent_at":"2026-11-21T12:00:00Z"}`, strings.Repeat("[", 5000), "say " + strings.Repeat("ä", 3000),
	} {
		f.Add([]byte(payload), false)
		f.Add([]byte(payload), true)
	}
	log := slog.New(slog.DiscardHandler)
	library := routines.Library{fstest.MapFS{"quiet.toml": {Data: []byte("title = \"Quiet\"\n[[step]]\nrest = \"10m\"\n")}}}
	p := player.New(player.Config{Library: library, Bank: mix.NewBank(nil, nil, func(context.Context, string) (fs.File, error) { return nil, fs.ErrNotExist }, log),
		Volume: 50, ClockTrusted: func() bool { return true }, Log: log})
	l := defaultLimits()
	f.Fuzz(func(t *testing.T, payload []byte, retained bool) {
		carriedOut := false
		do := func(payload []byte, _ string) player.Response {
			carriedOut = true
			return p.DoPayload(payload)
		}
		in := newInbox(do, l, Options{Config: Config{Prefix: "guided"}, Node: "mat"}.topics(), newOutbox(l), log)
		in.receive(arrival{topic: "guided/mat/command", payload: string(payload), retained: retained})
		for in.executeUrgent() {
		}
		select {
		case c := <-in.queue:
			in.outbox.beginCommand(t.Context())
			in.outbox.endCommand(in.topics.response(in.execute(c)))
		default:
		}
		m, _, ok := in.outbox.next(time.Now())
		var r player.Response
		if err := json.Unmarshal(m.payload, &r); !ok || err != nil || r.Status != "ok" && r.Status != "error" || len(m.payload) > 16<<10 {
			t.Fatalf("%q is answered %q: %v", payload, m.payload, err)
		}
		if _, _, another := in.outbox.next(time.Now()); another {
			t.Fatalf("%q is answered twice", payload)
		}
		if retained && carriedOut {
			t.Fatalf("the retained %q was carried out", payload)
		}
	})
}

// FuzzRetainedDevices checks that whatever is retained on discovery topics is read in bounds, and that only a device of
// ours is taken for one.
func FuzzRetainedDevices(f *testing.F) {
	device := homeassistant.Device{ID: "0123456789abcdef", Name: "Mat", Topic: "guided/mat"}
	ours, _, err := device.Discovery(libraryOf("quiet"))
	if err != nil {
		f.Fatal(err)
	}
	topic := homeassistant.Config{Prefix: "homeassistant"}.DeviceTopic(device.ID)
	f.Add(topic, ours)
	f.Add("homeassistant/device/other/config", ours)
	f.Add(topic, []byte(`{"o":{"name":"guided"},"avty":[{"t":"guided/mat/status"}]}`))
	f.Add(topic, []byte(`{"avty":null,"o":[]}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		r := &retained{node: "guided/mat", payloads: map[string][]byte{}, exact: map[string]bool{}, complete: make(chan struct{})}
		for range 3 {
			r.receive(nil, arrival{topic: topic, payload: string(payload), retained: true})
		}
		for _, found := range r.discoveryOf("guided/mat") {
			if !strings.Contains(found, "/device/guided_") || !strings.Contains(string(payload), "guided") {
				t.Errorf("%s with %s is taken for ours", found, payload)
			}
		}
		if len(r.payloads) > 1 {
			t.Errorf("%d payloads are kept of one topic", len(r.payloads))
		}
		if components, err := homeassistant.Components(payload); err == nil {
			if _, err := homeassistant.Stages(payload, validComponents(components)); err != nil && json.Valid(payload) && len(components) > 0 {
				t.Logf("no stages: %v", err)
			}
		}
	})
}
