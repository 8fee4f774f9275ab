//go:build homeassistant

package e2e

import (
	"maps"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// restart takes a part of the house away, and brings it back.
type restart struct{ stop, start func() }

func (h *homeAssistant) brokerRestart() restart { return restart{h.stopBroker, h.startBroker} }
func (h *homeAssistant) coreRestart() restart   { return restart{func() { h.core.stop() }, h.startCore} }
func (h *homeAssistant) brokerWipe() restart {
	return restart{func() { h.stopBroker(); h.wipeBroker() }, h.startBroker}
}
func (l *daemonProcess) daemonRestart() restart { return restart{l.stop, l.start} }
func (l *daemonProcess) daemonKill() restart    { return restart{func() { l.process.kill() }, l.start} }

func TestHomeAssistantAfterOneRestart(t *testing.T) {
	h := newHomeAssistant(t)
	l := h.startDaemon("mat", "")
	h.testRestarts(l, map[string][]restart{
		"the broker is restarted":             {h.brokerRestart()},
		"the broker is restarted and forgets": {h.brokerWipe()},
		"Home Assistant is restarted":         {h.coreRestart()},
		"the daemon is restarted":             {l.daemonRestart()},
		"the daemon has no time to say so":    {l.daemonKill()},
	})
}

func TestHomeAssistantAfterRestartOfAll(t *testing.T) {
	h := newHomeAssistant(t)
	l := h.startDaemon("mat", "")
	h.testRestarts(l, map[string][]restart{
		"broker, daemon, Home Assistant":                {h.brokerRestart(), l.daemonRestart(), h.coreRestart()},
		"daemon, a broker that forgets, Home Assistant": {l.daemonRestart(), h.brokerWipe(), h.coreRestart()},
		"broker, Home Assistant, daemon":                {h.brokerRestart(), h.coreRestart(), l.daemonRestart()},
	})
}

func TestHomeAssistantWithBrokerLast(t *testing.T) {
	h := newHomeAssistant(t)
	l := h.startDaemon("mat", "")
	h.testRestarts(l, map[string][]restart{
		"Home Assistant, daemon, broker":                {h.coreRestart(), l.daemonRestart(), h.brokerRestart()},
		"Home Assistant, a broker that forgets, daemon": {h.coreRestart(), h.brokerWipe(), l.daemonRestart()},
		"daemon, Home Assistant, a broker that forgets": {l.daemonRestart(), h.coreRestart(), h.brokerWipe()},
	})
}

// testRestarts takes parts away in an order, brings them back in it, and looks whether all is as it was.
func (h *homeAssistant) testRestarts(l *daemonProcess, situations map[string][]restart) {
	h.t.Helper()
	f, ear := l.observe(), h.subscribe("homeassistant/status", "homeassistant/device/+/config")
	h.checkEverythingWorks(h.t, f)
	before := h.registeredEntities()
	for situation, turns := range situations {
		h.t.Run(situation, func(t *testing.T) {
			began, births, configs := time.Now(), ear.count("status", "online"), ear.count("config")
			for _, p := range turns {
				p.stop()
			}
			for _, p := range turns {
				p.start()
			}
			back := time.Now()
			h.checkEverythingWorks(t, f)
			t.Logf("away for %.1f s, right again %.1f s later", back.Sub(began).Seconds(), time.Since(back).Seconds())
			if strings.Contains(situation, "roker") || strings.Contains(situation, "Home") {
				// What the daemon sends after the birth must not disturb, nor come late.
				waitFor(t, unhurried, "Home Assistant's birth", func() bool { return ear.count("status", "online") > births })
				waitFor(t, unhurried, "the daemon's answer to it", func() bool { return ear.count("config") > configs })
				h.checkEverythingWorks(t, f)
			}
		})
	}
	if all, whole := ear.count("config"), ear.count("config", "scene.guided_morning"); all != whole {
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

// checkEverythingWorks waits for a minute at most until everything is available, and Home Assistant and the daemon obey and tell.
func (h *homeAssistant) checkEverythingWorks(t *testing.T, f *observer) {
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
			if strings.Contains(id, ".guided") && e.State == "unavailable" {
				missing = append(missing, id)
			}
		}
		return len(missing) == 0 && all["sensor.guided_state"].State == "idle" && all["number.guided_volume"].State == "60"
	}
	for end := time.Now().Add(time.Minute); !whole(); <-time.After(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after a minute these are missing or unavailable: %v; it shows\n%s", missing, guidedStates(all))
		}
	}
	obeys := func(what, service, id string, ok func(player.State, map[string]entity) bool) {
		t.Helper()
		h.callService(service, id, nil)
		waitFor(t, unhurried, what, func() bool { return ok(f.lastState(), h.entities()) })
	}
	obeys("the scene to start it", "scene.turn_on", "scene.guided_long", func(s player.State, all map[string]entity) bool {
		return s.State == player.Playing && all["sensor.guided_state"].State == "playing" && all["sensor.guided_step"].State == "First"
	})
	obeys("the button to stop it", "button.press", "button.guided_stop", func(s player.State, all map[string]entity) bool {
		return s.State == player.Idle && all["sensor.guided_state"].State == "idle" && all["event.guided"].attribute("event_type") == "routine_stopped"
	})
}
