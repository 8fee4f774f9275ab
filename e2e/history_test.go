package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guided/cli"
	"guided/config"
	"guided/history"
	"guided/player"
)

// history is the retained history of the daemon.
func (m *machine) history() (s history.Summary) {
	m.t.Helper()
	out, err := exec.Command("mosquitto_sub", "-p", m.port, "-C", "1", "-W", "60", "-t", "guided/mat/history").Output()
	if err != nil || json.Unmarshal(out, &s) != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
	return s
}

// TestHistory follows sessions from the daemon into its file, the broker, the command line, and through a deletion.
func TestHistory(t *testing.T) {
	requireProgram(t, "mosquitto_sub")
	m := newMachine(t, "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n")
	file := config.StateFile(history.FileName, m.config)
	if code, out := m.run("history"); code != cli.Done || !strings.Contains(out, "nothing has been done yet") {
		t.Errorf("%d: %s", code, out)
	}
	m.startDaemon()
	o := m.observe()
	waitFor(t, "the daemon", func() bool { return o.lastState().State == player.Idle })
	if s := m.history(); s.Sessions != 0 || s.Last != nil {
		t.Errorf("before anything: %+v", s)
	}
	hear := func() {
		t.Helper()
		if code, out := m.run("send", "start", "4-4-6"); code != cli.Done {
			t.Fatal(out)
		}
		waitFor(t, "sound", func() bool { return o.lastState().State == player.Playing })
		if code, out := m.run("send", "stop"); code != cli.Done {
			t.Fatal(out)
		}
		waitFor(t, "its end", func() bool { return o.lastState().State == player.Idle })
	}
	hear()
	waitFor(t, "the broker to know it", func() bool { return m.history().Sessions == 1 })
	s := m.history()
	if s.Last == nil || s.Last.Routine != "4-4-6" || s.Last.Finished || !strings.HasPrefix(s.Last.Reason, "stopped by MQTT") || !strings.HasPrefix(s.Last.From, "MQTT") || s.Last.Steps == 0 {
		t.Errorf("%+v", s.Last)
	}

	code, out := m.run("history")
	if code != cli.Done || !strings.Contains(out, "1 session") || !strings.Contains(out, s.Last.Title) || !strings.Contains(out, "stopped by MQTT") {
		t.Errorf("%d: %s", code, out)
	}
	code, out = m.run("history", "--csv", "--days", "1")
	if code != cli.Done || strings.Count(out, "\n") != 2 || !strings.Contains(out, "4-4-6") {
		t.Errorf("%d: %s", code, out)
	}
	code, out = m.run("--json", "history")
	var printed struct {
		Summary history.Summary
		Days    []history.DaySum
		Records []player.Record
	}
	if err := json.Unmarshal([]byte(out), &printed); code != cli.Done || err != nil || printed.Summary.Sessions != 1 || len(printed.Days) != 14 || len(printed.Records) != 1 {
		t.Errorf("%d, %v: %s", code, err, out)
	}
	if code, out := m.run("doctor"); !strings.Contains(out, "1 sessions, in "+file) {
		t.Errorf("%d: %s", code, out)
	}

	for _, refused := range [][]string{{"history", "--delete"}, {"history", "--yes"}, {"history", "--delete", "--csv"}, {"history", "--days", "-1"}} {
		if code, out := m.run(refused...); code != cli.Failed && code != cli.Misuse {
			t.Errorf("%v: %d: %s", refused, code, out)
		}
	}
	if code, out := m.run("history", "--delete", "--yes"); code != cli.Done || !strings.Contains(out, "1 sessions are deleted") {
		t.Errorf("%d: %s", code, out)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
	waitFor(t, "the broker to forget", func() bool { return m.history().Sessions == 0 })
	hear()
	waitFor(t, "the broker to know the next", func() bool { return m.history().Sessions == 1 })
}

// TestHistoryOfSessionThatEndsWithTheDaemon ends the daemon while a routine plays.
func TestHistoryOfSessionThatEndsWithTheDaemon(t *testing.T) {
	m := newMachine(t, "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n")
	file := config.StateFile(history.FileName, m.config)
	t.Run("daemon", func(t *testing.T) {
		within := *m
		within.t = t
		within.startDaemon()
		o := within.observe()
		waitFor(t, "the daemon", func() bool { return o.lastState().State == player.Idle })
		if code, out := m.run("send", "start", "4-4-6"); code != cli.Done {
			t.Fatal(out)
		}
		waitFor(t, "sound", func() bool { return o.lastState().State == player.Playing })
	})
	var records []player.Record
	if _, err := history.ReadFile(file, func(r player.Record) { records = append(records, r) }); err != nil {
		t.Fatal(err)
	}
	if len(records) != 1 || records[0].Reason != "guided is ending" || records[0].Heard == 0 {
		t.Errorf("%+v", records)
	}
}

// TestNoHistory keeps none, and says how to delete what is there.
func TestNoHistory(t *testing.T) {
	m := newMachine(t, "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[history]\nkeep = false\n")
	file := config.StateFile(history.FileName, m.config)
	if err := history.Append(file, player.Record{Routine: "before"}); err != nil {
		t.Fatal(err)
	}
	log := m.startDaemon()
	o := m.observe()
	waitFor(t, "the daemon", func() bool { return o.lastState().State == player.Idle })
	m.run("send", "start", "4-4-6")
	waitFor(t, "sound", func() bool { return o.lastState().State == player.Playing })
	m.run("send", "stop")
	waitFor(t, "its end", func() bool { return o.lastState().State == player.Idle })
	records := 0
	if _, err := history.ReadFile(file, func(player.Record) { records++ }); err != nil || records != 1 {
		t.Errorf("%d records, %v", records, err)
	}
	if !strings.Contains(log.String(), "guided history --delete") {
		t.Error(log.String())
	}
}

// Two daemons may share a state folder: each keeps the history of its own settings file, and the command line reads that.
func TestHistoryBelongsToItsSettings(t *testing.T) {
	dir := isolate(t)
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	if got := config.StateFile(history.FileName, ""); got != filepath.Join(dir, "state", "guided", "history.jsonl") {
		t.Fatalf("that of the standard settings is %s", got)
	}
	sessions := map[string]string{"": "of-the-standard"}
	for _, name := range []string{"bath", "kitchen"} {
		file := filepath.Join(dir, name+".toml")
		writeFile(t, file, "node = \""+name+"\"\n")
		sessions[file] = "of-the-" + name
	}
	for settings, routine := range sessions {
		if err := history.Append(config.StateFile(history.FileName, settings), player.Record{Routine: routine, Heard: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for settings, routine := range sessions {
		words := []string{"history", "--csv"}
		if settings != "" {
			words = append([]string{"--config", settings}, words...)
		}
		if code, out, _ := runCommand(t, words...); code != cli.Done || strings.Count(out, "of-the-") != 1 || !strings.Contains(out, routine) {
			t.Errorf("%q: %d: %s", settings, code, out)
		}
	}
}
