package homeassistant

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"guided/player"
	"guided/routines"
)

// builtIn is the built-in library as the player describes it.
func builtIn(t *testing.T) []player.RoutineInfo {
	t.Helper()
	l := routines.Library{routines.Builtin()}
	names, err := l.Names(t.Context())
	if err != nil || len(names) == 0 {
		t.Fatalf("%d routines: %v", len(names), err)
	}
	list := []player.RoutineInfo{}
	for _, name := range names {
		r, err := l.Load(t.Context(), name)
		if err != nil {
			continue // other tests report it
		}
		list = append(list, player.RoutineInfo{Name: r.Name, Title: r.Title, Steps: []string{}})
	}
	return list
}

// The button that takes up a lost session can be pressed while one is offered, and the daemon is there.
func TestResumeButtonIsAvailableWhileAnOfferStands(t *testing.T) {
	_, d := discoveryOf(t, testDevice("mat"), nil)
	c := d.Components["resume"]
	conditions, _ := c["avty"].([]any)
	if c["p"] != "button" || c["pl_prs"] != "resume" || c["avty_mode"] != "all" || len(conditions) != 2 {
		t.Fatalf("%+v", c)
	}
	daemon, offer := conditions[0].(map[string]any), conditions[1].(map[string]any)
	if daemon["topic"] != "guided/mat/status" || offer["topic"] != "guided/mat/state" || !strings.Contains(offer["value_template"].(string), "value_json.resume_offer") {
		t.Errorf("%+v", conditions)
	}
}

// pairs reads the dictionary in a template, as Jinja does.
func pairs(t *testing.T, template string) map[string]string {
	t.Helper()
	found := regexp.MustCompile(`\{("(?:[^"\\]|\\.)*":"(?:[^"\\]|\\.)*",?)*\}`).FindAllString(template, -1)
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	var m map[string]string
	if len(found) == 0 || json.Unmarshal([]byte(found[0]), &m) != nil {
		t.Fatalf("no dictionary is in %s", template)
	}
	return m
}

func TestRoutineSelectMapsTitlesAndNames(t *testing.T) {
	for situation, list := range map[string][]player.RoutineInfo{"built in": builtIn(t), "hostile": hostile()} {
		t.Run(situation, func(t *testing.T) {
			_, d := discoveryOf(t, testDevice("mat"), list)
			c := d.Components["routine"]
			titles, names := pairs(t, c["val_tpl"].(string)), pairs(t, c["cmd_tpl"].(string))
			can := 0
			for _, r := range list {
				if r.Error != "" {
					if _, is := titles[r.Name]; is {
						t.Errorf("%s has problems and is offered", r.Name)
					}
					continue
				}
				can++
				title := titles[r.Name]
				if !slices.Contains(c["ops"].([]any), any(title)) {
					t.Errorf("the state of %q is %q, which is no option", r.Name, title)
				}
				if names[title] != r.Name {
					t.Errorf("selecting %q gives %q, not %q", title, names[title], r.Name)
				}
			}
			if n := len(c["ops"].([]any)); n != can {
				t.Errorf("%d options for %d routines", n, can)
			}
		})
	}
}

func TestSceneStartsItsRoutine(t *testing.T) {
	_, d := discoveryOf(t, testDevice("mat"), hostile())
	starts := map[string]bool{}
	for _, c := range d.Components {
		if c["p"] != "scene" {
			continue
		}
		command, err := player.Parse([]byte(c["pl_on"].(string)))
		if err != nil || command.Verb != "start" {
			t.Errorf("%v: %+v, %v", c["name"], command, err)
		}
		starts[command.Routine] = true
	}
	for _, r := range hostile() {
		if starts[r.Name] != (r.Error == "") {
			t.Errorf("%q has a scene: %v", r.Name, starts[r.Name])
		}
	}
}

