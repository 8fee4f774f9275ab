//go:build homeassistant

package e2e

import (
	"maps"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// turn takes a part of the house away, and brings it back.
type turn struct{ stop, start func() }

func (h *house) theBroker() turn { return turn{h.stopBroker, h.startBroker} }
func (h *house) itself() turn    { return turn{func() { h.hass.stop() }, h.startHass} }
func (h *house) theForgetful() turn {
	return turn{func() { h.stopBroker(); h.wipeBroker() }, h.startBroker}
}
func (l *lodger) theDaemon() turn    { return turn{l.stop, l.start} }
func (l *lodger) theDaemonCut() turn { return turn{func() { l.process.kill() }, l.start} }

func TestHomeAssistantOutlivesOneRestart(t *testing.T) {
	h := newHouse(t)
	l := h.daemon("mat", "")
	h.restart(l, map[string][]turn{
		"the broker is restarted":             {h.theBroker()},
		"the broker is restarted and forgets": {h.theForgetful()},
		"Home Assistant is restarted":         {h.itself()},
		"the daemon is restarted":             {l.theDaemon()},
		"the daemon has no time to say so":    {l.theDaemonCut()},
	})
}

func TestHomeAssistantOutlivesThatAllAreRestarted(t *testing.T) {
	h := newHouse(t)
	l := h.daemon("mat", "")
	h.restart(l, map[string][]turn{
		"broker, daemon, Home Assistant":                {h.theBroker(), l.theDaemon(), h.itself()},
		"daemon, a broker that forgets, Home Assistant": {l.theDaemon(), h.theForgetful(), h.itself()},
		"broker, Home Assistant, daemon":                {h.theBroker(), h.itself(), l.theDaemon()},
	})
}

func TestHomeAssistantOutlivesThatTheBrokerComesLate(t *testing.T) {
	h := newHouse(t)
	l := h.daemon("mat", "")
	h.restart(l, map[string][]turn{
		"Home Assistant, daemon, broker":                {h.itself(), l.theDaemon(), h.theBroker()},
		"Home Assistant, a broker that forgets, daemon": {h.itself(), h.theForgetful(), l.theDaemon()},
		"daemon, Home Assistant, a broker that forgets": {l.theDaemon(), h.itself(), h.theForgetful()},
	})
}

// restart takes parts away in an order, brings them back in it, and looks whether all is as it was.
func (h *house) restart(l *lodger, situations map[string][]turn) {
	h.t.Helper()
	f, ear := l.follow(), h.hear("homeassistant/status", "homeassistant/device/+/config")
	h.isWhole(h.t, f)
	before := h.registered()
	for situation, turns := range situations {
		h.t.Run(situation, func(t *testing.T) {
			began, births, configs := time.Now(), ear.heard("status", "online"), ear.heard("config")
			for _, p := range turns {
				p.stop()
			}
			for _, p := range turns {
				p.start()
			}
			back := time.Now()
			h.isWhole(t, f)
			t.Logf("away for %.1f s, right again %.1f s later", back.Sub(began).Seconds(), time.Since(back).Seconds())
			if strings.Contains(situation, "roker") || strings.Contains(situation, "Home") {
				// What the daemon sends after the birth must not disturb, nor come late.
				waitFor(t, unhurried, "Home Assistant's birth", func() bool { return ear.heard("status", "online") > births })
				waitFor(t, unhurried, "the daemon's answer to it", func() bool { return ear.heard("config") > configs })
				h.isWhole(t, f)
			}
		})
	}
	if all, whole := ear.heard("config"), ear.heard("config", "scene.guided_morning"); all != whole {
		h.t.Errorf("%d of %d announcements lacked the scenes, as if the routines had been removed", all-whole, all)
	}
	if after := h.registered(); !maps.Equal(ids(before), ids(after)) {
		h.t.Errorf("after all that there are the entities\n%v\nbefore\n%v", ids(after), ids(before))
	}
}

func ids(list []thing) map[string]string {
	all := map[string]string{}
	for _, e := range list {
		all[e.UniqueID] = e.Entity
	}
	return all
}

// isWhole waits for a minute at most until everything is available, and Home Assistant and the daemon obey and tell.
func (h *house) isWhole(t *testing.T, f *follower) {
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
			t.Fatalf("after a minute these are missing or unavailable: %v; it shows\n%s", missing, ours(all))
		}
	}
	obeys := func(what, service, id string, ok func(player.State, map[string]entity) bool) {
		t.Helper()
		h.act(service, id, nil)
		waitFor(t, unhurried, what, func() bool { return ok(f.last(), h.entities()) })
	}
	obeys("the scene to start it", "scene.turn_on", "scene.guided_long", func(s player.State, all map[string]entity) bool {
		return s.State == player.Playing && all["sensor.guided_state"].State == "playing" && all["sensor.guided_step"].State == "First"
	})
	obeys("the button to stop it", "button.press", "button.guided_stop", func(s player.State, all map[string]entity) bool {
		return s.State == player.Idle && all["sensor.guided_state"].State == "idle" && all["event.guided"].text("event_type") == "routine_stopped"
	})
}
