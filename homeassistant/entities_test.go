package homeassistant

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"guided/player"
	"guided/routines"
)

// builtIn is the library as the player tells it.
func builtIn(t *testing.T) []player.RoutineInfo {
	t.Helper()
	l := routines.Library{routines.Builtin()}
	names, err := l.Names()
	if err != nil || len(names) == 0 {
		t.Fatalf("%d routines: %v", len(names), err)
	}
	list := []player.RoutineInfo{}
	for _, name := range names {
		r, err := l.Load(name)
		if err != nil {
			continue // other tests tell it
		}
		list = append(list, player.RoutineInfo{Name: r.Name, Title: r.Title, Steps: []string{}})
	}
	return list
}

// pairs reads a dictionary of a template as Jinja does.
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

func TestTheSelectOffersTitles(t *testing.T) {
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
					t.Errorf("who selects %q gets %q, and not %q", title, names[title], r.Name)
				}
			}
			if n := len(c["ops"].([]any)); n != can {
				t.Errorf("%d options for %d routines", n, can)
			}
		})
	}
}

func TestASceneStartsItsRoutine(t *testing.T) {
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

func TestEveryButtonIsACommand(t *testing.T) {
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

func TestEveryEventOfThePlayerIsKnown(t *testing.T) {
	files, err := filepath.Glob("../player/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	told := map[string]bool{}
	tells := regexp.MustCompile(`(?:\.tell\([^"]*|\.tellAt\([^"]*|\.end\(|Event\{Type: )"([a-z_]+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range tells.FindAllStringSubmatch(string(b), -1) {
			told[m[1]] = true
		}
	}
	if len(told) < 6 {
		t.Fatalf("only %v are told", told)
	}
	for kind := range told {
		if !slices.Contains(eventTypes(), kind) {
			t.Errorf("Home Assistant would refuse the event %s", kind)
		}
	}
}

func TestTooManyRoutines(t *testing.T) {
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
