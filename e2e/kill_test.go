package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/config"
	"guided/history"
	"guided/player"
)

// killedDaemon is a daemon in a process of its own, which is killed and begun again.
type killedDaemon struct {
	t       *testing.T
	program string
	machine *machine
	page    string
	cmd     *exec.Cmd
	log     *syncBuffer
	ended   chan struct{}
}

// begin begins the daemon, and returns when it answers.
func (d *killedDaemon) begin() {
	d.t.Helper()
	d.cmd = exec.Command(d.program, "--config", d.machine.config, "serve")
	d.log, d.ended = startProcess(d.t, d.cmd)
	waitFor(d.t, "the daemon", func() bool {
		r, err := http.Get(d.page + "/healthz")
		if err == nil {
			r.Body.Close()
		}
		return err == nil
	})
}

// end ends the daemon with a signal, and waits for its end.
func (d *killedDaemon) end(signal os.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(signal); err != nil {
		d.t.Fatalf("%v\n%s", err, d.log)
	}
	<-d.ended
}

func (d *killedDaemon) state() player.State {
	d.t.Helper()
	r, err := http.Get(d.page + "/api/state")
	if err != nil {
		d.t.Fatalf("%v\n%s", err, d.log)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body) // what is cut off is no state
	return decode[player.State](text)
}

func (d *killedDaemon) do(verb, keys string) player.Response {
	d.t.Helper()
	r, err := http.Post(d.page+"/api/"+verb, "application/json", strings.NewReader(keys))
	if err != nil {
		d.t.Fatalf("%v\n%s", err, d.log)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return decode[player.Response](text)
}

// files names the files of what is kept over a restart, the one before too.
func (d *killedDaemon) files() []string {
	names, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_STATE_HOME"), "guided", "place*.json*"))
	return names
}

// kept is what is in files.
func (d *killedDaemon) kept() [][]byte {
	var files [][]byte
	for _, name := range d.files() {
		if data, err := os.ReadFile(name); err == nil {
			files = append(files, data)
		}
	}
	return files
}

// recorded is how many sessions the history has, each of which is there once.
func (d *killedDaemon) recorded() int {
	d.t.Helper()
	ids := map[string]bool{}
	_, err := history.ReadFile(config.StateFile(history.FileName, d.machine.config), func(r player.Record) {
		if ids[r.ID] {
			d.t.Errorf("a second record of a session: %+v", r)
		}
		ids[r.ID] = true
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return len(ids)
}

// The daemon is killed at any moment: the next one can read what it left, offers what was heard and nothing else, at no
// later place, and nothing after a stop, but in the history.
func TestDaemonKilledAtAnyMoment(t *testing.T) {
	program := buildProgram(t)
	m := newMachine(t, silentSettings)
	d := &killedDaemon{t: t, program: program, machine: m, page: m.servePage()}
	writeRoutine(t, m, "long", longRoutine)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	rounds, offered := 8, 0
	if os.Getenv(longTests) != "" {
		rounds = 500
	}
	for round := range rounds {
		for _, name := range d.files() { // two crashes are none too many
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		what := fmt.Sprintf("seed %d, round %d", seed, round)
		d.begin()
		began, before := time.Now(), d.recorded()
		if r := d.do("start", `{"routine":"long","volume":20}`); r.Status != "ok" {
			t.Fatalf("%s: %+v", what, r)
		}
		stands := func() bool {
			for _, file := range d.kept() {
				if bytes.Contains(file, []byte(`"session":{"routine":"long"`)) {
					return true
				}
			}
			return false
		}
		stopped, written := false, false
		switch round % 4 {
		case 0: // at any moment
			<-time.After(time.Duration(r.IntN(500)) * time.Millisecond)
		case 1, 2: // while it is written down
			waitFor(t, "the place", stands)
			written = true
			<-time.After(time.Duration(r.IntN(50)) * time.Millisecond)
			if stopped = round%4 == 2; stopped {
				d.do("stop", "")
			}
		case 3: // right after a stop, in a write perhaps
			<-time.After(time.Duration(r.IntN(300)) * time.Millisecond)
			stopped = d.do("stop", "").Status == "ok"
		}
		d.end(os.Kill)
		heard := time.Since(began).Seconds()
		for _, file := range d.kept() {
			if !json.Valid(file) {
				t.Errorf("%s: a file is left that cannot be read: %q", what, file)
			}
		}
		if stopped && stands() {
			t.Errorf("%s: after a stop a session stands in a file", what)
		}
		d.begin()
		if written && !stopped {
			waitFor(t, what+": the offer", func() bool { return d.state().ResumeOffer != nil })
		}
		if written && stopped {
			waitFor(t, what+": the record", func() bool { return d.recorded() == before+1 })
		}
		s := d.state()
		switch o := s.ResumeOffer; {
		case s.State != player.Idle:
			t.Errorf("%s: it plays by itself: %+v", what, s)
		case o != nil && (stopped || o.Routine != "long" || o.Step != "First" || o.Position > heard):
			t.Errorf("%s: stopped %v, %.3f s were heard; it offers %+v", what, stopped, heard, o)
		case o != nil:
			offered++
			if r := d.do("resume", ""); r.Status != "ok" || !strings.Contains(r.Note, "goes on with Long at step 1 of 2, First") {
				t.Errorf("%s: %+v", what, r)
			}
			waitFor(t, what+": playing", func() bool { return d.state().State == player.Playing })
			if s := d.state(); s.Step != "First" || s.Volume != 20 {
				t.Errorf("%s: %+v", what, s)
			}
		}
		if log := d.log.String(); strings.Contains(log, "cannot be read") || strings.Contains(log, "cannot be written") {
			t.Errorf("%s: %s", what, log)
		}
		d.end(os.Kill)
	}
	if offered < rounds/4 {
		t.Errorf("only %d of %d rounds offered something", offered, rounds)
	}
}

// A restart in the middle of a routine, as an update makes it: with auto it goes on where it was.
func TestDaemonRestartedWhileItPlays(t *testing.T) {
	program := buildProgram(t)
	m := newMachine(t, silentSettings+"[resume]\nmode = \"ask\"\n")
	d := &killedDaemon{t: t, program: program, machine: m, page: m.servePage()}
	writeRoutine(t, m, "long", longRoutine)
	d.begin()
	d.do("volume", `{"volume":35}`)
	d.do("start", `{"routine":"long"}`)
	waitFor(t, "playing", func() bool { return d.state().State == player.Playing })
	d.do("next", "")
	waitFor(t, "the second step", func() bool { return d.state().Step == "Second" })
	d.end(os.Interrupt)
	d.begin()
	waitFor(t, "the offer", func() bool { return d.state().ResumeOffer != nil })
	if s := d.state(); s.ResumeOffer.Step != "Second" || s.Volume != 35 || s.Selected != "long" {
		t.Errorf("%+v, offers %+v", s, s.ResumeOffer)
	}
	d.do("stop", "")
	d.end(os.Interrupt)
	d.begin()
	waitFor(t, "what was selected", func() bool { return d.state().Selected == "long" })
	if s := d.state(); s.ResumeOffer != nil || s.Volume != 35 {
		t.Errorf("%+v", s)
	}
}
