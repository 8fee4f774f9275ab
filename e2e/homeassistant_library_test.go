//go:build homeassistant

package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guided/player"
)

// hostileTitle has characters that break templates and quoting.
const hostileTitle = `It's "me" \ 50 % #1, Ünder`

func TestHomeAssistantFollowsLibraryChanges(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "")
	h.waitFor("the scenes", func(all map[string]entity) bool { return offersRoutine(all, "Short", "scene.guided_short") })
	before := entitiesByUniqueID(h.registeredEntities())

	t.Run("a new routine can be chosen, and has a scene", func(t *testing.T) {
		h.writeFile("mat/fresh.toml", strings.Replace(shortRoutine, `"Short"`, `'''`+hostileTitle+`'''`, 1))
		h.waitFor("it", func(all map[string]entity) bool { return offersRoutine(all, hostileTitle, "scene.guided_fresh") })
		seen := d.observe()
		h.callService("select.select_option", "select.guided_routine", map[string]any{"option": hostileTitle})
		waitFor(t, "the choice", func() bool { return seen.lastState().Selected == "fresh" })
		h.waitForState("select.guided_routine", hostileTitle)
	})
	t.Run("a routine removed is gone", func(t *testing.T) {
		d.removeRoutine("fresh")
		h.waitForRoutineGone(hostileTitle, "scene.guided_fresh")
	})
	t.Run("a routine removed while Home Assistant is down is gone when it comes back", func(t *testing.T) {
		messages := h.subscribe("homeassistant/device/+/config")
		h.core.stop()
		d.removeRoutine("short")
		waitFor(t, "the daemon to tell", func() bool { return messages.count("config") > 0 })
		h.startCore()
		h.waitForRoutineGone("Short", "scene.guided_short")
	})
	t.Run("a routine removed while the daemon is down is gone when it comes back", func(t *testing.T) {
		d.stop()
		d.removeRoutine("mine")
		d.start()
		h.waitForRoutineGone("My own evening", "scene.guided_mine")
	})
	t.Run("nothing else has changed", func(t *testing.T) {
		after := entitiesByUniqueID(h.registeredEntities())
		maps.DeleteFunc(before, func(_, id string) bool { return id == "scene.guided_short" || id == "scene.guided_mine" })
		if !maps.Equal(before, after) {
			t.Errorf("got  %v\nwant %v", after, before)
		}
	})
}

func TestHomeAssistantAfterRenamingDaemon(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", "")
	h.waitForState("sensor.guided_state", "idle")
	before := entitiesByUniqueID(h.registeredEntities())
	// renamed restarts the daemon with other settings and checks that its entities are the same as before.
	renamed := func(node, settings string, want func(map[string]entity) bool) {
		t.Helper()
		d.stop()
		d.writeSettings(node, settings)
		d.start()
		h.waitFor("the same entities", want)
		if after := entitiesByUniqueID(h.registeredEntities()); !maps.Equal(before, after) || len(h.devices()) != 1 {
			t.Errorf("devices %v, entities\n%v\nwant\n%v", h.devices(), after, before)
		}
	}
	named := func(name string) func(map[string]entity) bool {
		return func(all map[string]entity) bool {
			return all["sensor.guided_state"].State == "idle" && all["sensor.guided_state"].attribute("friendly_name") == name
		}
	}
	t.Run("another device name", func(t *testing.T) {
		renamed("mat", "[homeassistant]\nname = \"Yoga room\"\n", named("Yoga room State"))
	})
	t.Run("another node: nothing of the old one is left", func(t *testing.T) {
		renamed("rug", "", named("Guided State"))
		h.waitForNoRetained(t, func(topic string) bool { return strings.Contains(topic, "/mat/") })
	})
	t.Run("discovery is turned off: the device goes, and its topic", func(t *testing.T) {
		d.stop()
		d.writeSettings("rug", "[homeassistant]\ndiscovery = false\n")
		d.start()
		h.waitFor("nothing of ours", func(all map[string]entity) bool { return guidedStates(all) == "" })
		h.waitForNoRetained(t, func(topic string) bool { return strings.HasPrefix(topic, "homeassistant/") })
	})
}

func (d *daemonProcess) removeRoutine(name string) {
	if err := os.Remove(filepath.Join(d.routinesDir, name+".toml")); err != nil {
		d.ha.t.Fatal(err)
	}
}

// offersRoutine reports whether a routine is an option of the select entity and has a scene.
func offersRoutine(all map[string]entity, title, scene string) bool {
	options, _ := all["select.guided_routine"].Attributes["options"].([]any)
	_, there := all[scene]
	return there && all[scene].State != "unavailable" && slices.Contains(options, any(title))
}

// waitForRoutineGone waits until a routine is no option any more and its scene is not registered.
func (h *homeAssistant) waitForRoutineGone(title, scene string) {
	h.t.Helper()
	h.waitFor(title+" to be gone", func(all map[string]entity) bool {
		options, has := all["select.guided_routine"].Attributes["options"].([]any)
		_, there := all[scene]
		return has && !there && !slices.Contains(options, any(title))
	})
	for _, e := range h.registeredEntities() {
		if e.Entity == scene {
			h.t.Errorf("%s is still registered", scene)
		}
	}
}

func TestHomeAssistantWithLargeLibrary(t *testing.T) {
	h := newHomeAssistant(t)
	for i := range 300 {
		h.writeFile(fmt.Sprintf("mat/many-%03d.toml", i), strings.Replace(shortRoutine, "Short", fmt.Sprintf("Number %d", i), 1))
	}
	for name, title := range map[string]string{
		"twin-a": "Twin", "twin-b": "twin", "device": "Guided", "nothing": "None", "hostile": hostileTitle, "wide": strings.Repeat("Über ", 80),
	} {
		h.writeFile("mat/"+name+".toml", strings.Replace(shortRoutine, `"Short"`, "'''"+title+"'''", 1))
	}
	d := h.startDaemon("mat", "")
	d.allowedWarning = "no scene for some routines"
	seen := d.observe()
	h.waitFor("every routine to choose from", func(all map[string]entity) bool {
		options, _ := all["select.guided_routine"].Attributes["options"].([]any)
		return len(options) > 300 && all["sensor.guided_state"].State == "idle"
	})

	for option, name := range map[string]string{
		"Number 299": "many-299", "Twin": "twin-a", "twin (twin-b)": "twin-b", "Guided routine": "device", "None routine": "nothing", hostileTitle: "hostile",
		strings.TrimSpace(strings.Repeat("Über ", 51)): "wide",
	} {
		t.Run("the choice of "+name, func(t *testing.T) {
			h.callService("select.select_option", "select.guided_routine", map[string]any{"option": option})
			d.waitForState(seen, "to have it selected", func(s player.State) bool { return s.Selected == name })
			h.waitForState("select.guided_routine", option)
		})
	}
	scenes := 0
	for id := range h.entities() {
		if strings.HasPrefix(id, "scene.guided_") {
			scenes++
		}
	}
	if scenes < 100 {
		t.Errorf("%d scenes", scenes)
	}
}
