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

// hostile is a title that templates and quotes could trip over.
const hostile = `It's "me" \ 50 % #1, Ünder`

func TestHomeAssistantFollowsTheLibrary(t *testing.T) {
	h := newHouse(t)
	l := h.daemon("mat", "")
	h.comes("the scenes", func(all map[string]entity) bool { return offers(all, "Short", "scene.guided_short") })
	before := ids(h.registered())

	t.Run("a new routine can be chosen, and has a scene", func(t *testing.T) {
		h.write("mat/fresh.toml", strings.Replace(short, `"Short"`, `'''`+hostile+`'''`, 1))
		h.comes("it", func(all map[string]entity) bool { return offers(all, hostile, "scene.guided_fresh") })
		f := l.follow()
		h.act("select.select_option", "select.guided_routine", map[string]any{"option": hostile})
		waitFor(t, unhurried, "the choice", func() bool { return f.last().Selected == "fresh" })
		h.shows("select.guided_routine", hostile)
	})
	t.Run("a routine removed is gone", func(t *testing.T) {
		l.remove("fresh")
		h.lacks(hostile, "scene.guided_fresh")
	})
	t.Run("a routine removed while Home Assistant is down is gone when it comes back", func(t *testing.T) {
		ear := h.hear("homeassistant/device/+/config")
		h.hass.stop()
		l.remove("short")
		waitFor(t, unhurried, "the daemon to tell", func() bool { return ear.heard("config") > 0 })
		h.startHass()
		h.lacks("Short", "scene.guided_short")
	})
	t.Run("a routine removed while the daemon is down is gone when it comes back", func(t *testing.T) {
		l.stop()
		l.remove("mine")
		l.start()
		h.lacks("My own evening", "scene.guided_mine")
	})
	t.Run("nothing else has changed", func(t *testing.T) {
		after := ids(h.registered())
		maps.DeleteFunc(before, func(_, id string) bool { return id == "scene.guided_short" || id == "scene.guided_mine" })
		if !maps.Equal(before, after) {
			t.Errorf("got  %v\nwant %v", after, before)
		}
	})
}

func TestHomeAssistantKnowsTheDaemonByAnotherName(t *testing.T) {
	h := newHouse(t)
	l := h.daemon("mat", "")
	h.shows("sensor.guided_state", "idle")
	before := ids(h.registered())
	// renamed starts the daemon anew with other settings, and looks whether its entities are the same ones as before.
	renamed := func(node, settings string, want func(map[string]entity) bool) {
		t.Helper()
		l.stop()
		l.settle(node, settings)
		l.start()
		h.comes("the same entities", want)
		if after := ids(h.registered()); !maps.Equal(before, after) || len(h.devices()) != 1 {
			t.Errorf("devices %v, entities\n%v\nwant\n%v", h.devices(), after, before)
		}
	}
	named := func(name string) func(map[string]entity) bool {
		return func(all map[string]entity) bool {
			return all["sensor.guided_state"].State == "idle" && all["sensor.guided_state"].text("friendly_name") == name
		}
	}
	t.Run("the device has another name", func(t *testing.T) {
		renamed("mat", "[homeassistant]\nname = \"Yoga room\"\n", named("Yoga room State"))
	})
	t.Run("the node has another name: nothing of the old one is left", func(t *testing.T) {
		renamed("rug", "", named("Guided State"))
		h.forgets(t, func(topic string) bool { return strings.Contains(topic, "/mat/") })
	})
	t.Run("discovery is turned off: the device goes, and its topic", func(t *testing.T) {
		l.stop()
		l.settle("rug", "[homeassistant]\ndiscovery = false\n")
		l.start()
		h.comes("nothing of ours", func(all map[string]entity) bool { return ours(all) == "" })
		h.forgets(t, func(topic string) bool { return strings.HasPrefix(topic, "homeassistant/") })
	})
}

func (l *lodger) remove(name string) {
	if err := os.Remove(filepath.Join(l.dir, name+".toml")); err != nil {
		l.h.t.Fatal(err)
	}
}

// offers tells whether a routine can be chosen and has a scene.
func offers(all map[string]entity, title, scene string) bool {
	options, _ := all["select.guided_routine"].Attributes["options"].([]any)
	_, there := all[scene]
	return there && all[scene].State != "unavailable" && slices.Contains(options, any(title))
}

// lacks waits until a routine is gone from the choice, and its scene from the registry.
func (h *house) lacks(title, scene string) {
	h.t.Helper()
	h.comes(title+" to be gone", func(all map[string]entity) bool {
		options, has := all["select.guided_routine"].Attributes["options"].([]any)
		_, there := all[scene]
		return has && !there && !slices.Contains(options, any(title))
	})
	for _, e := range h.registered() {
		if e.Entity == scene {
			h.t.Errorf("%s is still registered", scene)
		}
	}
}

func TestHomeAssistantBearsALargeLibrary(t *testing.T) {
	h := newHouse(t)
	for i := range 300 {
		h.write(fmt.Sprintf("mat/many-%03d.toml", i), strings.Replace(short, "Short", fmt.Sprintf("Number %d", i), 1))
	}
	for name, title := range map[string]string{
		"twin-a": "Twin", "twin-b": "twin", "device": "Guided", "nothing": "None", "hostile": hostile, "wide": strings.Repeat("Über ", 80),
	} {
		h.write("mat/"+name+".toml", strings.Replace(short, `"Short"`, "'''"+title+"'''", 1))
	}
	l := h.daemon("mat", "")
	l.tells = "no scene for some routines"
	f := l.follow()
	h.comes("every routine to choose from", func(all map[string]entity) bool {
		options, _ := all["select.guided_routine"].Attributes["options"].([]any)
		return len(options) > 300 && all["sensor.guided_state"].State == "idle"
	})

	for option, name := range map[string]string{
		"Number 299": "many-299", "Twin": "twin-a", "twin (twin-b)": "twin-b", "Guided routine": "device", "None routine": "nothing", hostile: "hostile",
		strings.TrimSpace(strings.Repeat("Über ", 51)): "wide",
	} {
		t.Run("the choice of "+name, func(t *testing.T) {
			h.act("select.select_option", "select.guided_routine", map[string]any{"option": option})
			l.does(f, "to have it selected", func(s player.State) bool { return s.Selected == name })
			h.shows("select.guided_routine", option)
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
