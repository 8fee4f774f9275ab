//go:build homeassistant

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/player"
)

// scheduleEntry is an entry of the schedule with this name, which is due in 40 minutes.
func scheduleEntry(name string) string {
	return fmt.Sprintf("[[schedule]]\nname = '''%s'''\nroutine = \"short\"\nat = %q\nnight = true\n", name, time.Now().Add(40*time.Minute).Format("15:04"))
}

func TestHomeAssistantShowsTheSchedule(t *testing.T) {
	h := newHomeAssistant(t)
	d := h.startDaemon("mat", scheduleEntry("Lunch")+scheduleEntry(`It's {{ 1 }}`)+scheduleEntry("夜"))
	seen, messages := d.observe(), h.subscribe("guided/mat/response")
	h.waitForState("switch.guided_schedule_lunch", "on")
	h.waitForState("sensor.guided_state", "idle")
	all := h.entities()
	for _, w := range []expectedEntity{
		{"switch.guided_schedule", "Guided Schedule", "on", "mdi:calendar-clock", "", ""},
		{"switch.guided_schedule_lunch", "Guided Schedule Lunch", "on", "mdi:calendar-clock", "", ""},
		{"switch.guided_schedule_it_s_1", "Guided Schedule It's {{ 1 }}", "on", "mdi:calendar-clock", "", ""},
		{"switch.guided_schedule_entry", "Guided Schedule 夜", "on", "mdi:calendar-clock", "", ""},
		{"button.guided_skip_run", "Guided Skip next run", "unknown", "mdi:calendar-remove", "", ""},
		{"button.guided_snooze", "Guided Snooze", "unknown", "mdi:alarm-snooze", "", ""},
		{"sensor.guided_next_run", "Guided Next run", all["sensor.guided_next_run"].State, "", "timestamp", ""},
	} {
		e := all[w.id]
		got := expectedEntity{e.ID, e.attribute("friendly_name"), e.State, e.attribute("icon"), e.attribute("device_class"), e.attribute("unit_of_measurement")}
		if got != w {
			t.Errorf("got  %+v\nwant %+v", got, w)
		}
	}
	showsNextRun := func() { // where the clock of this machine is not trusted there is none
		t.Helper()
		h.waitFor("the next run", func(all map[string]entity) bool {
			at, err := time.Parse(time.RFC3339, all["sensor.guided_next_run"].State)
			next := seen.lastState().NextRun
			return err == nil && next != nil && at.Equal(next.Truncate(time.Second)) || next == nil && all["sensor.guided_next_run"].State == "unknown"
		})
	}
	showsNextRun()

	t.Run("the buttons skip and put off the next run", func(t *testing.T) {
		h.callService("button.press", "button.guided_snooze", nil)
		waitFor(t, "the answer", func() bool {
			return messages.count("response", `"command":"snooze"`, `"status":"ok"`, "Lunch comes at ") == 1
		})
		showsNextRun()
		h.callService("button.press", "button.guided_skip_run", nil)
		waitFor(t, "the answer", func() bool {
			return messages.count("response", `"command":"skip_run"`, `"status":"ok"`, "skipped: It's {{ 1 }}") == 1
		})
		showsNextRun()
	})
	t.Run("the switches switch the whole and each entry", func(t *testing.T) {
		for _, id := range []string{"switch.guided_schedule_lunch", "switch.guided_schedule_it_s_1", "switch.guided_schedule_entry", "switch.guided_schedule"} {
			h.callService("switch.turn_off", id, nil)
			h.waitForState(id, "off")
		}
		d.waitForState(seen, "to have all of it off", func(s player.State) bool { return s.Schedule == "off" && len(s.EntriesOff) == 3 && s.NextRun == nil })
		showsNextRun()
		h.callService("switch.turn_on", "switch.guided_schedule_it_s_1", nil)
		h.waitForState("switch.guided_schedule_it_s_1", "on")
		h.waitForState("switch.guided_schedule_lunch", "off")
	})
	t.Run("what is off stays off after a restart of Home Assistant and the daemon", func(t *testing.T) {
		holidays := h.docsAutomation("input_boolean.holiday")
		h.writeFile("hass/packages/holidays.yaml", "input_boolean: {holiday: {name: Holiday}}\n"+strings.ReplaceAll(holidays, "guided_schedule_morning", "guided_schedule_it_s_1"))
		h.core.stop()
		d.stop()
		h.startCore()
		d.start()
		for id, state := range map[string]string{"switch.guided_schedule": "off", "switch.guided_schedule_lunch": "off", "switch.guided_schedule_it_s_1": "on"} {
			h.waitForState(id, state)
		}
	})
	t.Run("the automation of the documents switches an entry", func(t *testing.T) {
		h.waitForState("automation.no_routine_by_itself_on_holidays", "on")
		h.waitForState("input_boolean.holiday", "off")
		h.callService("input_boolean.turn_on", "input_boolean.holiday", nil)
		h.waitForState("switch.guided_schedule_it_s_1", "off")
		h.callService("input_boolean.turn_off", "input_boolean.holiday", nil)
		h.waitForState("switch.guided_schedule_it_s_1", "on")
	})
}

