package mqtt

import (
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"

	"guided/history"
	"guided/player"
)

func TestRunPublishesHistory(t *testing.T) {
	t.Run("retained, the newest one, with texts of a bounded length", func(t *testing.T) {
		broker := newMosquitto(t, "allow_anonymous true")
		summaries := make(chan *history.Summary)
		options := testOptions(broker.url())
		options.History, options.KeepsHistory = summaries, true
		startDaemon(t, options, defaultLimits())
		client := newTestClient(t, broker.url())
		client.await(0, "guided/mat/status", "online")
		last := player.Record{Routine: "yoga", Title: strings.Repeat("a", 2*maxText), From: "MQTT guided/mat/command"}
		summaries <- &history.Summary{Sessions: 6, Last: &last}
		client.await(0, "guided/mat/history", `"sessions":6`)
		summaries <- &history.Summary{Sessions: 7, Minutes: 12.5, Last: &last}
		client.await(0, "guided/mat/history", `"total_min":12.5`)
		if last.Title != strings.Repeat("a", 2*maxText) {
			t.Error("the record was changed")
		}
		later := newTestClient(t, broker.url())
		later.await(0, "guided/mat/history", `"sessions":7`)
		m := later.on("guided/mat/history")[0]
		var s history.Summary
		if err := json.Unmarshal([]byte(m.payload), &s); err != nil || s.Last == nil || s.Last.Routine != "yoga" || len([]rune(s.Last.Title)) > maxText {
			t.Errorf("%v: %s", err, m.payload)
		}
	})
	t.Run("none is kept any more, and then one again: the topic is cleared, and the sensors go and come", func(t *testing.T) {
		broker := newMosquitto(t, "allow_anonymous true")
		summaries := make(chan *history.Summary)
		options := announcing(broker.url())
		options.History, options.KeepsHistory = summaries, true
		d := startDaemon(t, options, fast())
		client := newTestClient(t, broker.url())
		client.await(0, "guided/mat/status", "online")
		d.infos <- libraryOf("yoga")
		device := options.HomeAssistant.DeviceTopic(options.ID)
		var announced atomic.Value
		client.must(client.client.Subscribe(device, 1, func(_ paho.Client, m paho.Message) { announced.Store(string(m.Payload())) }))
		sensors := func(want bool) func() bool {
			return func() bool {
				text, _ := announced.Load().(string)
				return text != "" && strings.Contains(text, "streak_days") == want
			}
		}
		summaries <- &history.Summary{Sessions: 6}
		n := client.await(0, "guided/mat/history", `"sessions":6`)
		eventually(t, "the sensors", sensors(true))
		summaries <- nil
		n = client.await(n, "guided/mat/history", "")
		if m := client.all()[n-1]; m.payload != "" {
			t.Errorf("the topic is not cleared: %s", m.payload)
		}
		eventually(t, "the sensors are gone", sensors(false))
		summaries <- &history.Summary{Sessions: 7}
		client.await(n, "guided/mat/history", `"sessions":7`)
		eventually(t, "the sensors are back", sensors(true))
		if lines := d.log.with("does not keep"); len(lines) > 0 {
			t.Errorf("%q", lines)
		}
	})
	t.Run("not where none is kept, and then what is left of it is cleared", func(t *testing.T) {
		options := testOptions("mqtt://127.0.0.1:1")
		if slices.Contains(options.retainedTopics(), "guided/mat/history") {
			t.Error("the topic is one of ours")
		}
		options.History = make(chan *history.Summary)
		if !slices.Contains(options.retainedTopics(), "guided/mat/history") {
			t.Error("the topic is none of ours, and is never cleared")
		}
	})
}
