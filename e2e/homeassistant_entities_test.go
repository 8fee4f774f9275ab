//go:build homeassistant

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/cli"
	"guided/player"
)

// expectedEntity is what Home Assistant must show of one entity of an idle daemon.
type expectedEntity struct{ id, name, state, icon, class, unit string }

func TestHomeAssistantShowsEntities(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "")
	h.waitForState("sensor.guided_state", "idle")
	all := h.entities()
	want := []expectedEntity{
		{"select.guided_routine", "Guided Routine", "unknown", "mdi:yoga", "", ""},
		{"button.guided_start", "Guided Start", "unknown", "mdi:play", "", ""},
		{"button.guided_pause", "Guided Pause or resume", "unknown", "mdi:play-pause", "", ""},
		{"button.guided_next", "Guided Next step", "unknown", "mdi:skip-next", "", ""},
		{"button.guided_back", "Guided Previous step", "unknown", "mdi:skip-previous", "", ""},
		{"button.guided_repeat", "Guided Repeat step", "unknown", "mdi:repeat", "", ""},
		{"button.guided_stop", "Guided Stop", "unknown", "mdi:stop", "", ""},
		{"button.guided_resume", "Guided Resume lost session", "unavailable", "mdi:backup-restore", "", ""}, // nothing is offered
		{"sensor.guided_state", "Guided State", "idle", "mdi:meditation", "enum", ""},
		{"sensor.guided_step", "Guided Step", "unknown", "mdi:format-list-numbered", "", ""},
		{"sensor.guided_ends_at", "Guided Ends at", "unknown", "", "timestamp", ""},
		{"sensor.guided_remaining", "Guided Remaining", "0", "mdi:timer-sand", "duration", "s"},
		{"sensor.guided_progress", "Guided Progress", "0", "mdi:progress-clock", "", "%"},
		{"binary_sensor.guided_playing", "Guided Playing", "off", "", "running", ""},
		{"binary_sensor.guided_problem", "Guided Audio problem", "off", "", "problem", ""},
		{"sensor.guided_minutes_today", "Guided Minutes today", "0", "mdi:timer-check-outline", "duration", "min"},
		{"sensor.guided_minutes_total", "Guided Minutes in all", "0", "mdi:timer-star-outline", "duration", "min"},
		{"sensor.guided_sessions", "Guided Sessions", "0", "mdi:counter", "", ""},
		{"sensor.guided_streak", "Guided Days without a gap", "0", "mdi:calendar-check", "", "d"},
		{"sensor.guided_last_session", "Guided Last session", "unknown", "", "timestamp", ""},
		{"number.guided_volume", "Guided Volume", "60", "mdi:volume-high", "", "%"},
		{"event.guided", "Guided Event", "unknown", "mdi:bell-outline", "", ""},
		{"notify.guided_say", "Guided Say", "unknown", "mdi:bullhorn", "", ""},
	}
	titles := d.routineTitles()
	for name, title := range titles {
		want = append(want, expectedEntity{"scene.guided_" + strings.ReplaceAll(name, "-", "_"), "Guided " + title, "unknown", "mdi:yoga", "", ""})
	}
	for _, w := range want {
		e := all[w.id]
		got := expectedEntity{e.ID, e.attribute("friendly_name"), e.State, e.attribute("icon"), e.attribute("device_class"), e.attribute("unit_of_measurement")}
		if got != w {
			t.Errorf("got  %+v\nwant %+v", got, w)
		}
	}

	devices := h.devices()
	if len(devices) != 1 || devices[0].Name != "Guided" || devices[0].Manufacturer != "guided" || devices[0].Version == "" {
		t.Fatalf("devices: %+v", devices)
	}
	registered := h.registeredEntities()
	if len(registered) != len(want) {
		t.Errorf("%d entities are registered, want %d", len(registered), len(want))
	}
	for _, r := range registered {
		if r.Device != devices[0].ID || (r.Category == "diagnostic") != (r.Entity == "binary_sensor.guided_problem") {
			t.Errorf("%+v", r)
		}
	}

	t.Run("every routine can be chosen by its title", func(t *testing.T) {
		options := all["select.guided_routine"].Attributes["options"].([]any)
		if len(options) != len(titles) {
			t.Errorf("%d options for %d routines", len(options), len(titles))
		}
		for _, title := range titles {
			if !slices.Contains(options, any(title)) {
				t.Errorf("%q is missing in %v", title, options)
			}
		}
	})
	t.Run("the volume is a slider from silence to full", func(t *testing.T) {
		v := all["number.guided_volume"]
		if v.attribute("min") != "0" || v.attribute("max") != "100" || v.attribute("step") != "1" || v.attribute("mode") != "slider" {
			t.Errorf("%v", v.Attributes)
		}
	})
	t.Run("it is unavailable while the daemon is away", func(t *testing.T) {
		d.stop()
		h.waitForState("sensor.guided_state", "unavailable")
		h.waitForState("scene.guided_morning", "unavailable")
	})
}

