package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"guided/cli"
	"guided/config"
	"guided/player"
)

// codeBlock is a fenced block of a page in docs: the language, such as sh, and the text.
type codeBlock struct{ page, kind, text string }

// codeBlocks returns the blocks of one language on a page; none is an error.
func codeBlocks(t *testing.T, page, kind string) (all []codeBlock) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../docs", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(data), -1) {
		if m[1] == kind {
			all = append(all, codeBlock{page, kind, m[2]})
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no example in %s", page, kind)
	}
	return all
}

// docsMachine runs the daemon on which the examples are tried.
type docsMachine struct {
	*machine
	observer *observer
}

// sendAndWait calls send, which sends payload, and waits until the daemon's state shows that it was carried out.
func (r *docsMachine) sendAndWait(t *testing.T, payload string, send func() error) {
	t.Helper()
	c, err := player.Parse([]byte(payload))
	if err != nil {
		t.Errorf("%s: %v", payload, err)
		return
	}
	if err := send(); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	want := map[string]player.Status{"start": player.Playing, "pause": player.Paused, "resume": player.Playing, "stop": player.Idle}[c.Verb]
	waitFor(t, payload+" to be carried out", func() bool {
		s := r.observer.lastState()
		return (want == "" || s.State == want) && (c.Routine == "" || strings.EqualFold(s.Routine, c.Routine) || strings.EqualFold(s.Title, c.Routine)) &&
			(c.Volume == nil || s.Volume == *c.Volume)
	})
}

