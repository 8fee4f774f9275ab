//go:build homeassistant

package e2e

import (
	"maps"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// restart stops one of the processes, and starts it again.
type restart struct{ stop, start func() }

func (h *homeAssistant) brokerRestart() restart { return restart{h.stopBroker, h.startBroker} }
func (h *homeAssistant) coreRestart() restart   { return restart{func() { h.core.stop() }, h.startCore} }
func (h *homeAssistant) brokerWipe() restart {
	return restart{func() { h.stopBroker(); h.wipeBroker() }, h.startBroker}
}
func (d *daemonProcess) daemonRestart() restart { return restart{d.stop, d.start} }
func (d *daemonProcess) daemonKill() restart    { return restart{func() { d.process.kill() }, d.start} }

func TestHomeAssistantAfterOneRestart(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "")
	h.testRestarts(d, map[string][]restart{
		"the broker is restarted":             {h.brokerRestart()},
		"the broker is restarted and forgets": {h.brokerWipe()},
		"Home Assistant is restarted":         {h.coreRestart()},
		"the daemon is restarted":             {d.daemonRestart()},
		"the daemon is killed":                {d.daemonKill()},
	})
}

func TestHomeAssistantAfterRestartOfAll(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "")
	h.testRestarts(d, map[string][]restart{
		"broker, daemon, Home Assistant":                {h.brokerRestart(), d.daemonRestart(), h.coreRestart()},
		"daemon, a broker that forgets, Home Assistant": {d.daemonRestart(), h.brokerWipe(), h.coreRestart()},
		"broker, Home Assistant, daemon":                {h.brokerRestart(), h.coreRestart(), d.daemonRestart()},
	})
}

func TestHomeAssistantWithBrokerLast(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "")
	h.testRestarts(d, map[string][]restart{
		"Home Assistant, daemon, broker":                {h.coreRestart(), d.daemonRestart(), h.brokerRestart()},
		"Home Assistant, a broker that forgets, daemon": {h.coreRestart(), h.brokerWipe(), d.daemonRestart()},
		"daemon, Home Assistant, a broker that forgets": {d.daemonRestart(), h.coreRestart(), h.brokerWipe()},
	})
}

// testRestarts stops processes in the order of each situation, starts them in that order, and checks that everything works
// as before.
func (h *homeAssistant) testRestarts(d *daemonProcess, situations map[string][]restart) {
	h.t.Helper()
	seen, messages := d.observe(), h.subscribe("homeassistant/status", "homeassistant/device/+/config")
	h.checkEverythingWorks(h.t, seen)
	before := h.registeredEntities()
	for situation, turns := range situations {
		h.t.Run(situation, func(t *testing.T) {
			began, births, configs := time.Now(), messages.count("status", "online"), messages.count("config")
			for _, p := range turns {
				p.stop()
			}
			for _, p := range turns {
				p.start()
			}
			back := time.Now()
			h.checkEverythingWorks(t, seen)
			t.Logf("away for %.1f s, right again %.1f s later", back.Sub(began).Seconds(), time.Since(back).Seconds())
			if strings.Contains(situation, "roker") || strings.Contains(situation, "Home") {
				// Everything must still work after the daemon's response to Home Assistant's birth message.
				waitFor(t, "Home Assistant's birth", func() bool { return messages.count("status", "online") > births })
				waitFor(t, "the daemon's answer to it", func() bool { return messages.count("config") > configs })
				h.checkEverythingWorks(t, seen)
			}
		})
	}
	if all, whole := messages.count("config"), messages.count("config", "scene.guided_morning"); all != whole {
		h.t.Errorf("%d of %d announcements lacked the scenes, as if the routines had been removed", all-whole, all)
	}
	if after := h.registeredEntities(); !maps.Equal(entitiesByUniqueID(before), entitiesByUniqueID(after)) {
		h.t.Errorf("after all that there are the entities\n%v\nbefore\n%v", entitiesByUniqueID(after), entitiesByUniqueID(before))
	}
}

func entitiesByUniqueID(list []registryEntry) map[string]string {
	all := map[string]string{}
	for _, e := range list {
		all[e.UniqueID] = e.Entity
	}
	return all
}

// checkEverythingWorks waits until all entities are available, then starts and stops a routine through Home Assistant.
func (h *homeAssistant) checkEverythingWorks(t *testing.T, seen *observer) {
	t.Helper()
	var all map[string]entity
	var missing []string
	whole := func() bool {
		all, missing = h.entities(), nil
		for _, id := range []string{"select.guided_routine", "button.guided_start", "sensor.guided_state", "number.guided_volume",
			"event.guided", "notify.guided_say", "scene.guided_morning", "scene.guided_long"} {
			if _, there := all[id]; !there {
				missing = append(missing, id)
			}
		}
		for id, e := range all {
			if strings.Contains(id, ".guided") && e.State == "unavailable" && id != "button.guided_resume" { // nothing is offered
				missing = append(missing, id)
			}
		}
		return len(missing) == 0 && all["sensor.guided_state"].State == "idle" && all["number.guided_volume"].State == "60"
	}
	for end := time.Now().Add(deadline); !whole(); <-time.After(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("these are missing or unavailable: %v; it shows\n%s", missing, guidedStates(all))
		}
	}
	obeys := func(what, service, id string, ok func(player.State, map[string]entity) bool) {
		t.Helper()
		h.callService(service, id, nil)
		waitFor(t, what, func() bool { return ok(seen.lastState(), h.entities()) })
	}
	obeys("the scene to start it", "scene.turn_on", "scene.guided_long", func(s player.State, all map[string]entity) bool {
		return s.State == player.Playing && all["sensor.guided_state"].State == "playing" && all["sensor.guided_step"].State == "First"
	})
	obeys("the button to stop it", "button.press", "button.guided_stop", func(s player.State, all map[string]entity) bool {
		return s.State == player.Idle && all["sensor.guided_state"].State == "idle" && all["event.guided"].attribute("event_type") == "routine_stopped"
	})
}
