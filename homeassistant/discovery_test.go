package homeassistant

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"guided/player"
)

// hostile is a library whose names and titles try to break templates, identifiers and uniqueness.
func hostile() []player.RoutineInfo {
	list := []player.RoutineInfo{
		{Name: "me", Title: `It's "me" {{ x }}`}, {Name: "block", Title: "{% raw %} }} {# \\"}, {Name: "twin-1", Title: "Twin"},
		{Name: "twin-2", Title: "Twin"}, {Name: "twin-3", Title: "TWIN"}, {Name: "device", Title: "guided"},
		{Name: "none", Title: "None"}, {Name: "blank", Title: "  \t\n "}, {Name: "Großer Baum", Title: "Großer 🌳\u2028Baum "},
		{Name: "großer baum!", Title: "x\x00y\xff"}, {Name: "long", Title: strings.Repeat("å", 400)}, {Name: strings.Repeat("n", 200), Title: strings.Repeat("å", 400)},
		{Name: "🌳", Title: "🌳"}, {Name: "state", Title: "State"}, {Name: "key", Title: "value_json.nothing"}, {Name: "twin-2) (twin", Title: "Twin (twin-2)"},
		{Name: "broken", Title: "broken", Error: "it has problems"}, {Name: `a"b\c`, Title: `a"b\c`}, {Name: "a/b", Title: "<b>&amp;</b>"},
	}
	for i := range list {
		list[i].Steps = []string{}
	}
	return list
}

func infoOf(list []player.RoutineInfo) player.Info {
	return player.Info{Version: "1.2.3", Routines: list, Verbs: []string{"start"}, Schedule: []player.ScheduleEntry{
		{Name: "Morning", Routine: "yoga", Times: "07:00 daily"}, {Name: "it's {{ 1 }} % \\ {# x", Routine: "yoga"}, {Name: "next_run"}, {Name: "🌳"}, {Name: strings.Repeat("å", 60)},
	}}
}

func testDevice(node string) Device {
	return Device{ID: "0123456789abcdef", Name: "Guided", Topic: "guided/" + node, History: true}
}

// discoveryOf is the discovery payload, as bytes and decoded.
func discoveryOf(t *testing.T, d Device, list []player.RoutineInfo) (discovery []byte, p payload) {
	t.Helper()
	discovery, _, err := d.Discovery(infoOf(list))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(discovery, &p); err != nil {
		t.Fatal(err)
	}
	return discovery, p
}

func TestDiscoveryPassesTheLinter(t *testing.T) {
	many := make([]player.RoutineInfo, 3000)
	for i := range many {
		many[i] = player.RoutineInfo{Name: fmt.Sprintf("routine-%d", i), Title: strings.Repeat("a long title ", 8) + fmt.Sprint(i)}
	}
	named := func(name string) Device {
		d := testDevice("mat")
		d.Name = name
		return d
	}
	for situation, x := range map[string]struct {
		device Device
		list   []player.RoutineInfo
	}{
		"the library that is built in":       {testDevice("mat"), builtIn(t)},
		"an empty library":                   {testDevice("mat"), []player.RoutineInfo{}},
		"a hostile library":                  {testDevice("mat"), hostile()},
		"another node":                       {testDevice("Living-Room_2"), builtIn(t)},
		"thousands of routines":              {testDevice("mat"), many},
		"a device named as one of its parts": {named("Volume"), hostile()},
		"a device with a name of its own":    {named(`Ännes "Matte" {{ 1 }}`), hostile()},
		"a device in another script":         {named("瞑想"), builtIn(t)},
	} {
		t.Run(situation, func(t *testing.T) {
			payload, _ := discoveryOf(t, x.device, x.list)
			for _, wrong := range lint(payload) {
				t.Error(wrong)
			}
		})
	}
}

