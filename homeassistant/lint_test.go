package homeassistant

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"guided/history"
	"guided/player"
)

// lint lists what Home Assistant would refuse or log as an error in a device's discovery payload, and what would be wrong
// with its entities. The rules are those of its schemas and its documentation.
func lint(payload []byte) []string {
	l := &linter{unique: map[string]string{}, scenes: map[string]bool{}}
	var root map[string]any
	if err := json.Unmarshal(payload, &root); err != nil {
		return []string{err.Error()}
	}
	if !utf8.Valid(payload) {
		l.report("it is not UTF-8")
	}
	if len(payload) > maxPayload {
		l.report("%d bytes are too many", len(payload))
	}
	l.closed("root", root, "dev", "o", "cmps", "avty", "avty_mode", "stat_t", "cmd_t", "qos", "e")
	dev, _ := root["dev"].(map[string]any)
	l.closed("dev", dev, "ids", "cns", "name", "mf", "mdl", "mdl_id", "hw", "sw", "sn", "sa", "cu", "via_device")
	o, _ := root["o"].(map[string]any)
	l.closed("o", o, "name", "sw", "url")
	if ids, _ := dev["ids"].([]any); len(ids) == 0 {
		l.report("dev has no ids")
	}
	for where, of := range map[string]map[string]any{"dev": dev, "o": o} {
		for _, key := range []string{"name", "sw"} {
			if s, _ := of[key].(string); s == "" {
				l.report("%s has no %s", where, key)
			}
		}
	}
	avty, _ := root["avty"].([]any)
	if len(avty) == 0 {
		l.report("avty is missing")
	}
	for _, a := range avty {
		a, _ := a.(map[string]any)
		l.topic("avty", a["t"])
	}
	components, is := root["cmps"].(map[string]any)
	if !is {
		l.report("cmps is missing")
	}
	for _, key := range slices.Sorted(maps.Keys(components)) {
		c, _ := components[key].(map[string]any)
		l.component(key, c, fmt.Sprint(dev["name"]))
	}
	return l.wrong
}

type linter struct {
	wrong  []string
	unique map[string]string
	scenes map[string]bool
}

