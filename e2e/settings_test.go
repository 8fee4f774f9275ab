package e2e

import (
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	"guided/cli"
	"guided/player"
)

// Settings are read again when their file changes, and at a hangup: what can be taken over at once is, what cannot says so, and a
// mistake leaves everything as it was. A routine that is heard goes on meanwhile.
func TestSettingsAreReadAgain(t *testing.T) {
	program := buildProgram(t)
	caught := make(chan os.Signal, 1) // under nohup the daemon would ignore it; one that is caught here it does not
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	m := newMachine(t, silentSettings)
	writeRoutine(t, m, "long", longRoutine)
	daemon := exec.Command(program, "--config", m.config, "serve")
	log, _ := startProcess(t, daemon)
	seen := m.observe()
	waitFor(t, "the first state", func() bool { return seen.lastState().State == player.Idle })
	if code, out := m.run("send", "start", "long"); code != cli.Done {
		t.Fatalf("%d: %s", code, out)
	}
	waitFor(t, "playing", func() bool { return seen.lastState().State == player.Playing })
	text, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	original := string(text)
	replace := func(text string) { // as an editor does
		t.Helper()
		writeFile(t, m.config+".new", text)
		if err := os.Rename(m.config+".new", m.config); err != nil {
			t.Fatal(err)
		}
	}
	logged := func(what string) {
		t.Helper()
		waitFor(t, "the log to say "+what, func() bool { return strings.Contains(log.String(), what) })
	}
	louder := strings.Replace(original, "[audio]\n", "[audio]\nvolume = 37\n", 1)

	t.Run("the file is replaced", func(t *testing.T) {
		replace(louder)
		waitFor(t, "the volume", func() bool { return seen.lastState().Volume == 37 })
		logged("changed=audio.volume")
	})
	t.Run("the file is written in place", func(t *testing.T) {
		writeFile(t, m.config, strings.Replace(louder, "37", "38", 1))
		waitFor(t, "the volume", func() bool { return seen.lastState().Volume == 38 })
	})
	t.Run("a mistake: everything stays, and the log names it", func(t *testing.T) {
		replace(strings.Replace(louder, "volume = 37", "volume = 12\nvolum = 3", 1))
		logged("unknown setting audio.volum")
		if v := seen.lastState().Volume; v != 38 {
			t.Errorf("the volume is %d", v)
		}
	})
	t.Run("the file is gone for a moment", func(t *testing.T) {
		if err := os.Remove(m.config); err != nil {
			t.Fatal(err)
		}
		logged("no such file")
		replace(strings.Replace(louder, "37", "39", 1))
		waitFor(t, "the volume", func() bool { return seen.lastState().Volume == 39 })
	})
	t.Run("what needs a restart says so", func(t *testing.T) {
		replace(strings.Replace(louder, "[audio]\n", "[audio]\nquiet = \"22:00-07:00\"\n", 1) + "[log]\nlevel = \"debug\"\n[satellite]\nurl = \"ws://127.0.0.1:1\"\n")
		logged("changed=satellite.url")
		logged("log.level")
		logged("audio.quiet")
	})
	t.Run("the schedule, the history, lost sessions and keys", func(t *testing.T) {
		replace(original + "[history]\nkeep = false\n[resume]\nmode = \"auto\"\nwithin = \"45m\"\n[keys]\ndevices = []\n[keys.map]\nKEY_PLAY = \"stop\"\n" +
			"[[schedule]]\nname = \"Noon\"\nroutine = \"long\"\nat = \"12:00\"\nnight = true\n")
		logged("schedule")
		for _, key := range []string{"history.keep", "resume.mode", "resume.within", "keys.devices", "keys.map"} {
			logged(key)
		}
		if strings.Contains(log.String(), "next start: restart guided\" changed=schedule") || strings.Contains(log.String(), "changed=history.keep\n") {
			t.Error(log.String())
		}
		send := func(want string, words ...string) {
			t.Helper()
			waitFor(t, want, func() bool {
				_, out := m.run(append([]string{"send"}, words...)...)
				return strings.Contains(out, want)
			})
		}
		send("Noon is off", "schedule", "off", "noon")
		waitFor(t, "the topic of the history to be cleared", func() bool { return !slices.Contains(retainedTopics(t, m.port), "guided/mat/history") })
		replace(original + "[[schedule]]\nname = \"Noon\"\nroutine = \"long\"\nat = \"12:01\"\n")
		send("Noon is on", "schedule", "on", "noon")
		waitFor(t, "the topic of the history to be back", func() bool { return slices.Contains(retainedTopics(t, m.port), "guided/mat/history") })
		before := strings.Count(log.String(), "not taken over")
		replace(original + "[[schedule]]\nname = \"Noon\"\nroutine = \"long\"\nat = \"noon\"\n")
		waitFor(t, "the error", func() bool { return strings.Count(log.String(), "not taken over") > before })
		logged(m.config + ":")
		replace(original)
	})
	t.Run("a hangup", func(t *testing.T) {
		before := strings.Count(log.String(), "not taken over")
		replace("[audio\n")
		waitFor(t, "the error", func() bool { return strings.Count(log.String(), "not taken over") > before })
		if err := daemon.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the error again", func() bool { return strings.Count(log.String(), "not taken over") > before+1 })
	})
	if s := seen.lastState(); s.State != player.Playing || seen.sawEvent("routine_stopped") {
		t.Errorf("the routine that was heard is %s", s.State)
	}
}
