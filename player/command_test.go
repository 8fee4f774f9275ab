package player_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"guided/player"
)

func TestDoAnswersEveryVerb(t *testing.T) {
	for _, c := range []struct{ words, idle, playing string }{ // want: "" is ok, else a part of the error
		{"start other", "", ""},
		{"start", "name a routine", ""}, // the routine that was started is selected
		{"start nothing", "no such routine", "no such routine"},
		{"start othr", `did you mean "other"`, `did you mean "other"`},
		{"start mixed for 1s", "at least", "at least"},
		{"start other for 1m", "at most 12s", "at most 12s"},
		{"select other", "", ""},
		{"select", "name a routine", "name a routine"},
		{"select nothing", "no such routine", "no such routine"},
		{"pause", "nothing is playing", ""},
		{"resume", "nothing is playing", ""},
		{"toggle", "name a routine", ""},
		{"stop", "", ""},
		{"next", "nothing is playing", ""},
		{"back", "nothing is playing", ""},
		{"repeat", "nothing is playing", ""},
		{"start other voice nobody", `voice: "nobody" is not known`, `voice: "nobody" is not known`},
		{"extend", "nothing is playing", ""},
		{"slower", "nothing is playing", ""},
		{"faster", "nothing is playing", ""},
		{"volume 40", "", ""},
		{"volume", "from 0 to 100", "from 0 to 100"},
		{"duck", "", ""},
		{"unduck", "", ""},
		{"say hello", "", ""},
		{"status", "", ""},
		{"", "", ""},
		{"strat mixed", `did you mean "start"`, `did you mean "start"`},
		{"jump", "unknown command", "unknown command"},
		{"xyzzy", "use one of start, select", "use one of start, select"},
	} {
		for _, playing := range []bool{false, true} {
			runPlayer(t, setup{}, func(st *harness) {
				want := c.idle
				if playing {
					want = c.playing
					st.mustDo("start mixed")
					st.pull(second)
				}
				r := st.do(c.words)
				verb, _, _ := strings.Cut(c.words, " ")
				if verb == "" {
					verb = "status"
				}
				if r.Command != verb {
					t.Errorf("%q is answered as %q", c.words, r.Command)
				}
				if want == "" && (r.Status != "ok" || r.Error != "") || want != "" && (r.Status != "error" || !strings.Contains(r.Error, want)) {
					t.Errorf("%q, playing: %v: %+v, want %q", c.words, playing, r, want)
				}
			})
		}
	}
}

func TestDoRepeatedIdempotentCommand(t *testing.T) {
	for _, words := range []string{"start mixed", "start mixed volume 30", "start mixed for 1m", "select other", "pause", "stop", "volume 30"} {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(second)
			first := st.do(words)
			st.pull(second)
			st.states = nil
			second := st.do(words)
			if second.Status != "ok" || !second.Unchanged {
				t.Errorf("%s again: %+v (first %+v)", words, second, first)
			}
			if len(st.states) > 0 {
				t.Errorf("%s again publishes a new state", words)
			}
		})
	}
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(second)
		if r := st.do("resume"); r.Status != "ok" || !r.Unchanged {
			t.Errorf("resume of what plays: %+v", r)
		}
	})
}

func TestDoRepeatedTransaction(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(second)
		next := `{"command":"next","transaction":"7"}`
		first := st.do(next)
		if first.Transaction != "7" || first.Status != "ok" {
			t.Errorf("%+v", first)
		}
		for range 3 {
			if again := st.do(next); again != first {
				t.Errorf("answered %+v, then %+v", first, again)
			}
		}
		st.pull(second)
		if s := st.wantState(player.Playing); s.Step != "Breathe" {
			t.Errorf("at %s", s.Step)
		}
		if r := st.do(`{"command":"stop","transaction":7}`); r.Status != "ok" || r.Transaction != "7" || r.Command != "stop" {
			t.Errorf("another command under an old name: %+v", r)
		}
		st.pullAll()
		st.wantState(player.Idle)
		bad := `{"command":"start","routine":"nothing","transaction":"8"}`
		if a, b := st.do(bad), st.do(bad); a != b || a.Status != "error" {
			t.Errorf("%+v, then %+v", a, b)
		}

		st.mustDo("start mixed")
		st.pull(second)
		time.Sleep(11 * time.Minute)
		st.do(next)
		st.pull(second)
		if s := st.wantState(player.Playing); s.Step != "Breathe" {
			t.Errorf("a remote that counts anew is ignored: at %s", s.Step)
		}
		for i := range 500 {
			st.do(fmt.Sprintf(`{"command":"status","transaction":"s%d"}`, i))
		}
	})
}

func TestDoConcurrentTransaction(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		var group sync.WaitGroup
		answers := make([]player.Response, 20)
		for i := range answers {
			group.Go(func() { answers[i] = st.p.DoPayload([]byte(`{"command":"toggle","transaction":"x"}`)) })
		}
		st.mustDo("select mixed")
		group.Wait()
		for _, a := range answers {
			if a != answers[0] {
				t.Errorf("%+v and %+v", a, answers[0])
			}
		}
	})
}

func TestDoExpiredCommand(t *testing.T) {
	for _, c := range []struct {
		age     time.Duration
		trusted bool
		ok      bool
	}{
		{0, true, true}, {29 * time.Second, true, true}, {31 * time.Second, true, false}, {31 * time.Second, false, true},
		{-time.Hour, true, true}, {24 * time.Hour, true, false},
	} {
		runPlayer(t, setup{clockTrusted: func() bool { return c.trusted }}, func(st *harness) {
			sent := time.Now().Add(-c.age)
			for _, stamp := range []string{
				fmt.Sprintf("%q", sent.Format(time.RFC3339Nano)), fmt.Sprintf("%q", sent.In(time.FixedZone("", 3600)).Format("2006-01-02 15:04:05.999999-07:00")),
				fmt.Sprint(sent.Unix()), fmt.Sprintf("%.3f", float64(sent.UnixMilli())/1000), fmt.Sprintf(`"%d"`, sent.Unix()),
			} {
				r := st.do(`{"command":"select","routine":"other","sent_at":` + stamp + `}`)
				if (r.Status == "ok") != c.ok {
					t.Errorf("%v old, %s, trusted %v: %+v", c.age, stamp, c.trusted, r)
				}
				if !c.ok && !strings.Contains(r.Error, "expire") {
					t.Errorf("says %q", r.Error)
				}
			}
		})
	}
}
