package e2e

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"guided/cli"
	"guided/player"
)

func TestDaemonWithMosquitto(t *testing.T) {
	m := newMachine(t, "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[voice]\nengine = \"none\"\n")
	writeRoutine(t, m, "short", shortRoutine)
	writeRoutine(t, m, "long", longRoutine)
	m.startDaemon()
	seen := m.observe()
	waitFor(t, "the first state", func() bool { return seen.lastState().State == player.Idle })

	t.Run("a start command: events and phases up to the end", func(t *testing.T) {
		if code, out := m.run("send", "start", "short"); code != cli.Done || out != "ok\n" {
			t.Fatalf("%d: %s", code, out)
		}
		waitFor(t, "the end", func() bool { return seen.sawEvent("routine_finished") })
		waitFor(t, "idle", func() bool { return seen.lastState().State == player.Idle })
		seen.mu.Lock()
		defer seen.mu.Unlock()
		var types []string
		for _, e := range seen.events {
			types = append(types, e.Type)
		}
		if got := strings.Join(types, " "); got != "routine_started step_started step_started routine_finished" {
			t.Errorf("events: %s", got)
		}
		if len(seen.phases) != 2 || seen.phases[0].Phase != "in" || seen.phases[1].Phase != "out" || seen.phases[1].At.Sub(seen.phases[0].At).Round(50*time.Millisecond) != time.Second {
			t.Errorf("phases: %+v", seen.phases)
		}
	})
	t.Run("start, pause, next, resume, stop", func(t *testing.T) {
		for _, step := range []struct {
			words string
			want  func(s player.State) bool
		}{
			{"start long volume 20", func(s player.State) bool { return s.State == player.Playing && s.Step == "First" && s.Volume == 20 }},
			{"pause", func(s player.State) bool { return s.State == player.Paused && s.EndsAt == nil }},
			{"next", func(s player.State) bool { return s.State == player.Paused && s.Step == "Second" }},
			{"resume", func(s player.State) bool { return s.State == player.Playing && s.Step == "Second" && s.EndsAt != nil }},
			{"stop", func(s player.State) bool { return s.State == player.Idle && s.Volume == 60 }},
		} {
			if code, out := m.run(append([]string{"send"}, strings.Fields(step.words)...)...); code != cli.Done {
				t.Fatalf("%s: %d: %s", step.words, code, out)
			}
			waitFor(t, "the state after "+step.words, func() bool { return step.want(seen.lastState()) })
		}
	})
	t.Run("status: what it does, and who told it what", func(t *testing.T) {
		code, out := m.run("status")
		if code != cli.Done || !strings.HasPrefix(out, "idle\n") || !strings.Contains(out, "MQTT guided/mat/command") || !strings.Contains(out, "start long") {
			t.Errorf("%d: %s", code, out)
		}
	})
	t.Run("a mistyped name: the response suggests the nearest", func(t *testing.T) {
		code, out := m.run("send", "start", "shrot")
		if code != cli.Failed || !strings.Contains(out, `did you mean "short"`) {
			t.Errorf("%d: %s", code, out)
		}
	})
	t.Run("the broker restarts during a session: the session goes on, the state is published again", func(t *testing.T) {
		if code, out := m.run("send", "start", "long"); code != cli.Done {
			t.Fatalf("%d: %s", code, out)
		}
		waitFor(t, "playing", func() bool { return seen.lastState().State == player.Playing })
		m.stopBroker()
		seen.forgetStates()
		m.startBroker()
		waitFor(t, "the state", func() bool { return seen.lastState().State == player.Playing && seen.lastState().Step == "First" })
		if code, out := m.run("send", "stop"); code != cli.Done {
			t.Fatalf("%d: %s", code, out)
		}
		waitFor(t, "idle", func() bool { return seen.lastState().State == player.Idle })
	})
	t.Run("a retained start is refused", func(t *testing.T) {
		requireProgram(t, "mosquitto_pub")
		if err := exec.Command("mosquitto_pub", "-p", m.port, "-r", "-q", "1", "-t", "guided/mat/command", "-m", "start long").Run(); err != nil {
			t.Fatal(err)
		}
		// The live copy is an ordinary command; the copy that the broker retains must start nothing.
		waitFor(t, "playing", func() bool { return seen.lastState().State == player.Playing })
		if code, out := m.run("send", "stop"); code != cli.Done {
			t.Fatalf("%d: %s", code, out)
		}
		waitFor(t, "idle", func() bool { return seen.lastState().State == player.Idle })
		second := newMachineOnBroker(t, m)
		second.startDaemon()
		seenBySecond := second.observe()
		waitFor(t, "the other daemon", func() bool { return seenBySecond.lastState().State != "" })
		if code, out := second.run("send", "status"); code != cli.Done { // the response comes after the retained command was handled
			t.Fatalf("%d: %s", code, out)
		}
		if s := seenBySecond.lastState().State; s != player.Idle || seenBySecond.sawEvent("routine_started") {
			t.Errorf("a retained command made it %s", s)
		}
	})
}
