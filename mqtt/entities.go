package mqtt

import (
	"fmt"
	"maps"
	"strings"

	"guided/player"
)

// entities makes the components of our device. Every template names keys only that a state always has.
type entities struct {
	id     string // the device's
	place  place
	device string // its name
	all    map[string]component
}

// add makes a component. Its identity is the device's and its key; names may change.
func (e *entities) add(key, platform, entity, name, icon string, more ...component) {
	if strings.EqualFold(name, e.device) { // it would be shown twice
		name += " control"
	}
	c := component{
		"p": platform, "uniq_id": e.id + "_" + key, "name": name,
		"def_ent_id": platform + "." + strings.TrimSuffix(slug(e.device, "guided")+"_"+entity, "_"),
	}
	if icon != "" {
		c["ic"] = "mdi:" + icon
	}
	for _, m := range more {
		maps.Copy(c, m)
	}
	e.all[key] = c
}

// shows is what a component reads from our state.
func (e *entities) shows(template string) component {
	return component{"stat_t": e.place.node + "/state", "val_tpl": "{{ " + template + " }}", "qos": 1}
}

// orders is how a component gives commands. The broker forgets one that we did not take in time: a button that was
// pressed while we were away must not talk to an empty room later.
func (e *entities) orders(seconds int) component {
	return component{"cmd_t": e.place.commands()[0], "qos": 1, "message_expiry_interval": seconds}
}

// choice selects a routine by its title; commands and states have its name.
func (e *entities) choice(all []label) {
	options := make([]string, len(all))
	for i, l := range all {
		options[i] = l.text
	}
	e.add("routine", "select", "routine", "Routine", "yoga", e.orders(30),
		e.shows(lookup(all, label.name, label.title)+".get(value_json.selected, None)"),
		component{
			"ops":     options,
			"cmd_tpl": `{"command":"select","routine":{{ ` + lookup(all, label.title, label.name) + `.get(value, value) | tojson }}}`,
		})
}

func (e *entities) buttons() {
	for _, b := range []struct {
		verb, key, name, icon string
		expiry                int
	}{
		{"start", "start", "Start", "play", 30},
		{"toggle", "pause", "Pause or resume", "play-pause", 10},
		{"next", "next", "Next step", "skip-next", 10},
		{"back", "back", "Previous step", "skip-previous", 10},
		{"repeat", "repeat", "Repeat step", "repeat", 10},
		{"stop", "stop", "Stop", "stop", 10},
	} {
		e.add(b.key, "button", b.key, b.name, b.icon, e.orders(b.expiry), component{"pl_prs": b.verb})
	}
}

func (e *entities) sensors() {
	e.add("state", "sensor", "state", "State", "meditation", e.shows("value_json.state"), component{
		"dev_cla": "enum", "ops": statuses(),
		"json_attr_t": e.place.node + "/state", "json_attr_tpl": attributes(),
	})
	e.add("step", "sensor", "step", "Step", "format-list-numbered",
		e.shows(fmt.Sprintf("value_json.step[:%d] or None", maxState)))
	e.add("ends", "sensor", "ends_at", "Ends at", "", e.shows("value_json.ends_at"), component{"dev_cla": "timestamp"})
	e.add("remaining", "sensor", "remaining", "Remaining", "timer-sand", e.shows("value_json.remaining_s"),
		component{"dev_cla": "duration", "unit_of_meas": "s", "sug_dsp_prc": 0})
	e.add("progress", "sensor", "progress", "Progress", "progress-clock", e.shows("value_json.progress"),
		component{"unit_of_meas": "%"})
	e.add("playing", "binary_sensor", "playing", "Playing", "",
		e.shows("'ON' if value_json.state == 'playing' else 'OFF'"), component{"dev_cla": "running"})
	e.add("problem", "binary_sensor", "problem", "Audio problem", "",
		e.shows("'ON' if value_json.error else 'OFF'"), component{"dev_cla": "problem", "ent_cat": "diagnostic"})
}

func (e *entities) others() {
	e.add("volume", "number", "volume", "Volume", "volume-high", e.orders(30), e.shows("value_json.volume"), component{
		"cmd_tpl": "volume {{ value | int }}",
		"min":     0, "max": 100, "step": 1, "mode": "slider", "unit_of_meas": "%",
	})
	e.add("events", "event", "", "Event", "bell-outline", component{"stat_t": e.place.node + "/event", "qos": 1, "evt_typ": events()})
	e.add("say", "notify", "say", "Say", "bullhorn", e.orders(15),
		component{"cmd_tpl": `{"command":"say","text":{{ value | tojson }}}`})
}

// scenes start a routine each, also by voice.
func (e *entities) scenes(all []label) {
	for _, l := range all {
		start, _ := encode(map[string]string{"command": "start", "routine": l.routine}) // strings cannot fail
		e.add(l.key, "scene", strings.ReplaceAll(strings.TrimPrefix(l.key, "r_"), "-", "_"), l.text, "yoga",
			e.orders(30), component{"pl_on": string(start)})
	}
}

func statuses() []player.Status {
	return []player.Status{player.Idle, player.Preparing, player.Playing, player.Paused, player.Waiting, player.Trouble}
}

// events are the types that the player tells.
func events() []string {
	return []string{"routine_started", "step_started", "waiting", "paused", "resumed", "routine_finished", "routine_stopped", "problem"}
}

// attributes are those of the state, as cards with a timer read them. The state itself is none, and nothing in them
// differs when a state is told again.
func attributes() string {
	keys := []string{"routine", "title", "step", "step_number", "steps", "next_step", "side",
		"started_at", "ends_at", "step_ends_at", "position_s", "remaining_s", "error"}
	pairs := []string{`"duration_s":value_json.length_s`}
	for _, k := range keys {
		pairs = append(pairs, fmt.Sprintf("%q:value_json.%s", k, k))
	}
	return "{{ {" + strings.Join(pairs, ",") + "} | tojson }}"
}
