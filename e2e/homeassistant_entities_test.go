//go:build homeassistant

package e2e

import (
	"encoding/json"
	"guided/cli"
	"slices"
	"strings"
	"testing"
)

// shown is how one entity of an idle daemon called Guided must look.
type shown struct{ id, name, state, icon, class, unit string }

func TestHomeAssistantShowsTheDaemon(t *testing.T) {
	h := newHouse(t)
	l := h.daemon("mat", "")
	h.shows("sensor.guided_state", "idle")
	all := h.entities()
	want := []shown{
		{"select.guided_routine", "Guided Routine", "unknown", "mdi:yoga", "", ""},
		{"button.guided_start", "Guided Start", "unknown", "mdi:play", "", ""},
		{"button.guided_pause", "Guided Pause or resume", "unknown", "mdi:play-pause", "", ""},
		{"button.guided_next", "Guided Next step", "unknown", "mdi:skip-next", "", ""},
		{"button.guided_back", "Guided Previous step", "unknown", "mdi:skip-previous", "", ""},
		{"button.guided_repeat", "Guided Repeat step", "unknown", "mdi:repeat", "", ""},
		{"button.guided_stop", "Guided Stop", "unknown", "mdi:stop", "", ""},
		{"sensor.guided_state", "Guided State", "idle", "mdi:meditation", "enum", ""},
		{"sensor.guided_step", "Guided Step", "unknown", "mdi:format-list-numbered", "", ""},
		{"sensor.guided_ends_at", "Guided Ends at", "unknown", "", "timestamp", ""},
		{"sensor.guided_remaining", "Guided Remaining", "0", "mdi:timer-sand", "duration", "s"},
		{"sensor.guided_progress", "Guided Progress", "0", "mdi:progress-clock", "", "%"},
		{"binary_sensor.guided_playing", "Guided Playing", "off", "", "running", ""},
		{"binary_sensor.guided_problem", "Guided Audio problem", "off", "", "problem", ""},
		{"number.guided_volume", "Guided Volume", "60", "mdi:volume-high", "", "%"},
		{"event.guided", "Guided Event", "unknown", "mdi:bell-outline", "", ""},
		{"notify.guided_say", "Guided Say", "unknown", "mdi:bullhorn", "", ""},
	}
	titles := l.titles()
	for name, title := range titles {
		want = append(want, shown{"scene.guided_" + strings.ReplaceAll(name, "-", "_"), "Guided " + title, "unknown", "mdi:yoga", "", ""})
	}
	for _, w := range want {
		e := all[w.id]
		got := shown{e.ID, e.text("friendly_name"), e.State, e.text("icon"), e.text("device_class"), e.text("unit_of_measurement")}
		if got != w {
			t.Errorf("got  %+v\nwant %+v", got, w)
		}
	}

	devices := h.devices()
	if len(devices) != 1 || devices[0].Name != "Guided" || devices[0].Manufacturer != "guided" || devices[0].Version == "" {
		t.Fatalf("devices: %+v", devices)
	}
	registered := h.registered()
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
		if v.text("min") != "0" || v.text("max") != "100" || v.text("step") != "1" || v.text("mode") != "slider" {
			t.Errorf("%v", v.Attributes)
		}
	})
	t.Run("it is unavailable while the daemon is away", func(t *testing.T) {
		l.stop()
		h.shows("sensor.guided_state", "unavailable")
		h.shows("scene.guided_morning", "unavailable")
	})
}

// titles are those of every routine, by its name, as `guided list` has them.
func (l *lodger) titles() map[string]string {
	l.h.t.Helper()
	code, out := l.guided("--json", "list")
	var list []cli.ListedRoutine
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != cli.Done || len(list) < 20 {
		l.h.t.Fatalf("%d: %v:\n%s", code, err, out)
	}
	titles := map[string]string{}
	for _, r := range list {
		titles[r.Name] = r.Title
	}
	return titles
}
