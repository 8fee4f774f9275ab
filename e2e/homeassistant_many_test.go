//go:build homeassistant

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"guided/player"
)

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