func TestDocsExamples(t *testing.T) {
	requireProgram(t, "mosquitto_pub")
	requireProgram(t, "espeak-ng")
	m := newMachine(t, "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[[schedule]]\nname = \"Morning\"\nroutine = \"morning\"\nat = \"00:00\"\n")
	m.startDaemon()
	r := &docsMachine{m, m.observe()}
	waitFor(t, "the daemon", func() bool { return r.observer.lastState().State == player.Idle })
	responses := &syncBuffer{}
	subscriber := exec.Command("mosquitto_sub", "-p", m.port, "-t", "guided/mat/response")
	subscriber.Stdout = responses
	if err := subscriber.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { subscriber.Process.Kill(); subscriber.Wait() })
	waitFor(t, "the first response", func() bool {
		m.run("send", "status")
		return responses.String() != ""
	})

	t.Run("mqtt.md: every command line works", func(t *testing.T) {
		for _, example := range codeBlocks(t, "mqtt.md", "sh") {
			for line := range strings.Lines(example.text) {
				line = strings.TrimSpace(line)
				run := func() error {
					cmd := exec.Command("sh", "-c", regexp.MustCompile(`mosquitto_(pub|sub)`).ReplaceAllString(line, "$0 -p "+m.port))
					out, err := cmd.Output()
					if strings.Contains(line, "state") && json.Unmarshal(out, &player.State{}) != nil || strings.Contains(line, "info") && json.Unmarshal(out, &player.Info{}) != nil {
						return fmt.Errorf("it prints %s", out)
					}
					return err
				}
				if payload := regexp.MustCompile(` -m (?:'(.*)'|(\w+))$`).FindStringSubmatch(line); payload != nil {
					r.sendAndWait(t, payload[1]+payload[2], run)
				} else if err := run(); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		}
	})
	t.Run("node-red.md: the flow is complete, and its commands are carried out", func(t *testing.T) {
		var nodes []struct {
			ID, Type, Topic, Payload, Broker, Z string
			Wires                               [][]string
		}
		if err := json.Unmarshal([]byte(codeBlocks(t, "node-red.md", "json")[0].text), &nodes); err != nil {
			t.Fatal(err)
		}
		ids, topic := map[string]bool{}, ""
		for _, n := range nodes {
			ids[n.ID] = true
			if n.Type == "mqtt out" {
				topic = n.Topic
			}
		}
		for _, n := range nodes {
			for _, to := range append(slices.Concat(n.Wires...), n.Broker, n.Z) {
				if to != "" && !ids[to] && n.Type != "mqtt-broker" {
					t.Errorf("%s is wired to %s, which does not exist", n.ID, to)
				}
			}
			if n.Type == "mqtt in" && !slices.Contains([]string{"response", "event", "phase", "state", "info"}, strings.TrimPrefix(n.Topic, "guided/mat/")) {
				t.Errorf("nothing is sent on %s", n.Topic)
			}
			if n.Type == "inject" {
				r.sendAndWait(t, n.Payload, func() error {
					return exec.Command("mosquitto_pub", "-p", m.port, "-q", "1", "-t", topic, "-m", n.Payload).Run()
				})
			}
		}
	})
	entities := m.discoveredEntities(t)
	t.Run("home-assistant.md: every file is YAML, every entity is discovered, every command is carried out", func(t *testing.T) {
		for _, example := range codeBlocks(t, "home-assistant.md", "yaml") {
			file := parseYAML(t, "example:\n  "+strings.ReplaceAll(example.text, "\n", "\n  "))
			for _, id := range entityIDs(example.text) {
				if !slices.Contains(entities, id) && !regexp.MustCompile(`^(scene\.turn_on|switch\.turn_|notify\.send_message)$`).MatchString(id) {
					t.Errorf("the daemon announces no %s", id)
				}
			}
			for _, s := range allStrings(file) {
				if strings.HasPrefix(s, `{"command"`) {
					r.sendAndWait(t, s, func() error {
						return exec.Command("mosquitto_pub", "-p", m.port, "-q", "1", "-t", "guided/mat/command", "-m", s).Run()
					})
				}
			}
		}
	})
	t.Run("home-assistant.md: the table has every entity, and no other", func(t *testing.T) {
		page, err := os.ReadFile("../docs/home-assistant.md")
		if err != nil {
			t.Fatal(err)
		}
		named := map[string]bool{}
		for line := range strings.Lines(string(page)) {
			first := ""
			for _, m := range regexp.MustCompile("`([a-z_]+\\.guided[a-z0-9_]*|_[a-z_]+)`").FindAllStringSubmatch(strings.SplitN(line+"| |", "|", 3)[1], -1) {
				if strings.HasPrefix(m[1], "_") {
					m[1] = first[:strings.Index(first, "guided")+len("guided")] + m[1]
				} else {
					first = m[1]
				}
				named[m[1]] = true
			}
		}
		for id := range named {
			if !slices.Contains(entities, id) {
				t.Errorf("the daemon announces no %s", id)
			}
		}
		for _, id := range entities {
			if !named[id] && !strings.HasPrefix(id, "scene.") && !strings.HasPrefix(id, "event type ") {
				t.Errorf("%s is missing", id)
			}
		}
	})
	t.Run("home-assistant.md: every command line works, and names discovered entities", func(t *testing.T) {
		examples := codeBlocks(t, "home-assistant.md", "sh")
		t.Chdir(t.TempDir())
		for _, example := range examples {
			for line := range strings.Lines(example.text) {
				args := strings.Fields(line)[1:]
				if code, out := m.run(args...); code != cli.Done {
					t.Errorf("%s%s", line, out)
				}
			}
		}
		text, err := os.ReadFile("packages/guided.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range entityIDs(string(text)) {
			if !slices.Contains(entities, id) {
				t.Errorf("the daemon announces no %s", id)
			}
		}
	})
	t.Run("home-assistant.md, schedule.md: the settings are valid", func(t *testing.T) {
		for _, example := range append(codeBlocks(t, "home-assistant.md", "toml"), codeBlocks(t, "schedule.md", "toml")...) {
			if _, err := config.Load(settingsFile(t, example.text)); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("topics.md: the events are those of the event entity", func(t *testing.T) {
		for _, e := range eventMeanings {
			if !slices.Contains(entities, "event type "+e[0]) {
				t.Errorf("%s is not", e[0])
			}
		}
	})
	if wrong := regexp.MustCompile(`.*"status":"error".*`).FindAllString(responses.String(), -1); wrong != nil {
		t.Errorf("refused: %s", strings.Join(wrong, "\n"))
	}
}

// discoveredEntities lists the default entity ids in the daemon's discovery message, and the types of its event entity as
// "event type NAME".
func (m *machine) discoveredEntities(t *testing.T) (entities []string) {
	t.Helper()
	out, err := exec.Command("mosquitto_sub", "-p", m.port, "-C", "1", "-W", "60", "-t", "homeassistant/device/+/config").Output()
	if err != nil {
		t.Fatal(err)
	}
	var device struct {
		Components map[string]struct {
			ID     string   `json:"def_ent_id"`
			Events []string `json:"evt_typ"`
		} `json:"cmps"`
	}
	if err := json.Unmarshal(out, &device); err != nil {
		t.Fatal(err)
	}
	for _, c := range device.Components {
		entities = append(entities, c.ID)
		for _, e := range c.Events {
			entities = append(entities, "event type "+e)
		}
	}
	return entities
}

// TestReadmeAPICalls runs the README's calls of the web API as they stand, but for the port.
func TestReadmeAPICalls(t *testing.T) {
	curl := requireProgram(t, "curl")
	address := unusedAddress(t)
	m := newMachine(t, "[audio]\noutput = \"null\"\n")
	text, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	settings := strings.Replace(string(text), `listen = ""`, fmt.Sprintf("listen = %q", address), 1)
	if err := os.WriteFile(m.config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	log := m.startDaemon()
	waitFor(t, "the page", func() bool {
		if strings.Contains(log.String(), "there is no page") {
			t.Fatal(log.String())
		}
		return strings.Contains(log.String(), "the web server is ready")
	})

	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	wants := map[string]string{
		"/api/state": `"state":"idle"`, "/api/events": "event: state", "/api/routines": `"name":"4-4-6"`,
		"/api/start": `{"status":"ok","command":"start"}`, "/healthz": "ok",
	}
	calls := regexp.MustCompile(`(?m)^    curl (.*)$`).FindAllStringSubmatch(string(page), -1)
	if len(calls) != len(wants) {
		t.Fatalf("%d calls, want %d", len(calls), len(wants))
	}
	for _, call := range calls {
		line := strings.ReplaceAll(call[1], "127.0.0.1:8099", address)
		path := line[strings.Index(line, address)+len(address):]
		t.Run(path, func(t *testing.T) {
			last := ""
			defer func() {
				if t.Failed() {
					t.Logf("it printed %.300s", last)
				}
			}()
			answered := func(out string) bool {
				last = out
				return strings.Contains(strings.ReplaceAll(out, " ", ""), strings.ReplaceAll(wants[path], " ", ""))
			}
			if strings.Contains(line, "-N") { // the stream of events has no end
				out := &syncBuffer{}
				cmd := exec.Command("sh", "-c", "exec "+curl+" -sS "+line)
				cmd.Stdout = out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				defer cmd.Wait()
				defer cmd.Process.Kill()
				waitFor(t, line+" to print "+wants[path], func() bool { return answered(out.String()) })
				return
			}
			waitFor(t, line+" to print "+wants[path], func() bool { // the daemon reads its library after its start
				out, err := exec.Command("sh", "-c", curl+" -sS "+line).Output()
				if err != nil {
					t.Fatal(err)
				}
				return answered(string(out))
			})
		})
	}
	if code, out := m.run("send", "stop"); code != cli.Done {
		t.Error(out)
	}
}