func (l *linter) report(format string, args ...any) {
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

func (l *linter) closed(where string, m map[string]any, known ...string) {
	for key := range m {
		if !slices.Contains(known, key) {
			l.report("%s: the key %s is not known, and the whole device is refused", where, key)
		}
	}
}

func (l *linter) topic(where string, v any) {
	s, _ := v.(string)
	if s == "" || strings.ContainsAny(s, "+#\x00~") || slices.Contains(strings.Split(s, "/"), "") {
		l.report("%s: %q is not a topic", where, s)
	}
}

// required lists the keys that a component of each platform must have.
var required = map[string][]string{
	"select": {"cmd_t", "ops", "stat_t", "val_tpl"}, "button": {"cmd_t"}, "sensor": {"stat_t", "val_tpl"},
	"binary_sensor": {"stat_t", "val_tpl"}, "number": {"cmd_t", "min", "max"}, "event": {"stat_t", "evt_typ"},
	"notify": {"cmd_t"}, "switch": {"cmd_t", "stat_t", "val_tpl", "pl_on", "pl_off", "stat_on", "stat_off"}, "scene": {"cmd_t", "pl_on"},
}

func (l *linter) component(key string, c map[string]any, device string) {
	p, _ := c["p"].(string)
	text := func(k string) string { s, _ := c[k].(string); return s }
	keys, known := required[p]
	if !known {
		l.report("%s: the platform %q is not known", key, p)
	}
	if !regexp.MustCompile(`^[a-zA-Z0-9_-]+$`).MatchString(key) {
		l.report("%s is not a key", key)
	}
	for _, k := range append([]string{"uniq_id", "name", "def_ent_id"}, keys...) {
		if _, is := c[k]; !is {
			l.report("%s: %s is missing", key, k)
		}
	}
	for _, k := range []string{"object_id", "obj_id", "~", "device", "dev", "availability"} {
		if _, is := c[k]; is {
			l.report("%s: %s must not be there", key, k)
		}
	}
	if c["ret"] == true || c["retain"] == true {
		l.report("%s: its commands are retained", key)
	}
	if other, taken := l.unique[text("uniq_id")]; taken {
		l.report("%s: the unique id is that of %s", key, other)
	}
	l.unique[text("uniq_id")] = key
	if name := text("name"); name == "" || utf8.RuneCountInString(name) > 300 || strings.EqualFold(name, device) || name != strings.TrimSpace(name) {
		l.report("%s: %q is no name", key, name)
	}
	if p == "scene" && l.scenes[strings.ToLower(text("name"))] {
		l.report("%s: two scenes are called %s", key, text("name"))
	} else if p == "scene" {
		l.scenes[strings.ToLower(text("name"))] = true
	}
	if !regexp.MustCompile(`^` + p + `\.[a-z0-9]+(_+[a-z0-9]+)*_*$`).MatchString(text("def_ent_id")) {
		l.report("%s: %q is no entity id of its platform", key, text("def_ent_id"))
	}
	for _, k := range []string{"stat_t", "cmd_t", "json_attr_t"} {
		if v, is := c[k]; is {
			l.topic(key, v)
		}
	}
	if c["qos"] != 1.0 {
		l.report("%s: its qos is %v", key, c["qos"])
	}
	if seconds, is := c["message_expiry_interval"].(float64); (text("cmd_t") != "") != is || is && (seconds < 1 || seconds != float64(int(seconds))) {
		l.report("%s: message_expiry_interval is %v", key, c["message_expiry_interval"])
	}
	l.values(key, p, c)
	for _, k := range []string{"val_tpl", "json_attr_tpl", "cmd_tpl"} {
		l.template(key, text(k), strings.HasSuffix(text("stat_t"), "/history"))
	}
}

// units are those that each device class allows.
var units = map[string][]string{"duration": {"d", "h", "min", "s", "ms"}, "timestamp": {""}, "enum": {""}}

func (l *linter) values(key, p string, c map[string]any) {
	class, _ := c["dev_cla"].(string)
	unit, _ := c["unit_of_meas"].(string)
	_, options := c["ops"]
	_, stateClass := c["stat_cla"]
	if p == "sensor" && (class == "enum") != options {
		l.report("%s: options go with the class enum, and it with them", key)
	}
	if list, _ := c["ops"].([]any); p == "sensor" && options && len(list) == 0 {
		l.report("%s: options are empty", key)
	}
	if (class == "enum" || class == "timestamp") && (unit != "" || stateClass) {
		l.report("%s: %s has neither a unit nor a state class", key, class)
	}
	if allowed, is := units[class]; is && !slices.Contains(allowed, unit) {
		l.report("%s: the unit %q is not one of %s", key, unit, class)
	}
	if category, is := c["ent_cat"]; is && category != "diagnostic" {
		l.report("%s: the category %v", key, category)
	}
	if p == "number" {
		least, _ := c["min"].(float64)
		most, _ := c["max"].(float64)
		if least >= most {
			l.report("%s: from %v to %v", key, least, most)
		}
	}
	if list, _ := c["evt_typ"].([]any); p == "event" && len(list) == 0 {
		l.report("%s: it has no event types", key)
	}
	if p == "select" {
		seen := map[any]bool{}
		for _, option := range c["ops"].([]any) {
			s, _ := option.(string)
			if s == "" || s == "None" || s != strings.Join(strings.Fields(s), " ") || utf8.RuneCountInString(s) > maxStateLength || seen[option] {
				l.report("%s: %q is no option", key, s)
			}
			seen[option] = true
		}
	}
}

// stringLiteral is a string in a template.
var stringLiteral = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^'\\]*'`)

// template checks that a template is balanced outside of its strings, and reads only keys that a state has, or a history.
func (l *linter) template(key, s string, ofHistory bool) {
	if s == "" {
		return
	}
	for _, text := range stringLiteral.FindAllString(s, -1) {
		if strings.ContainsAny(text, "{}%#") && !strings.HasPrefix(s, `{"command"`) {
			l.report("%s: a string of its template has what could end it: %s", key, text)
		}
	}
	var state map[string]any
	b, _ := json.Marshal(player.State{})
	if ofHistory {
		b, _ = json.Marshal(history.Summary{})
	}
	_ = json.Unmarshal(b, &state)
	for _, m := range regexp.MustCompile(`value_json\.(\w+)`).FindAllStringSubmatch(stringLiteral.ReplaceAllString(s, `""`), -1) {
		if _, is := state[m[1]]; !is {
			l.report("%s: its template names %s, which is not there", key, m[1])
		}
	}
	if bare := stringLiteral.ReplaceAllString(s, ""); strings.Count(bare, "{{") != 1 || strings.Count(bare, "}}") < 1 || strings.Count(bare, "{") != strings.Count(bare, "}") {
		l.report("%s: its template is not whole: %s", key, bare)
	}
}
