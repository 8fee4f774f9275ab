package player_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/player"
)

// The program may end at any moment: what sounds leaves in a fade, Run returns, and the last state told is idle.
func TestRunCancelled(t *testing.T) {
	for _, c := range []struct {
		situation string
		before    func(st *harness)
		told      string
	}{
		{"idle", func(st *harness) {}, ""},
		{"just asked to start", func(st *harness) { st.p.Order([]byte("start mixed")) }, ""},
		{"not pulled yet", func(st *harness) { st.mustDo("start mixed") }, ""},
		{"playing", func(st *harness) { st.mustDo("start mixed"); st.pull(second) }, "routine_stopped"},
		{"coming back", func(st *harness) {
			st.mustDo("start mixed")
			st.pull(second)
			st.mustDo("pause")
			st.pullAll()
			st.mustDo("resume")
			st.pull(second / 4)
		}, "routine_stopped"},
		{"skipping", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("next"); st.pull(100) }, "routine_stopped"},
		{"pausing", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("pause") }, "routine_stopped"},
		{"paused", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("pause"); st.pullAll() }, "routine_stopped"},
		{"stopping", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("stop") }, "routine_stopped"},
		{"replacing", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("start other") }, "routine_stopped"},
		{"the device away", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.failDevice(errUnplugged) }, "routine_stopped"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
				c.before(st)
				synctest.Wait()
				st.takeEvents()
				st.stop()
				if c.told == "" {
					st.wantEvents("")
				} else if got := st.takeEvents(); got != c.told && got != "paused, "+c.told {
					t.Errorf("told %s, want %s", got, c.told)
				}
				if s := st.wantState(player.Idle); s != st.states[len(st.states)-1] && c.told != "" {
					t.Errorf("the last state told is %+v", st.states[len(st.states)-1])
				}
				for _, h := range st.out.plays {
					if n := len(h.samples); n > 0 && !h.failed && (h.heard < n || math.Abs(h.samples[n-1]) > 1e-4) {
						t.Errorf("of %d samples %d were heard, the last is %g", n, h.heard, h.samples[n-1])
					}
				}
				if r := st.p.Do(player.Command{Verb: "status"}); r.Status != "ok" {
					t.Errorf("afterwards: %+v", r)
				}
			})
		})
	}
}

// A device that takes nothing any more does not keep the program from ending.
func TestRunCancelledWithDeviceHanging(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(second)
		st.cancelRun()
		time.Sleep(3 * time.Second)
		select {
		case <-st.ended:
		default:
			t.Error("Run waits for the device")
		}
	})
}
