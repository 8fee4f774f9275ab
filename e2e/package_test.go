package e2e

import (
	"fmt"
	"guided/cli"
	"guided/homeassistant"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPackage(t *testing.T) {
	config := ownRoutines(t)
	_, sentences, _ := invoke(t, "--config", config, "ha", "sentences")
	code, text, complaint := invoke(t, "--config", config, "ha", "package")
	if code != cli.Done {
		t.Fatal(complaint)
	}
	file := parseYAML(t, text)
	scripts, _ := at(file, "intent_script").(map[string]any)
	t.Run("every sentence has its answer, and no answer is without one", func(t *testing.T) {
		var wanted, made []string
		for intent := range at(parseYAML(t, sentences), "intents").(map[string]any) {
			wanted = append(wanted, intent)
		}
		for intent, script := range scripts {
			made = append(made, intent)
			if s, _ := at(script, "speech", "text").(string); s == "" {
				t.Errorf("%s says nothing", intent)
			}
		}
		slices.Sort(wanted)
		slices.Sort(made)
		if !slices.Equal(wanted, made) {
			t.Errorf("%v, want %v", made, wanted)
		}
	})
	t.Run("it speaks to our node alone", func(t *testing.T) {
		for _, s := range texts(file) {
			if topic := regexp.MustCompile(`\S+/command`).FindString(s); topic != "" && topic != "house/guided/attic/command" {
				t.Errorf("it speaks to %s", topic)
			}
		}
		if n := strings.Count(text, `"house/guided/attic/command"`); n != len(scripts) {
			t.Errorf("%d of %d scripts speak to us", n, len(scripts))
		}
	})
	t.Run("entities have the name of our device", func(t *testing.T) {
		for _, id := range entityIDs(text) {
			if !strings.Contains(id, ".yoga_mat_") {
				t.Errorf("it names %s", id)
			}
		}
	})
	t.Run("every variable in it is a slot of a sentence", func(t *testing.T) {
		for _, name := range []string{"guided_routine", "minutes", "guided_verb", "volume", "change"} {
			if !regexp.MustCompile(`[{:]` + name + `[:}]|\b` + name + `: `).MatchString(sentences) {
				t.Errorf("no sentence tells %s", name)
			}
		}
	})
	t.Run("it can be written where Home Assistant reads it", func(t *testing.T) {
		to := filepath.Join(t.TempDir(), "packages", "guided.yaml")
		if code, out, complaint := invoke(t, "--config", config, "ha", "package", "-o", to); code != cli.Done || out != "" {
			t.Fatal(out, complaint)
		}
		if data, err := os.ReadFile(to); err != nil || string(data) != text {
			t.Errorf("%v: %s", err, data)
		}
	})
}

// entityIDs are the entities of guided that a text for Home Assistant names.
func entityIDs(text string) []string {
	return regexp.MustCompile(`\b(?:sensor|number|select|button|event|scene|notify|binary_sensor)\.[a-z0-9_]+`).FindAllString(text, -1)
}

func TestBlueprints(t *testing.T) {
	config := ownRoutines(t)
	all, err := homeassistant.Blueprints()
	if err != nil || len(all) != 4 {
		t.Fatal(len(all), err)
	}
	t.Run("they are listed", func(t *testing.T) {
		_, out, _ := invoke(t, "ha", "blueprint")
		_, listed, _ := invoke(t, "--json", "ha", "blueprint")
		for _, b := range all {
			if !strings.Contains(out, b.Name+" ") || !strings.Contains(out, b.Title) || !strings.Contains(listed, fmt.Sprintf("%q", b.Name)) {
				t.Errorf("%s is not in\n%s%s", b.Name, out, listed)
			}
		}
	})
	for _, b := range all {
		t.Run(b.Name, func(t *testing.T) {
			code, text, complaint := invoke(t, "--config", config, "ha", "blueprint", b.Name)
			if code != cli.Done {
				t.Fatal(complaint)
			}
			file := parseYAML(t, text)
			inputs := inputsOf(t, at(file, "blueprint", "input"))
			if at(file, "blueprint", "domain") != "automation" || at(file, "mode") == nil || at(file, "triggers") == nil || at(file, "actions") == nil {
				t.Error("a part of an automation is missing")
			}
			if v := fmt.Sprint(at(file, "blueprint", "homeassistant", "min_version")); !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(v) {
				t.Errorf("min_version %s", v)
			}
			used := map[string]bool{}
			for _, s := range texts(file) {
				if name, is := strings.CutPrefix(s, "!input "); is {
					used[name] = true
				}
			}
			for name, in := range inputs {
				if !used[name] {
					t.Errorf("nothing uses the input %s", name)
				}
				if at(in, "name") == nil || at(in, "selector") == nil {
					t.Errorf("the input %s has no name or selector", name)
				}
			}
			for name := range used {
				if inputs[name] == nil {
					t.Errorf("there is no input %s", name)
				}
			}
			if node := inputs["node"]; node != nil && at(node, "default") != "house/guided/attic" {
				t.Errorf("it speaks to %v", at(node, "default"))
			}
			if base := fmt.Sprint(at(inputs["base"], "default")); b.Name == "speaker" && !regexp.MustCompile(`^http://192\.168\.1\.50:8099/audio/[0-9a-f]+/$`).MatchString(base) {
				t.Errorf("speakers are sent to %s", base)
			}
		})
	}
	t.Run("speakers are not sent to an address that only this machine reaches", func(t *testing.T) {
		alone(t)
		if _, text, _ := invoke(t, "ha", "blueprint", "speaker"); strings.Contains(text, "127.0.0.1") {
			t.Error(text)
		}
	})
	t.Run("one that there is not is told, with the nearest", func(t *testing.T) {
		if code, _, complaint := invoke(t, "ha", "blueprint", "light"); code != cli.Failed || !strings.Contains(complaint, `did you mean "lights"`) {
			t.Error(code, complaint)
		}
	})
}

// inputsOf are a blueprint's inputs, those in sections too.
func inputsOf(t *testing.T, v any) map[string]any {
	t.Helper()
	inputs := map[string]any{}
	for name, in := range v.(map[string]any) {
		if section := at(in, "input"); section != nil {
			for name, in := range inputsOf(t, section) {
				inputs[name] = in
			}
			continue
		}
		inputs[name] = in
	}
	return inputs
}