func TestLinterFindsDefects(t *testing.T) {
	for situation, x := range map[string]struct{ from, to, want string }{
		"a root key":               {`"dev":{`, `"~":"x","dev":{`, "root: the key ~"},
		"an expiry at the root":    {`"dev":{`, `"message_expiry_interval":3,"dev":{`, "root: the key message_expiry_interval"},
		"a device key":             {`"mdl":`, `"colour":"red","mdl":`, "dev: the key colour"},
		"an origin key":            {`"o":{`, `"o":{"x":"y",`, "o: the key x"},
		"no version":               {`"o":{"name":"guided","sw":"1.2.3"}`, `"o":{"name":"guided"}`, "o has no sw"},
		"no identity":              {`"ids":["guided_0123456789abcdef"]`, `"ids":[]`, "no ids"},
		"no availability":          {`"avty":[`, `"avty":[],"avty_":[`, "avty"},
		"a platform of none":       {`"p":"select"`, `"p":"media_player"`, `"media_player" is not known`},
		"no unique id":             {`"uniq_id":"guided_0123456789abcdef_stop"`, `"x":1`, "stop: uniq_id"},
		"a unique id twice":        {`"uniq_id":"guided_0123456789abcdef_stop"`, `"uniq_id":"guided_0123456789abcdef_next"`, "the unique id is that of"},
		"a dead key":               {`"pl_prs":"stop"`, `"pl_prs":"stop","object_id":"x"`, "object_id must not"},
		"a retained command":       {`"pl_prs":"stop"`, `"pl_prs":"stop","ret":true`, "retained"},
		"a wildcard":               {`"stat_t":"guided/mat/event"`, `"stat_t":"guided/+/event"`, "is not a topic"},
		"an empty level":           {`"stat_t":"guided/mat/event"`, `"stat_t":"guided//event"`, "is not a topic"},
		"another domain":           {`"def_ent_id":"event.guided"`, `"def_ent_id":"sensor.guided"`, "no entity id"},
		"a unit of no such class":  {`"unit_of_meas":"s"`, `"unit_of_meas":"seconds"`, `the unit "seconds"`},
		"an enum with a unit":      {`"dev_cla":"enum"`, `"dev_cla":"enum","unit_of_meas":"s"`, "neither a unit"},
		"options without an enum":  {`"dev_cla":"enum"`, `"dev_cla":"date"`, "options go with"},
		"a timestamp with a unit":  {`"dev_cla":"timestamp"`, `"dev_cla":"timestamp","unit_of_meas":"s"`, "timestamp has neither"},
		"a range upside down":      {`"max":100`, `"max":0`, "from 0 to 0"},
		"no event types":           {`"evt_typ":[`, `"evt_typ":[],"x":[`, "no event types"},
		"a category of settings":   {`"ent_cat":"diagnostic"`, `"ent_cat":"config"`, "the category"},
		"a key that a state lacks": {`value_json.volume`, `value_json.loudness`, "names loudness"},
		"a template cut short":     {`{{ value_json.volume }}`, `{{ value_json.volume`, "not whole"},
		"an expiry in quotes":      {`"message_expiry_interval":15`, `"message_expiry_interval":"15"`, "message_expiry_interval is 15"},
		"the device's name":        {`"name":"Stop"`, `"name":"Guided"`, "is no name"},
		"a scene without a start":  {`"pl_on"`, `"pl"`, "pl_on is missing"},
		"an option of nothing":     {`"ops":["`, `"ops":["None","`, `"None" is no option`},
		"no qos":                   {`"pl_prs":"stop","qos":1`, `"pl_prs":"stop","qos":0`, "its qos"},
	} {
		t.Run(situation, func(t *testing.T) {
			payload, _ := discoveryOf(t, testDevice("mat"), []player.RoutineInfo{{Name: "4-4-6", Title: "Four, four, six"}})
			broken := strings.Replace(string(payload), x.from, x.to, 1)
			if broken == string(payload) {
				t.Fatalf("%s is not in %s", x.from, payload)
			}
			if got := strings.Join(lint([]byte(broken)), "\n"); !strings.Contains(got, x.want) {
				t.Errorf("it finds %q, not %q", got, x.want)
			}
		})
	}
}

func TestDiscoveryIsDeterministic(t *testing.T) {
	a, _ := discoveryOf(t, testDevice("mat"), hostile())
	b, _ := discoveryOf(t, testDevice("mat"), hostile())
	if !reflect.DeepEqual(a, b) {
		t.Error("the payload differs from one call to the next")
	}
}

