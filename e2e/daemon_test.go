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
	p := newMachine(t, "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[voice]\nengine = \"none\"\n")
	writeRoutine(t, p, "short", shortRoutine)
	writeRoutine(t, p, "long", longRoutine)
	p.startDaemon()
	f := p.observe()
	waitFor(t, "the first state", func() bool { return f.lastState().State == player.Idle })

	t.Run("a button starts a routine, and it is told to its end", func(t *testing.T) {
		if code, out := p.run("send", "start", "short"); code != cli.Done || out != "ok\n" {
			t.Fatalf("%d: %s", code, out)
		}
		waitFor(t, "the end", func() bool { return f.sawEvent("routine_finished") })
		waitFor(t, "idle", func() bool { return f.lastState().State == player.Idle })
		f.mu.Lock()
		defer f.mu.Unlock()
		var types []string
		for _, e := range f.events {
			types = append(types, e.Type)
		}
		if got := strings.Join(types, " "); got != "routine_started step_started step_started routine_finished" {
			t.Errorf("events: %s", got)
		}
		if len(f.phases) != 2 || f.phases[0].Phase != "in" || f.phases[1].Phase != "out" || f.phases[1].At.Sub(f.phases[0].At).Round(50*time.Millisecond) != time.Second {
			t.Errorf("phases: %+v", f.phases)
		}
	})
	t.Run("pause, next and stop from another room", func(t *testing.T) {
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
			if code, out := p.run(append([]string{"send"}, strings.Fields(step.words)...)...); code != cli.Done {
				t.Fatalf("%s: %d: %s", step.words, code, out)
			}
			waitFor(t, "the state after "+step.words, func() bool { return step.want(f.lastState()) })
		}
	})
	t.Run("a name mistyped is answered with the nearest", func(t *testing.T) {
		code, out := p.run("send", "start", "shrot")
		if code != cli.Failed || !strings.Contains(out, `did you mean "short"`) {
			t.Errorf("%d: %s", code, out)
		}
	})
	t.Run("the broker is restarted in mid-routine: the sound goes on, the state is right again", func(t *testing.T) {
		if code, out := p.run("send", "start", "long"); code != cli.Done {
			t.Fatalf("%d: %s", code, out)
		}
		waitFor(t, "playing", func() bool { return f.lastState().State == player.Playing })
		p.stopBroker()
		f.mu.Lock()
		f.states = nil
		f.mu.Unlock()
		p.startBroker()
		waitFor(t, "the state", func() bool { return f.lastState().State == player.Playing && f.lastState().Step == "First" })
		if code, out := p.run("send", "stop"); code != cli.Done {
			t.Fatalf("%d: %s", code, out)
		}
		waitFor(t, "idle", func() bool { return f.lastState().State == player.Idle })
	})
	t.Run("a retained start is refused", func(t *testing.T) {
		requireProgram(t, "mosquitto_pub")
		if err := exec.Command("mosquitto_pub", "-p", p.port, "-r", "-q", "1", "-t", "guided/mat/command", "-m", "start long").Run(); err != nil {
			t.Fatal(err)
		}
		// The live copy is a command like any other; the one that the broker keeps must never start anything.
		waitFor(t, "playing", func() bool { return f.lastState().State == player.Playing })
		if code, out := p.run("send", "stop"); code != cli.Done {
			t.Fatalf("%d: %s", code, out)
		}
		waitFor(t, "idle", func() bool { return f.lastState().State == player.Idle })
		second := newMachineOnBroker(t, p)
		second.startDaemon()
		g := second.observe()
		waitFor(t, "the other daemon", func() bool { return g.lastState().State != "" })
		if code, out := second.run("send", "status"); code != cli.Done { // answered after the retained one was looked at
			t.Fatalf("%d: %s", code, out)
		}
		if s := g.lastState().State; s != player.Idle || g.sawEvent("routine_started") {
			t.Errorf("a retained command made it %s", s)
		}
	})
}