// routineTitles returns the titles of all routines by name, as `guided list` prints them.
func (d *daemonProcess) routineTitles() map[string]string {
	d.ha.t.Helper()
	code, out := d.run("--json", "list")
	var list []cli.ListedRoutine
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != cli.Done || len(list) < 20 {
		d.ha.t.Fatalf("%d: %v:\n%s", code, err, out)
	}
	titles := map[string]string{}
	for _, r := range list {
		titles[r.Name] = r.Title
	}
	return titles
}

func TestHomeAssistantControlsDaemon(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "[voice]\nengine = \"auto\"\n")
	seen, messages := d.observe(), h.subscribe("guided/#")
	h.waitForState("sensor.guided_state", "idle")
	events := h.logStates("event.guided")
	press := func(button string) {
		t.Helper()
		h.callService("button.press", "button.guided_"+button, nil)
	}

	h.callService("select.select_option", "select.guided_routine", map[string]any{"option": "Long"})
	d.waitForState(seen, "to have it selected", func(s player.State) bool { return s.Selected == "long" && s.State == player.Idle })
	h.waitForState("select.guided_routine", "Long")

	press("start")
	d.waitForState(seen, "to play it", func(s player.State) bool { return s.State == player.Playing && s.Step == "First" && s.EndsAt != nil })
	h.waitFor("the routine to play", func(all map[string]entity) bool {
		attributes := all["sensor.guided_state"].Attributes
		return all["sensor.guided_state"].State == "playing" && all["sensor.guided_step"].State == "First" &&
			all["binary_sensor.guided_playing"].State == "on" && attributes["routine"] == "long" && attributes["title"] == "Long" &&
			attributes["duration_s"].(float64) > 1200 && attributes["next_step"] == "Second" && attributes["ends_at"] != nil
	})
	h.waitFor("its end", func(all map[string]entity) bool {
		ends, err := time.Parse(time.RFC3339, all["sensor.guided_ends_at"].State)
		return err == nil && ends.Sub(*seen.lastState().EndsAt).Abs() < time.Second
	})

	steps := func(n int) {
		t.Helper()
		waitFor(t, "the step to be heard", func() bool { return messages.count("event", "step_started") == n })
	}
	steps(1)
	before := *seen.lastState().EndsAt
	press("next")
	d.waitForState(seen, "to go on to the next step", func(s player.State) bool { return s.Step == "Second" })
	h.waitForState("sensor.guided_step", "Second")
	h.waitFor("half of it to be done", func(all map[string]entity) bool {
		return all["sensor.guided_progress"].State == "50" && number(t, all["sensor.guided_remaining"].State) < 610 &&
			before.Sub(*seen.lastState().EndsAt) > 9*time.Minute
	})
	steps(2)
	press("back")
	d.waitForState(seen, "to go back", func(s player.State) bool { return s.Step == "First" })
	h.waitForState("sensor.guided_step", "First")
	steps(3)

	press("pause")
	d.waitForState(seen, "to pause", func(s player.State) bool { return s.State == player.Paused })
	h.waitFor("the pause", func(all map[string]entity) bool {
		return all["sensor.guided_state"].State == "paused" && all["sensor.guided_ends_at"].State == "unknown" && all["binary_sensor.guided_playing"].State == "off"
	})
	press("repeat")
	d.waitForState(seen, "to stand at the step's start", func(s player.State) bool { return s.State == player.Paused && s.Position < 1 })
	press("pause")
	d.waitForState(seen, "to go on", func(s player.State) bool { return s.State == player.Playing })
	h.waitForState("sensor.guided_state", "playing")

	h.callService("number.set_value", "number.guided_volume", map[string]any{"value": 35})
	d.waitForState(seen, "to be quieter", func(s player.State) bool { return s.Volume == 35 })
	h.waitForState("number.guided_volume", "35")

	press("stop")
	d.waitForState(seen, "to stop", func(s player.State) bool { return s.State == player.Idle })
	h.waitFor("all to be over", func(all map[string]entity) bool {
		return all["sensor.guided_state"].State == "idle" && all["sensor.guided_step"].State == "unknown" && all["select.guided_routine"].State == "Long"
	})

	t.Run("a scene starts its routine, and the event entity shows its end", func(t *testing.T) {
		h.callService("scene.turn_on", "scene.guided_short", nil)
		d.waitForState(seen, "to play it", func(player.State) bool { return seen.sawEvent("routine_finished") })
		h.waitFor("the end", func(all map[string]entity) bool {
			return all["event.guided"].attribute("event_type") == "routine_finished" && all["event.guided"].attribute("title") == "Short"
		})
	})
	t.Run("the event entity went through every event", func(t *testing.T) {
		want := []string{"routine_started", "step_started", "step_started", "step_started", "paused", "resumed", "routine_stopped",
			"routine_started", "step_started", "step_started", "routine_finished"}
		if got := events.attributes("event_type"); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		for _, e := range h.entities() {
			if at, err := time.Parse(time.RFC3339, e.State); e.ID == "event.guided" && (err != nil || time.Since(at).Abs() > time.Minute) {
				t.Errorf("the event was at %s", e.State)
			}
		}
	})
	t.Run("a notification is said, with any characters", func(t *testing.T) {
		text := hostileTitle + "{{ x }}"
		h.callService("notify.send_message", "notify.guided_say", map[string]any{"message": text})
		waitFor(t, "the answer", func() bool { return messages.count("response", `"command":"say"`, `"status":"ok"`) == 1 })
		if asked, err := player.Parse([]byte(messages.last("command"))); err != nil || asked.Text != text {
			t.Errorf("asked for: %+v, %v", asked, err)
		}
	})
	t.Run("a routine that waits shows it, and goes on at the button", func(t *testing.T) {
		h.writeFile("mat/ready.toml", "title = \"Ready\"\n[[step]]\nname = \"Wait\"\nhold = \"until next\"\n[[step]]\nname = \"After\"\nhold = \"10m\"\n")
		h.waitFor("the new scene", func(all map[string]entity) bool { return all["scene.guided_ready"].State == "unknown" })
		h.callService("scene.turn_on", "scene.guided_ready", nil)
		d.waitForState(seen, "to wait", func(s player.State) bool { return s.State == player.Waiting && s.EndsAt == nil })
		h.waitFor("the wait", func(all map[string]entity) bool {
			return all["sensor.guided_state"].State == "waiting" && all["event.guided"].attribute("event_type") == "waiting"
		})
		press("next")
		h.waitFor("the next step", func(all map[string]entity) bool {
			return all["sensor.guided_state"].State == "playing" && all["sensor.guided_step"].State == "After"
		})
		press("stop")
		h.waitForState("sensor.guided_state", "idle")
	})
}