func TestDiscoveryWithTooManyRoutines(t *testing.T) {
	count := func(n, length int) (options, scenes, without int) {
		list := make([]player.RoutineInfo, n)
		for i := range list {
			list[i] = player.RoutineInfo{Name: fmt.Sprintf("r%d", i), Title: strings.Repeat("x", length) + fmt.Sprint(i)}
		}
		discovery, without, err := testDevice("mat").Discovery(infoOf(list))
		if err != nil || len(discovery) > maxPayload {
			t.Fatalf("%d bytes, %v", len(discovery), err)
		}
		var d payload
		if err := json.Unmarshal(discovery, &d); err != nil {
			t.Fatal(err)
		}
		for _, c := range d.Components {
			if c["p"] == "scene" {
				scenes++
			}
		}
		return len(d.Components["routine"]["ops"].([]any)), scenes, without
	}
	if o, s, w := count(200, 10); o != 200 || s != 200 || w != 0 {
		t.Errorf("200 routines: %d options, %d scenes, %d without", o, s, w)
	}
	if o, s, w := count(300, 10); o != 300 || s != 200 || w != 100 {
		t.Errorf("300 routines: %d options, %d scenes, %d without", o, s, w)
	}
	if o, s, w := count(250, 240); o != 250 || s == 0 || s+w != 250 || s > 100 {
		t.Errorf("250 long titles: %d options, %d scenes, %d without", o, s, w)
	}
	if o, s, _ := count(4000, 100); o == 0 || s != 0 {
		t.Errorf("4000 routines: %d options, %d scenes", o, s)
	}
}

func TestStages(t *testing.T) {
	const discovery = `{"cmps":{"a":{"p":"button","name":"A","def_ent_id":"button.a"}},"dev":{"name":"<Guided>"}}`
	for situation, c := range map[string]struct {
		removed string
		want    []string // nil: an error
	}{
		"nothing removed": {`{}`, []string{discovery}},
		"one removed": {`{"b":{"p":"scene","name":"B"}}`, []string{
			`{"cmps":{"a":{"p":"button","name":"A","def_ent_id":"button.a"},"b":{"p":"scene","name":"B"}},"dev":{"name":"<Guided>"}}`,
			`{"cmps":{"a":{"p":"button","name":"A","def_ent_id":"button.a"},"b":{"p":"scene"}},"dev":{"name":"<Guided>"}}`,
			discovery,
		}},
		"one removed whose entity id another gets": {`{"b":{"p":"button","def_ent_id":"button.a"}}`, []string{
			`{"cmps":{"b":{"p":"button","def_ent_id":"button.a"}},"dev":{"name":"<Guided>"}}`,
			`{"cmps":{"b":{"p":"button"}},"dev":{"name":"<Guided>"}}`,
			discovery,
		}},
		"one that is no component": {`{"b":[1]}`, nil},
	} {
		t.Run(situation, func(t *testing.T) {
			var removed map[string]json.RawMessage
			if err := json.Unmarshal([]byte(c.removed), &removed); err != nil {
				t.Fatal(err)
			}
			stages, err := Stages([]byte(discovery), removed)
			if (err != nil) != (c.want == nil) {
				t.Fatal(err)
			}
			var got []string
			for _, s := range stages {
				got = append(got, string(s))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDiscoveryIsBoundedWhateverTheTextsAre(t *testing.T) {
	long := func(n int) string { return strings.Repeat(`{%"ä`, n/4) }
	var many []player.RoutineInfo
	for i := range 300 {
		many = append(many, player.RoutineInfo{Name: fmt.Sprint(i, long(200)), Title: fmt.Sprint(i, long(10_000)), Steps: []string{}})
	}
	for situation, list := range map[string][]player.RoutineInfo{
		"one title of ten thousand letters": {{Name: "long", Title: long(10_000), Steps: []string{long(10_000)}}},
		"one title of a million letters":    {{Name: "long", Title: long(1_000_000)}},
		"one name of a million letters":     {{Name: long(1_000_000), Title: "Long"}},
		"many long titles":                  many,
	} {
		t.Run(situation, func(t *testing.T) {
			discovery, p := discoveryOf(t, testDevice("mat"), list)
			if len(discovery) > maxPayload {
				t.Errorf("%d bytes", len(discovery))
			}
			if len(p.Components) == 0 {
				t.Error("no entity is left")
			}
		})
	}
}

// BenchmarkDiscovery builds the announcement of a device with so many routines.
func BenchmarkDiscovery(b *testing.B) {
	for _, n := range []int{30, 2000} {
		b.Run(fmt.Sprintf("%d routines", n), func(b *testing.B) {
			list := make([]player.RoutineInfo, n)
			for i := range list {
				list[i] = player.RoutineInfo{Name: fmt.Sprintf("routine-%d", i), Title: fmt.Sprintf("My own routine %d", i), Steps: []string{}}
			}
			info, device := infoOf(list), testDevice("mat")
			size := 0
			b.ReportAllocs()
			for b.Loop() {
				discovery, _, err := device.Discovery(info)
				if err != nil {
					b.Fatal(err)
				}
				size = len(discovery)
			}
			b.ReportMetric(float64(size), "payload-B")
		})
	}
}
