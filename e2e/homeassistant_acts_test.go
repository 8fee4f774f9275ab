//go:build homeassistant

package e2e

import (
	"slices"
	"testing"
	"time"

	"guided/player"
)

func TestHomeAssistantIsARemote(t *testing.T) {
	h := newHouse(t)
	l := h.daemon("mat", "[voice]\nengine = \"auto\"\n")
	f, ear := l.follow(), h.hear("guided/#")
	h.shows("sensor.guided_state", "idle")
	events := h.keepDiary("event.guided")
	press := func(button string) {
		t.Helper()
		h.act("button.press", "button.guided_"+button, nil)
	}

	h.act("select.select_option", "select.guided_routine", map[string]any{"option": "Long"})
	l.does(f, "to have it selected", func(s player.State) bool { return s.Selected == "long" && s.State == player.Idle })
	h.shows("select.guided_routine", "Long")

	press("start")
	l.does(f, "to play it", func(s player.State) bool { return s.State == player.Playing && s.Step == "First" && s.EndsAt != nil })
	h.comes("the routine to play", func(all map[string]entity) bool {
		attributes := all["sensor.guided_state"].Attributes
		return all["sensor.guided_state"].State == "playing" && all["sensor.guided_step"].State == "First" &&
			all["binary_sensor.guided_playing"].State == "on" && attributes["routine"] == "long" && attributes["title"] == "Long" &&
			attributes["duration_s"].(float64) > 1200 && attributes["next_step"] == "Second" && attributes["ends_at"] != nil
	})
	h.comes("its end", func(all map[string]entity) bool {
		ends, err := time.Parse(time.RFC3339, all["sensor.guided_ends_at"].State)
		return err == nil && ends.Sub(*f.last().EndsAt).Abs() < time.Second
	})

	steps := func(n int) {
		t.Helper()
		waitFor(t, unhurried, "the step to be heard", func() bool { return ear.heard("event", "step_started") == n })
	}
	steps(1)
	before := *f.last().EndsAt
	press("next")
	l.does(f, "to go on to the next step", func(s player.State) bool { return s.Step == "Second" })
	h.shows("sensor.guided_step", "Second")
	h.comes("half of it to be done", func(all map[string]entity) bool {
		return all["sensor.guided_progress"].State == "50" && number(t, all["sensor.guided_remaining"].State) < 610 &&
			before.Sub(*f.last().EndsAt) > 9*time.Minute
	})
	steps(2)
	press("back")
	l.does(f, "to go back", func(s player.State) bool { return s.Step == "First" })
	h.shows("sensor.guided_step", "First")
	steps(3)

	press("pause")
	l.does(f, "to pause", func(s player.State) bool { return s.State == player.Paused })
	h.comes("the pause", func(all map[string]entity) bool {
		return all["sensor.guided_state"].State == "paused" && all["sensor.guided_ends_at"].State == "unknown" && all["binary_sensor.guided_playing"].State == "off"
	})
	press("repeat")
	l.does(f, "to stand at the step's start", func(s player.State) bool { return s.State == player.Paused && s.Position < 1 })
	press("pause")
	l.does(f, "to go on", func(s player.State) bool { return s.State == player.Playing })
	h.shows("sensor.guided_state", "playing")

	h.act("number.set_value", "number.guided_volume", map[string]any{"value": 35})
	l.does(f, "to be quieter", func(s player.State) bool { return s.Volume == 35 })
	h.shows("number.guided_volume", "35")

	press("stop")
	l.does(f, "to stop", func(s player.State) bool { return s.State == player.Idle })
	h.comes("all to be over", func(all map[string]entity) bool {
		return all["sensor.guided_state"].State == "idle" && all["sensor.guided_step"].State == "unknown" && all["select.guided_routine"].State == "Long"
	})

	t.Run("a scene starts its routine, and the end is told", func(t *testing.T) {
		h.act("scene.turn_on", "scene.guided_short", nil)
		l.does(f, "to play it", func(player.State) bool { return f.saw("routine_finished") })
		h.comes("the end", func(all map[string]entity) bool {
			return all["event.guided"].text("event_type") == "routine_finished" && all["event.guided"].text("title") == "Short"
		})
	})
	t.Run("the event entity has gone through everything that was heard", func(t *testing.T) {
		want := []string{"routine_started", "step_started", "step_started", "step_started", "paused", "resumed", "routine_stopped",
			"routine_started", "step_started", "step_started", "routine_finished"}
		if got := events.read("event_type"); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		for _, e := range h.entities() {
			if at, err := time.Parse(time.RFC3339, e.State); e.ID == "event.guided" && (err != nil || time.Since(at).Abs() > time.Minute) {
				t.Errorf("the event was at %s", e.State)
			}
		}
	})
	t.Run("a message is said, whatever stands in it", func(t *testing.T) {
		text := hostile + "{{ x }}"
		h.act("notify.send_message", "notify.guided_say", map[string]any{"message": text})
		waitFor(t, unhurried, "the answer", func() bool { return ear.heard("response", `"command":"say"`, `"status":"ok"`) == 1 })
		if asked, err := player.Parse([]byte(ear.last("command"))); err != nil || asked.Text != text {
			t.Errorf("asked for: %+v, %v", asked, err)
		}
	})
	t.Run("a routine that waits shows it, and goes on at the button", func(t *testing.T) {
		h.write("mat/ready.toml", "title = \"Ready\"\n[[step]]\nname = \"Wait\"\nhold = \"until next\"\n[[step]]\nname = \"After\"\nhold = \"10m\"\n")
		h.comes("the new scene", func(all map[string]entity) bool { return all["scene.guided_ready"].State == "unknown" })
		h.act("scene.turn_on", "scene.guided_ready", nil)
		l.does(f, "to wait", func(s player.State) bool { return s.State == player.Waiting && s.EndsAt == nil })
		h.comes("the wait", func(all map[string]entity) bool {
			return all["sensor.guided_state"].State == "waiting" && all["event.guided"].text("event_type") == "waiting"
		})
		press("next")
		h.comes("the next step", func(all map[string]entity) bool {
			return all["sensor.guided_state"].State == "playing" && all["sensor.guided_step"].State == "After"
		})
		press("stop")
		h.shows("sensor.guided_state", "idle")
	})
}
