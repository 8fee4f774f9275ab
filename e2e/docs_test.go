package e2e

import (
	"encoding/json"
	"fmt"
	"net"
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

// codeBlock is an example on a page of docs.
type codeBlock struct{ page, kind, text string }

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

// docsMachine is a person who tries what the pages say, with a daemon of his own.
type docsMachine struct {
	*machine
	observer *observer
}

// sendAndWait waits until what was sent was answered, and what it started is heard.
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
	p := newMachine(t, "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n")
	p.startDaemon()
	r := &docsMachine{p, p.observe()}
	waitFor(t, "the daemon", func() bool { return r.observer.lastState().State == player.Idle })
	answers := &syncBuffer{}
	listener := exec.Command("mosquitto_sub", "-p", p.port, "-t", "guided/mat/response")
	listener.Stdout = answers
	if err := listener.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Process.Kill(); listener.Wait() })
	waitFor(t, "the answers", func() bool {
		p.run("send", "status")
		return answers.String() != ""
	})

	t.Run("mqtt.md: every line does what it says", func(t *testing.T) {
		for _, example := range codeBlocks(t, "mqtt.md", "sh") {
			for line := range strings.Lines(example.text) {
				line = strings.TrimSpace(line)
				run := func() error {
					cmd := exec.Command("sh", "-c", regexp.MustCompile(`mosquitto_(pub|sub)`).ReplaceAllString(line, "$0 -p "+p.port))
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
	t.Run("node-red.md: the flow hangs together, and its buttons do what they say", func(t *testing.T) {
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
					t.Errorf("%s leads to %s, which is not there", n.ID, to)
				}
			}
			if n.Type == "mqtt in" && !slices.Contains([]string{"response", "event", "phase", "state", "info"}, strings.TrimPrefix(n.Topic, "guided/mat/")) {
				t.Errorf("nothing is sent on %s", n.Topic)
			}
			if n.Type == "inject" {
				r.sendAndWait(t, n.Payload, func() error {
					return exec.Command("mosquitto_pub", "-p", p.port, "-q", "1", "-t", topic, "-m", n.Payload).Run()
				})
			}
		}
	})
	made := p.discoveredEntities(t)
	t.Run("home-assistant.md: every file is YAML, every entity is made known, every command is carried out", func(t *testing.T) {
		for _, example := range codeBlocks(t, "home-assistant.md", "yaml") {
			file := parseYAML(t, "example:\n  "+strings.ReplaceAll(example.text, "\n", "\n  "))
			for _, id := range entityIDs(example.text) {
				if !slices.Contains(made, id) && !regexp.MustCompile(`^(scene\.turn_on|notify\.send_message)$`).MatchString(id) {
					t.Errorf("the daemon makes no %s known", id)
				}
			}
			for _, s := range allStrings(file) {
				if strings.HasPrefix(s, `{"command"`) {
					r.sendAndWait(t, s, func() error {
						return exec.Command("mosquitto_pub", "-p", p.port, "-q", "1", "-t", "guided/mat/command", "-m", s).Run()
					})
				}
			}
		}
	})
	t.Run("home-assistant.md: every call of guided works, and names entities that there are", func(t *testing.T) {
		examples := codeBlocks(t, "home-assistant.md", "sh")
		t.Chdir(t.TempDir())
		for _, example := range examples {
			for line := range strings.Lines(example.text) {
				args := strings.Fields(line)[1:]
				if code, out := p.run(args...); code != cli.Done {
					t.Errorf("%s%s", line, out)
				}
			}
		}
		text, err := os.ReadFile("packages/guided.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range entityIDs(string(text)) {
			if !slices.Contains(made, id) {
				t.Errorf("the daemon makes no %s known", id)
			}
		}
	})
	t.Run("home-assistant.md: the settings are known", func(t *testing.T) {
		for _, example := range codeBlocks(t, "home-assistant.md", "toml") {
			if _, err := config.Load(settingsFile(t, example.text)); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("topics.md: the events are those that Home Assistant is told of", func(t *testing.T) {
		for _, e := range eventMeanings {
			if !slices.Contains(made, "event type "+e[0]) {
				t.Errorf("%s is not", e[0])
			}
		}
	})
	if wrong := regexp.MustCompile(`.*"status":"error".*`).FindAllString(answers.String(), -1); wrong != nil {
		t.Errorf("refused: %s", strings.Join(wrong, "\n"))
	}
}

// discoveredEntities lists the entities, and the types of events, that the daemon makes known to Home Assistant.
func (p *machine) discoveredEntities(t *testing.T) (made []string) {
	t.Helper()
	out, err := exec.Command("mosquitto_sub", "-p", p.port, "-C", "1", "-W", "10", "-t", "homeassistant/device/+/config").Output()
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
		made = append(made, c.ID)
		for _, e := range c.Events {
			made = append(made, "event type "+e)
		}
	}
	return made
}

// The README's calls of the API are carried out as they stand, but for the port.
func TestReadmeAPICalls(t *testing.T) {
	curl := requireProgram(t, "curl")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	p := newMachine(t, "[audio]\noutput = \"null\"\n")
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	settings := strings.Replace(string(text), `listen = ""`, fmt.Sprintf("listen = %q", address), 1)
	if err := os.WriteFile(p.config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	log := p.startDaemon()
	waitFor(t, "the page", func() bool { return strings.Contains(log.String(), "the web server is ready") })

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
			endless := strings.Contains(line, "-N")
			if endless {
				line = "--max-time 1 " + line
			}
			out, err := exec.Command("sh", "-c", curl+" -sS "+line).Output()
			if err != nil && !endless {
				t.Fatal(err)
			}
			if !strings.Contains(strings.ReplaceAll(string(out), " ", ""), strings.ReplaceAll(wants[path], " ", "")) {
				t.Errorf("%s\nanswers %.300s", line, out)
			}
		})
	}
	if code, out := p.run("send", "stop"); code != cli.Done {
		t.Error(out)
	}
}
