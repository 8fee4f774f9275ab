//go:build homeassistant

package e2e

import (
	"strings"
	"testing"

	"guided/cli"
	"guided/player"
)

func TestHomeAssistantWithTwoDaemons(t *testing.T) {
	h := newHomeAssistant(t)
	mat := h.startDaemon("mat", "[homeassistant]\nname = \"Mat\"\n"+scheduleEntry("Lunch"))
	rug := h.startDaemon("rug", "[homeassistant]\nname = \"Rug\"\n"+scheduleEntry("Lunch"))
	seen := mat.observe()
	h.waitFor("both", func(all map[string]entity) bool {
		return all["sensor.mat_state"].State == "idle" && all["sensor.rug_state"].State == "idle"
	})
	if d := h.devices(); len(d) != 2 || d[0].ID == d[1].ID {
		t.Errorf("devices: %+v", d)
	}
	for _, e := range h.registeredEntities() {
		if strings.HasSuffix(e.Entity, "_2") {
			t.Errorf("%s has the suffix of a duplicate", e.Entity)
		}
	}

	t.Run("each is controlled by its own entities", func(t *testing.T) {
		h.callService("scene.turn_on", "scene.rug_long", nil)
		h.waitFor("the one to play", func(all map[string]entity) bool {
			return all["sensor.rug_state"].State == "playing" && all["sensor.mat_state"].State == "idle"
		})
		h.callService("scene.turn_on", "scene.mat_mine", nil)
		mat.waitForState(seen, "to play its own", func(s player.State) bool { return s.Routine == "mine" })
		h.waitFor("both to play", func(all map[string]entity) bool {
			return all["sensor.rug_state"].Attributes["routine"] == "long" && all["sensor.mat_state"].Attributes["routine"] == "mine"
		})
	})
	t.Run("each has a schedule of its own", func(t *testing.T) {
		for _, id := range []string{"switch.rug_schedule_lunch", "switch.mat_schedule_lunch"} {
			h.waitForState(id, "on")
		}
		h.callService("switch.turn_off", "switch.rug_schedule_lunch", nil)
		h.waitForState("switch.rug_schedule_lunch", "off")
		h.callService("switch.turn_off", "switch.mat_schedule", nil)
		h.waitForState("switch.mat_schedule", "off")
		if all := h.entities(); all["switch.mat_schedule_lunch"].State != "on" || all["switch.rug_schedule"].State != "on" {
			t.Errorf("it shows\n%s", guidedStates(all))
		}
	})
	t.Run("one stops, the other stays available", func(t *testing.T) {
		rug.stop()
		h.waitFor("one", func(all map[string]entity) bool {
			return all["sensor.rug_state"].State == "unavailable" && all["sensor.mat_state"].State == "playing"
		})
	})
	t.Run("one is purged, the other's topics stay", func(t *testing.T) {
		if code, out := rug.run("ha", "purge"); code != cli.Done {
			t.Fatalf("%d: %s", code, out)
		}
		h.waitFor("one device", func(all map[string]entity) bool {
			_, there := all["sensor.rug_state"]
			return !there && all["sensor.mat_state"].State == "playing"
		})
		for _, topic := range retainedTopics(t, h.brokerPort) {
			if strings.Contains(topic, "rug") {
				t.Errorf("the broker still keeps %s", topic)
			}
		}
	})
}

func TestHomeAssistantAfterPurge(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "")
	h.waitForState("sensor.guided_state", "idle")

	t.Run("purge is refused while the daemon runs", func(t *testing.T) {
		if code, out := d.run("ha", "purge"); code != cli.Failed || !strings.Contains(out, "stop") {
			t.Errorf("%d: %s", code, out)
		}
		h.waitForState("sensor.guided_state", "idle")
	})
	t.Run("purge removes everything after the daemon has stopped", func(t *testing.T) {
		d.stop()
		h.waitForState("sensor.guided_state", "unavailable")
		if code, out := d.run("ha", "purge"); code != cli.Done || !strings.Contains(out, "guided/mat/state") {
			t.Errorf("%d: %s", code, out)
		}
		h.waitFor("nothing of ours", func(all map[string]entity) bool { return guidedStates(all) == "" })
		if d := h.devices(); len(d) > 0 {
			t.Errorf("devices: %+v", d)
		}
		if topics := retainedTopics(t, h.brokerPort); len(topics) > 0 {
			t.Errorf("the broker still keeps %v", topics)
		}
	})
	t.Run("the daemon can be started again", func(t *testing.T) {
		d.start()
		h.waitForState("sensor.guided_state", "idle")
	})
}
