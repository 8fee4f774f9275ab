package homeassistant

import (
	"fmt"
	"maps"
	"strings"

	"guided/player"
)

// entities collects the components of a device. Every template names only keys that a state always has.
type entities struct {
	identifier string // of the device
	topic      string // below which the daemon's topics lie
	device     string // the device's name
	slug       string // the slug of that
	all        map[string]component
}

// add adds a component. Its unique id is made of the device's identifier and its key, so that names may change. entity
// is the proposed object id after that of the device.
func (e *entities) add(key, platform, entity, name, icon string, more ...component) {
	if strings.EqualFold(name, e.device) { // Home Assistant would show it twice
		name += " control"
	}
	c := component{
		"p": platform, "uniq_id": e.identifier + "_" + key, "name": name,
		"def_ent_id": platform + "." + strings.TrimSuffix(e.slug+"_"+entity, "_"),
	}
	if icon != "" {
		c["ic"] = "mdi:" + icon
	}
	for _, m := range more {
		maps.Copy(c, m)
	}
	e.all[key] = c
}

// stateKeys are the keys of a component that shows an expression over value_json, the daemon's state.
func (e *entities) stateKeys(expression string) component {
	return component{"stat_t": e.topic + "/state", "val_tpl": "{{ " + expression + " }}", "qos": 1}
}

// commandKeys are the keys of a component that gives commands. The broker discards one that the daemon did not receive
// within the seconds: a button pressed while it was off must not start anything later.
func (e *entities) commandKeys(expirySeconds int) component {
	return component{"cmd_t": e.topic + "/command", "qos": 1, "message_expiry_interval": expirySeconds}
}

// addRoutineSelect adds the select of the routine. It shows titles; commands and states have names.
func (e *entities) addRoutineSelect(all []label) {
	titles := make([]string, len(all))
	for i, l := range all {
		titles[i] = l.title
	}
	titleOf := dictionary(all, func(l label) (string, string) { return l.name, l.title })
	nameOf := dictionary(all, func(l label) (string, string) { return l.title, l.name })
	e.add("routine", "select", "routine", "Routine", "yoga", e.commandKeys(30),
		e.stateKeys(titleOf+".get(value_json.selected, None)"),
		component{
			"ops":     titles,
			"cmd_tpl": `{"command":"select","routine":{{ ` + nameOf + `.get(value, value) | tojson }}}`,
		})
}

func (e *entities) addButtons() {
	for _, b := range []struct {
		verb, key, name, icon string
		expirySeconds         int
	}{
		{"start", "start", "Start", "play", 30},
		{"toggle", "pause", "Pause or resume", "play-pause", 10},
		{"next", "next", "Next step", "skip-next", 10},
		{"back", "back", "Previous step", "skip-previous", 10},
		{"repeat", "repeat", "Repeat step", "repeat", 10},
		{"stop", "stop", "Stop", "stop", 10},
	} {
		e.add(b.key, "button", b.key, b.name, b.icon, e.commandKeys(b.expirySeconds), component{"pl_prs": b.verb})
	}
	// It is there to be pressed while a lost session is offered only. An availability of its own takes the place of the
	// device's.
	e.add("resume", "button", "resume", "Resume lost session", "backup-restore", e.commandKeys(10), component{
		"pl_prs": "resume", "avty_mode": "all",
		"avty": []component{
			{"topic": e.topic + "/status"},
			{"topic": e.topic + "/state", "value_template": "{{ 'online' if value_json.resume_offer else 'offline' }}"},
		},
	})
}

func (e *entities) addSensors() {
	e.add("state", "sensor", "state", "State", "meditation", e.stateKeys("value_json.state"), component{
		"dev_cla": "enum", "ops": statuses(),
		"json_attr_t": e.topic + "/state", "json_attr_tpl": attributes(),
	})
	e.add("step", "sensor", "step", "Step", "format-list-numbered",
		e.stateKeys(fmt.Sprintf("value_json.step[:%d] or None", maxStateLength)))
	e.add("ends", "sensor", "ends_at", "Ends at", "", e.stateKeys("value_json.ends_at"), component{"dev_cla": "timestamp"})
	e.add("remaining", "sensor", "remaining", "Remaining", "timer-sand", e.stateKeys("value_json.remaining_s"),
		component{"dev_cla": "duration", "unit_of_meas": "s", "sug_dsp_prc": 0})
	e.add("progress", "sensor", "progress", "Progress", "progress-clock", e.stateKeys("value_json.progress"),
		component{"unit_of_meas": "%"})
	e.add("playing", "binary_sensor", "playing", "Playing", "",
		e.stateKeys("'ON' if value_json.state == 'playing' else 'OFF'"), component{"dev_cla": "running"})
	e.add("problem", "binary_sensor", "problem", "Audio problem", "",
		e.stateKeys("'ON' if value_json.error else 'OFF'"), component{"dev_cla": "problem", "ent_cat": "diagnostic"})
}

