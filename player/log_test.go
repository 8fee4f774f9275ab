package player_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"guided/player"
)

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take is what was logged since the last call.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// Who finds in the morning that it spoke at night reads in the log what was heard, who asked for it, and why it ended.
func TestLogTellsWhoAndWhy(t *testing.T) {
	const button, page = "MQTT guided/mat/command", "the page, 192.168.1.4"
	give := func(st *harness, from, words string) {
		c, err := player.Parse([]byte(words))
		c.From = from
		st.p.DoParsed(c, err)
		st.pull(second)
	}
	for _, x := range []struct {
		situation string
		run       func(st *harness)
		want      []string // in one line each, in this order
	}{
		{"started and stopped", func(st *harness) { give(st, button, "start mixed"); give(st, page, "stop"); st.pullAll() }, []string{
			`msg="a command was carried out" verb=start from="` + button + `" routine=mixed`, `msg="a routine is heard" routine=mixed from="` + button + `" volume=100`,
			`msg="a command was carried out" verb=stop from="` + page + `"`, `msg="a routine has ended" routine=mixed reason="stopped by ` + page + `" from="` + button + `"`,
		}},
		{"stopped while paused", func(st *harness) {
			give(st, button, "start mixed")
			give(st, page, "pause")
			st.pullAll()
			give(st, page, "stop")
		}, []string{`reason="stopped by ` + page + `"`}},
		{"replaced", func(st *harness) { give(st, button, "start mixed"); give(st, page, "start other"); st.pullAll() }, []string{
			`msg="a routine has ended" routine=mixed reason="replaced by other by ` + page + `"`, `msg="a routine is heard" routine=other from="` + page + `"`,
			`msg="a routine has ended" routine=other reason=finished`,
		}},
		{"replaced while paused", func(st *harness) {
			give(st, button, "start mixed")
			give(st, page, "pause")
			st.pullAll()
			give(st, page, "start other")
		}, []string{`reason="replaced by other by ` + page + `"`}},
		{"the daemon ends", func(st *harness) { give(st, button, "start mixed"); st.stop() }, []string{`routine=mixed reason="guided is ending"`}},
		{"refused", func(st *harness) { give(st, button, "start nothing-like-it") }, []string{`msg="a command was refused" verb=start from="` + button + `" routine=nothing-like-it err=`}},
		{"not understood", func(st *harness) { give(st, button, "volume loud") }, []string{`msg="a command was refused" verb=volume from="` + button + `"`}},
		{"nothing to change", func(st *harness) { give(st, button, "stop") }, []string{`msg="a command changed nothing" verb=stop from="` + button + `"`}},
		{"nobody is named", func(st *harness) { give(st, "", "select other") }, []string{`verb=select from=unknown`}},
	} {
		t.Run(x.situation, func(t *testing.T) {
			var log lines
			runPlayer(t, setup{log: slog.NewTextHandler(&log, nil)}, func(st *harness) {
				x.run(st)
				rest := log.take()
				for _, want := range x.want {
					_, after, found := strings.Cut(rest, want)
					if !found {
						t.Errorf("no line with %s, in this order, in:\n%s", want, rest)
					}
					rest = after
				}
			})
		})
	}
}

// Who asks for the status is told the state and the last commands, with where they came from and why one was refused.
func TestStatusReport(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(second)
		st.do("start nothing-like-it")
		c, err := player.Parse([]byte("volume 30"))
		c.From = "the page, 192.168.1.4"
		st.p.DoParsed(c, err)
		r := st.do("status").Report
		if r == nil || r.State.State != player.Playing || r.State.Volume != 30 || len(r.Commands) != 3 {
			t.Fatalf("the report: %+v", r)
		}
		if g := r.Commands[1]; g.Verb != "start" || g.Routine != "nothing-like-it" || g.Error == "" || g.From != "unknown" {
			t.Errorf("the refused start: %+v", g)
		}
		if g := r.Commands[2]; g.Verb != "volume" || g.Error != "" || g.From != c.From || g.At.IsZero() {
			t.Errorf("the volume: %+v", g)
		}
		for range 50 {
			st.do("volume 31")
		}
		if last := st.p.Given(); len(last) != 20 || last[0].Verb != "volume" {
			t.Errorf("%d commands are remembered, the first one %q", len(last), last[0].Verb)
		}
	})
}
