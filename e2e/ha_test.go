package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"guided/cli"
	settings "guided/config"
	"guided/homeassistant"
	"guided/web"
)

func TestHAPackage(t *testing.T) {
	config := writeUserRoutines(t)
	_, sentences, _ := runCommand(t, "--config", config, "ha", "sentences")
	code, text, stderr := runCommand(t, "--config", config, "ha", "package")
	if code != cli.Done {
		t.Fatal(stderr)
	}
	file := parseYAML(t, text)
	scripts, _ := lookUp(file, "intent_script").(map[string]any)
	t.Run("every intent has a script, and every script an intent", func(t *testing.T) {
		var wanted, made []string
		for intent := range lookUp(parseYAML(t, sentences), "intents").(map[string]any) {
			wanted = append(wanted, intent)
		}
		for intent, script := range scripts {
			made = append(made, intent)
			if s, _ := lookUp(script, "speech", "text").(string); s == "" {
				t.Errorf("%s says nothing", intent)
			}
		}
		slices.Sort(wanted)
		slices.Sort(made)
		if !slices.Equal(wanted, made) {
			t.Errorf("%v, want %v", made, wanted)
		}
	})
	t.Run("commands go to the node of the settings", func(t *testing.T) {
		for _, s := range allStrings(file) {
			if topic := regexp.MustCompile(`\S+/command`).FindString(s); topic != "" && topic != "house/guided/attic/command" {
				t.Errorf("it publishes on %s", topic)
			}
		}
		if n := strings.Count(text, `"house/guided/attic/command"`); n != len(scripts) {
			t.Errorf("%d of %d scripts publish on our topic", n, len(scripts))
		}
	})
	t.Run("entity ids begin with the device's name", func(t *testing.T) {
		for _, id := range entityIDs(text) {
			if !strings.Contains(id, ".yoga_mat_") {
				t.Errorf("it names %s", id)
			}
		}
	})
	t.Run("every variable is a slot of a sentence", func(t *testing.T) {
		for _, name := range []string{"guided_routine", "minutes", "guided_verb", "volume", "change", "hour", "minute", "past", "before", "half"} {
			if !regexp.MustCompile(`[{:]` + name + `[:}]|\b` + name + `: `).MatchString(sentences) {
				t.Errorf("no sentence tells %s", name)
			}
		}
	})
	t.Run("written to a file in a new folder", func(t *testing.T) {
		to := filepath.Join(t.TempDir(), "packages", "guided.yaml")
		if code, out, stderr := runCommand(t, "--config", config, "ha", "package", "-o", to); code != cli.Done || out != "" {
			t.Fatal(out, stderr)
		}
		if data, err := os.ReadFile(to); err != nil || string(data) != text {
			t.Errorf("%v: %s", err, data)
		}
	})
}

// entityIDs lists the entity ids in a text, of the domains that guided uses.
func entityIDs(text string) []string {
	return regexp.MustCompile(`\b(?:sensor|number|select|button|event|scene|notify|switch|binary_sensor)\.[a-z0-9_]+`).FindAllString(text, -1)
}

func TestHABlueprint(t *testing.T) {
	config := writeUserRoutines(t)
	all, err := homeassistant.Blueprints()
	if err != nil || len(all) != 4 {
		t.Fatal(len(all), err)
	}
	t.Run("without a name: a list", func(t *testing.T) {
		_, out, _ := runCommand(t, "ha", "blueprint")
		_, listed, _ := runCommand(t, "--json", "ha", "blueprint")
		for _, b := range all {
			if !strings.Contains(out, b.Name+" ") || !strings.Contains(out, b.Title) || !strings.Contains(listed, fmt.Sprintf("%q", b.Name)) {
				t.Errorf("%s is not in\n%s%s", b.Name, out, listed)
			}
		}
	})
	for _, b := range all {
		t.Run(b.Name, func(t *testing.T) {
			code, text, stderr := runCommand(t, "--config", config, "ha", "blueprint", b.Name)
			if code != cli.Done {
				t.Fatal(stderr)
			}
			file := parseYAML(t, text)
			inputs := inputsOf(t, lookUp(file, "blueprint", "input"))
			if lookUp(file, "blueprint", "domain") != "automation" || lookUp(file, "mode") == nil || lookUp(file, "triggers") == nil || lookUp(file, "actions") == nil {
				t.Error("a part of an automation is missing")
			}
			if v := fmt.Sprint(lookUp(file, "blueprint", "homeassistant", "min_version")); !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(v) {
				t.Errorf("min_version %s", v)
			}
			used := map[string]bool{}
			for _, s := range allStrings(file) {
				if name, is := strings.CutPrefix(s, "!input "); is {
					used[name] = true
				}
			}
			for name, in := range inputs {
				if !used[name] {
					t.Errorf("nothing uses the input %s", name)
				}
				if lookUp(in, "name") == nil || lookUp(in, "selector") == nil {
					t.Errorf("the input %s has no name or selector", name)
				}
			}
			for name := range used {
				if inputs[name] == nil {
					t.Errorf("there is no input %s", name)
				}
			}
			if node := inputs["node"]; node != nil && lookUp(node, "default") != "house/guided/attic" {
				t.Errorf("it publishes on %v", lookUp(node, "default"))
			}
			if base := fmt.Sprint(lookUp(inputs["base"], "default")); b.Name == "speaker" && !regexp.MustCompile(`^http://192\.168\.1\.50:8099/audio/[0-9a-f]+/$`).MatchString(base) {
				t.Errorf("speakers are sent to %s", base)
			}
		})
	}
	t.Run("an address on loopback is not given to speakers", func(t *testing.T) {
		isolate(t)
		if _, text, _ := runCommand(t, "ha", "blueprint", "speaker"); strings.Contains(text, "127.0.0.1") {
			t.Error(text)
		}
	})
	t.Run("a token that only the daemon has is not made up", func(t *testing.T) {
		isolate(t)
		public := filepath.Join(t.TempDir(), "guided.toml")
		if err := os.WriteFile(public, []byte("[web]\nlisten = \"192.168.1.50:8099\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		code, text, stderr := runCommand(t, "--config", public, "ha", "blueprint", "speaker")
		if code != cli.Done || strings.Contains(text, "192.168.1.50:8099/audio") || !strings.Contains(stderr, "/info") || !strings.Contains(stderr, "as the user of the daemon") {
			t.Error(code, stderr)
		}
		if made, err := filepath.Glob(filepath.Join(settings.StateDir(), web.TokenFile)); err != nil || len(made) > 0 {
			t.Errorf("made: %v, %v", made, err)
		}
	})
	t.Run("an unknown name: the nearest is suggested", func(t *testing.T) {
		if code, _, stderr := runCommand(t, "ha", "blueprint", "light"); code != cli.Failed || !strings.Contains(stderr, `did you mean "lights"`) {
			t.Error(code, stderr)
		}
	})
}

// inputsOf returns the inputs of a blueprint, those in sections included.
func inputsOf(t *testing.T, v any) map[string]any {
	t.Helper()
	inputs := map[string]any{}
	for name, in := range v.(map[string]any) {
		if section := lookUp(in, "input"); section != nil {
			for name, in := range inputsOf(t, section) {
				inputs[name] = in
			}
			continue
		}
		inputs[name] = in
	}
	return inputs
}

// parseYAML parses a file made for Home Assistant with an independent parser. A tag such as !input becomes the text
// "!input NAME". A duplicate key is an error.
func parseYAML(t *testing.T, text string) map[string]any {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	replaceTags(&root)
	var v map[string]any
	if err := root.Decode(&v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return v
}

func replaceTags(n *yaml.Node) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		n.Value, n.Tag = n.Tag+" "+n.Value, "!!str"
	}
	for _, child := range n.Content {
		replaceTags(child)
	}
}

// lookUp returns the value at a path of keys and indices, nil where there is none.
func lookUp(v any, path ...any) any {
	for _, key := range path {
		switch k := key.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			list, _ := v.([]any)
			if k >= len(list) {
				return nil
			}
			v = list[k]
		}
	}
	return v
}