// addHistory adds the sensors of what was done. Their templates name only keys that a history always has. The sums only grow,
// but for those of today, which begin anew each day, and when the history is deleted: Home Assistant makes statistics of them.
func (e *entities) addHistory() {
	add := func(key, entity, name, icon, expression string, more component) {
		e.add(key, "sensor", entity, name, icon, component{"stat_t": e.topic + "/history", "val_tpl": "{{ " + expression + " }}", "qos": 1}, more)
	}
	minutes := component{"dev_cla": "duration", "unit_of_meas": "min", "stat_cla": "total_increasing", "sug_dsp_prc": 0}
	add("minutes_today", "minutes_today", "Minutes today", "timer-check-outline", "value_json.today_min", minutes)
	add("minutes_total", "minutes_total", "Minutes in all", "timer-star-outline", "value_json.total_min", minutes)
	add("sessions", "sessions", "Sessions", "counter", "value_json.sessions", component{"stat_cla": "total_increasing"})
	add("streak", "streak", "Days without a gap", "calendar-check", "value_json.streak_days", component{"unit_of_meas": "d", "stat_cla": "measurement"})
	add("last_session", "last_session", "Last session", "", "value_json.last.ended if value_json.last else None", component{
		"dev_cla": "timestamp", "json_attr_t": e.topic + "/history",
		"json_attr_tpl": "{{ (value_json.last or {}) | tojson }}",
	})
}

func (e *entities) addVolume() {
	e.add("volume", "number", "volume", "Volume", "volume-high", e.commandKeys(30), e.stateKeys("value_json.volume"), component{
		"cmd_tpl": "volume {{ value | int }}",
		"min":     0, "max": 100, "step": 1, "mode": "slider", "unit_of_meas": "%",
	})
}

func (e *entities) addEvents() {
	e.add("events", "event", "", "Event", "bell-outline", component{"stat_t": e.topic + "/event", "qos": 1, "evt_typ": eventTypes()})
}

// addSay adds the entity through which Home Assistant has a text spoken.
func (e *entities) addSay() {
	e.add("say", "notify", "say", "Say", "bullhorn", e.commandKeys(15),
		component{"cmd_tpl": `{"command":"say","text":{{ value | tojson }}}`})
}

// addScenes adds a scene for each routine, which starts it, by voice too.
func (e *entities) addScenes(all []label) {
	for _, l := range all {
		start, _ := EncodeJSON(map[string]string{"command": "start", "routine": l.name}) // strings cannot fail
		e.add(l.key, "scene", strings.ReplaceAll(strings.TrimPrefix(l.key, "r_"), "-", "_"), l.title, "yoga",
			e.commandKeys(30), component{"pl_on": string(start)})
	}
}

// addSchedule adds what the schedule needs, where there is one: a switch for the whole and one for each entry, the next run,
// and buttons for it.
func (e *entities) addSchedule(entries []player.ScheduleEntry) {
	if len(entries) == 0 {
		return
	}
	e.addSwitch("schedule", "schedule", "Schedule", `'ON' if value_json.schedule == 'on' else 'OFF'`, map[string]string{})
	keys := map[string]bool{}
	for _, entry := range entries {
		key := "s_" + entryKey(entry.Name)
		for keys[key] {
			key += "_"
		}
		keys[key] = true
		e.addSwitch(key, "schedule_"+slug(entry.Name, "entry"), "Schedule "+singleLine(entry.Name),
			`'OFF' if `+templateString(entry.Name)+` in value_json.schedule_off else 'ON'`, map[string]string{"entry": entry.Name})
	}
	e.add("next_run", "sensor", "next_run", "Next run", "", e.stateKeys("value_json.next_run"), component{"dev_cla": "timestamp"})
	e.add("skip_run", "button", "skip_run", "Skip next run", "calendar-remove", e.commandKeys(10), component{"pl_prs": "skip_run"})
	e.add("snooze", "button", "snooze", "Snooze", "alarm-snooze", e.commandKeys(10), component{"pl_prs": "snooze"})
}

// addSwitch adds a switch of the schedule, or of what more names of it.
func (e *entities) addSwitch(key, entity, name, state string, more map[string]string) {
	command := func(to string) string {
		values := map[string]string{"command": "schedule", "switch": to}
		maps.Copy(values, more)
		b, _ := EncodeJSON(values) // strings cannot fail
		return string(b)
	}
	e.add(key, "switch", entity, name, "calendar-clock", e.commandKeys(30), e.stateKeys(state),
		component{"pl_on": command("on"), "pl_off": command("off"), "stat_on": "ON", "stat_off": "OFF"})
}

func statuses() []player.Status {
	return []player.Status{player.Idle, player.Preparing, player.Playing, player.Paused, player.Waiting, player.Problem}
}

// eventTypes are those of the player's events. Home Assistant refuses an event of another type.
func eventTypes() []string {
	return []string{"routine_started", "step_started", "waiting", "paused", "resumed", "routine_finished", "routine_stopped", "problem", "resume_offered", "schedule_due", "schedule_missed"}
}

// attributes is the template of the state sensor's attributes, which cards with a timer read. They hold neither the
// state itself nor anything that differs when the same state is published again.
func attributes() string {
	keys := []string{"routine", "title", "step", "step_number", "steps", "next_step", "side",
		"started_at", "ends_at", "step_ends_at", "position_s", "remaining_s", "error"}
	pairs := []string{`"duration_s":value_json.length_s`}
	for _, k := range keys {
		pairs = append(pairs, fmt.Sprintf("%q:value_json.%s", k, k))
	}
	return "{{ {" + strings.Join(pairs, ",") + "} | tojson }}"
}
