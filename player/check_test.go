package player_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What systemd's watchdog is told: a player that can play answers, whatever it does just now, and one whose output hangs does not.
func TestCheck(t *testing.T) {
	for _, x := range []struct {
		situation string
		before    func(st *harness)
		answers   bool
	}{
		{"idle", func(st *harness) {}, true},
		{"playing", func(st *harness) { st.mustDo("start mixed"); st.pull(second) }, true},
		{"paused", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("pause"); st.pullAll() }, true},
		{"stopped", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.mustDo("stop"); st.pullAll() }, true},
		{"the device is away", func(st *harness) { st.mustDo("start mixed"); st.pull(second); st.failDevice(errUnplugged) }, true},
		{"the output pulls nothing any more", func(st *harness) { st.mustDo("start mixed"); st.pull(second) }, false},
		{"the output never began to pull", func(st *harness) { st.mustDo("start mixed") }, false},
	} {
		t.Run(x.situation, func(t *testing.T) {
			runPlayer(t, setup{}, func(st *harness) {
				x.before(st)
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				defer cancel()
				answer := make(chan error, 1)
				go func() { answer <- st.p.Check(ctx) }()
				synctest.Wait()
				if x.answers {
					st.pull(second)
				}
				if err := <-answer; (err == nil) != x.answers {
					t.Errorf("the answer was %v", err)
				}
			})
		})
	}
}