// docsAutomation is the automation of home-assistant.md with this text, as a package.
func (h *homeAssistant) docsAutomation(text string) string {
	h.t.Helper()
	for _, example := range codeBlocks(h.t, "home-assistant.md", "yaml") {
		if strings.Contains(example.text, text) {
			return "automation:\n  " + strings.ReplaceAll(example.text, "\n", "\n  ")
		}
	}
	h.t.Fatalf("no example has %s", text)
	return ""
}

// switches lists the switches of the schedule with their names, as they are registered.
func (h *homeAssistant) switches() map[string]string {
	h.t.Helper()
	all := map[string]string{}
	for _, e := range h.registeredEntities() {
		if strings.HasPrefix(e.Entity, "switch.") {
			all[e.Entity] = e.Shown
		}
	}
	return all
}

func TestHomeAssistantFollowsTheSchedule(t *testing.T) {
	h := newHomeAssistant(t)
	long := strings.Repeat("long ", 11) + "long"
	d := h.startDaemon("mat", scheduleEntry("Lunch")+scheduleEntry("夜")+scheduleEntry(long))
	h.waitForState("switch.guided_schedule_lunch", "on")
	// follows restarts the daemon with other entries, and waits for the switches that are registered then.
	follows := func(entries []string, want map[string]string) {
		t.Helper()
		d.stop()
		d.writeSettings("mat", strings.Join(entries, ""))
		d.start()
		if len(entries) > 0 {
			want["switch.guided_schedule"] = "Schedule"
		}
		var got map[string]string
		end := time.Now().Add(deadline)
		for got = h.switches(); fmt.Sprint(got) != fmt.Sprint(want) && time.Now().Before(end); got = h.switches() {
			<-time.After(100 * time.Millisecond)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
		for id := range want {
			h.waitForState(id, "on")
		}
	}
	longID := "switch.guided_schedule_" + strings.ReplaceAll(long, " ", "_")
	t.Run("an entry is renamed: its switch is another", func(t *testing.T) {
		follows([]string{scheduleEntry("Dinner"), scheduleEntry("夜"), scheduleEntry(long)}, map[string]string{
			"switch.guided_schedule_dinner": "Schedule Dinner", "switch.guided_schedule_entry": "Schedule 夜", longID: "Schedule " + long,
		})
	})
	t.Run("its name is written in another way: the same switch, which follows", func(t *testing.T) {
		follows([]string{scheduleEntry("DINNER!"), scheduleEntry("夜"), scheduleEntry(long)}, map[string]string{
			"switch.guided_schedule_dinner": "Schedule DINNER!", "switch.guided_schedule_entry": "Schedule 夜", longID: "Schedule " + long,
		})
	})
	t.Run("another entry whose name gives the same entity id takes the place of one", func(t *testing.T) {
		follows([]string{scheduleEntry("DINNER!"), scheduleEntry("昼")}, map[string]string{
			"switch.guided_schedule_dinner": "Schedule DINNER!", "switch.guided_schedule_entry": "Schedule 昼",
		})
	})
	t.Run("an entry is removed while Home Assistant is down", func(t *testing.T) {
		h.core.stop()
		d.stop()
		d.writeSettings("mat", scheduleEntry("昼"))
		d.start()
		h.startCore()
		follows([]string{scheduleEntry("昼")}, map[string]string{"switch.guided_schedule_entry": "Schedule 昼"})
	})
	t.Run("two entries without a name of one routine at one time", func(t *testing.T) {
		nameless := strings.Replace(scheduleEntry(""), "name = ''''''\n", "", 1)
		at := time.Now().Add(40 * time.Minute).Format("15:04")
		slug := "switch.guided_schedule_short_" + strings.Replace(at, ":", "_", 1)
		follows([]string{nameless, nameless}, map[string]string{slug: "Schedule short " + at, slug + "_2": "Schedule short " + at + " (2)"})
	})
	t.Run("the last one is removed: nothing of the schedule is left", func(t *testing.T) {
		follows(nil, map[string]string{})
		for _, e := range h.registeredEntities() {
			if slices.Contains([]string{"sensor.guided_next_run", "button.guided_snooze", "button.guided_skip_run"}, e.Entity) {
				t.Errorf("%s is still registered", e.Entity)
			}
		}
	})
}