func TestButtonPayloadIsACommand(t *testing.T) {
	_, d := discoveryOf(t, testDevice("mat"), builtIn(t))
	for key, c := range d.Components {
		if c["p"] != "button" {
			continue
		}
		if _, err := player.Parse([]byte(c["pl_prs"].(string))); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestEventTypesHoldThoseOfThePlayer(t *testing.T) {
	published := playerEventTypes(t)
	if len(published) < 6 {
		t.Fatalf("only %v are published", published)
	}
	for kind := range published {
		if !slices.Contains(eventTypes(), kind) {
			t.Errorf("Home Assistant would refuse the event %s", kind)
		}
	}
}

// playerEventTypes are the values that the player's source gives to Event.Type: literals in it, and those passed as
// parameters that reach it.
func playerEventTypes(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../player/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	var functions []*ast.FuncDecl
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, is := d.(*ast.FuncDecl); is {
				functions = append(functions, f)
			}
		}
	}
	types := map[string]bool{}
	parameters := map[string]int{} // functions that pass a parameter on as the type, and the parameter's number
	take := func(in *ast.FuncDecl, value ast.Expr) {
		switch v := value.(type) {
		case *ast.BasicLit:
			types[strings.Trim(v.Value, `"`)] = true
		case *ast.Ident:
			n := 0
			for _, field := range in.Type.Params.List {
				for _, name := range field.Names {
					if name.Name == v.Name {
						parameters[in.Name.Name] = n
					}
					n++
				}
			}
		}
	}
	for known := -1; known != len(parameters); {
		known = len(parameters)
		for _, f := range functions {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CompositeLit:
					if name, is := n.Type.(*ast.Ident); is && name.Name == "Event" {
						for _, e := range n.Elts {
							if pair, is := e.(*ast.KeyValueExpr); is && pair.Key.(*ast.Ident).Name == "Type" {
								take(f, pair.Value)
							}
						}
					}
				case *ast.CallExpr:
					if called, is := n.Fun.(*ast.SelectorExpr); is {
						if number, is := parameters[called.Sel.Name]; is && number < len(n.Args) {
							take(f, n.Args[number])
						}
					}
				}
				return true
			})
		}
	}
	return types
}

// Home Assistant makes statistics of the sums, which only grow, and no daemon without a history has the sensors.
func TestHistorySensors(t *testing.T) {
	_, d := discoveryOf(t, testDevice("mat"), builtIn(t))
	for _, key := range []string{"minutes_today", "minutes_total"} {
		c := d.Components[key]
		if c["stat_cla"] != "total_increasing" || c["dev_cla"] != "duration" || c["unit_of_meas"] != "min" || c["stat_t"] != "guided/mat/history" {
			t.Errorf("%s: %v", key, c)
		}
	}
	for _, key := range []string{"sessions", "streak", "last_session"} {
		if d.Components[key]["stat_t"] != "guided/mat/history" {
			t.Errorf("%s: %v", key, d.Components[key])
		}
	}
	without := testDevice("mat")
	without.History = false
	_, d = discoveryOf(t, without, builtIn(t))
	for key, c := range d.Components {
		if c["stat_t"] == "guided/mat/history" {
			t.Errorf("%s is announced, and has no topic", key)
		}
	}
}

func TestScheduleHasSwitches(t *testing.T) {
	_, d := discoveryOf(t, testDevice("mat"), builtIn(t))
	switched := map[string]bool{}
	for key, c := range d.Components {
		if c["p"] != "switch" {
			continue
		}
		for payload, want := range map[string]bool{"pl_on": true, "pl_off": false} {
			command, err := player.Parse([]byte(c[payload].(string)))
			if err != nil || command.Verb != "schedule" || *command.Switch != want {
				t.Errorf("%s: %+v, %v", key, command, err)
			}
			switched[command.Entry] = true
		}
	}
	for _, e := range infoOf(nil).Schedule {
		if !switched[e.Name] {
			t.Errorf("%q has no switch", e.Name)
		}
	}
	if !switched[""] {
		t.Error("the whole schedule has no switch")
	}
	t.Run("without a schedule there are none", func(t *testing.T) {
		info := infoOf(builtIn(t))
		info.Schedule = nil
		discovery, _, err := testDevice("mat").Discovery(info)
		if err != nil {
			t.Fatal(err)
		}
		components, err := Components(discovery)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"schedule", "next_run", "snooze", "skip_run", "s_morning"} {
			if components[key] != nil {
				t.Errorf("%s is there", key)
			}
		}
	})
}

// An entry whose name is written in another way is the same entity; entries with different names are never one.
func TestEntryKeys(t *testing.T) {
	for _, same := range [][]string{{"Lunch", "lunch", "LUNCH!", "¡Lunch!"}, {"Before bed", "before-bed"}, {"Große Runde", "große runde"}, {"!", "🌳"}} {
		for _, name := range same {
			if entryKey(name) != entryKey(same[0]) {
				t.Errorf("%q is %s, %q is %s", name, entryKey(name), same[0], entryKey(same[0]))
			}
		}
	}
	keys := map[string]string{}
	for _, name := range []string{"Lunch", "Lünch", "昼", "夜", "utro утро", "utro", "Before bed", "Beforebed", strings.Repeat("å", 60), strings.Repeat("å", 59)} {
		if other, taken := keys[entryKey(name)]; taken {
			t.Errorf("%q and %q are both %s", name, other, entryKey(name))
		}
		keys[entryKey(name)] = name
	}
}