// allStrings returns every string value of a document.
func allStrings(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			all = append(all, allStrings(x)...)
		}
	case map[string]any:
		for _, x := range v {
			all = append(all, allStrings(x)...)
		}
	}
	return all
}

func TestHAPurge(t *testing.T) {
	m := newMachine(t, silentSettings)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	log := &syncBuffer{}
	ended := make(chan int, 1)
	go func() { ended <- cli.Run(ctx, []string{"--config", m.config, "serve"}, log, log) }()
	waitFor(t, "the discovery message", func() bool {
		return strings.Contains(strings.Join(retainedTopics(t, m.port), " "), "homeassistant/device/guided_")
	})
	t.Run("a second daemon with the same settings is refused", func(t *testing.T) {
		code, out := m.run("serve")
		if code != cli.Failed || !strings.Contains(out, "--config FILE") {
			t.Errorf("%d: %s", code, out)
		}
	})
	t.Run("purge while the daemon runs is refused", func(t *testing.T) {
		code, out := m.run("ha", "purge")
		if code != cli.Failed || !strings.Contains(out, "stop it first") || len(retainedTopics(t, m.port)) != 5 {
			t.Errorf("%d: %s; %v is left", code, out, retainedTopics(t, m.port))
		}
	})
	stop()
	if code := <-ended; code != cli.Done {
		t.Fatalf("%d: %s", code, log)
	}
	t.Run("purge after the daemon has stopped removes everything", func(t *testing.T) {
		code, out := m.run("ha", "purge")
		if code != cli.Done || strings.Count(out, "removed ") != 5 || !strings.Contains(out, "removed guided/mat/state\n") {
			t.Errorf("%d: %s", code, out)
		}
		if left := retainedTopics(t, m.port); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	})
	t.Run("a second purge finds nothing", func(t *testing.T) {
		if code, out := m.run("ha", "purge"); code != cli.Done || !strings.Contains(out, "keeps nothing of mat") {
			t.Errorf("%d: %s", code, out)
		}
	})
}

// userRoutineTitles are the titles of a user's routines, by name. Some have characters that could break YAML or a sentence.
var userRoutineTitles = map[string]string{
	"evening":  `My evening routine`,
	"mum":      `Mum's 5-minute stretch & breathe!`,
	"braces":   `[square] <sharp> (round) | 100% "quoted": yes # \ no`,
	"schulter": `Für die Schulter`,
	"yoga2":    `Yoga`,
	"broken":   ``,
}

// writeUserRoutines writes routines with these titles, and a settings file for them. It returns that file.
func writeUserRoutines(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, title := range userRoutineTitles {
		text := fmt.Sprintf("title = '''%s'''\n[[step]]\nrest = \"5s\"\n", title)
		if err := os.WriteFile(filepath.Join(dir, name+".toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "settings")
	text := fmt.Sprintf("node = \"attic\"\n[routines]\ndir = %q\n[mqtt]\nprefix = \"house/guided\"\n[homeassistant]\nname = \"Yoga Mat\"\n[web]\nlisten = \"192.168.1.50:8099\"\ntoken = \"a-token-of-this-house\"\n", dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"XDG_STATE_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, filepath.Join(dir, name))
	}
	return config
}
