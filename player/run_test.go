package player_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/player"
)

// The program may end at any moment: what sounds leaves in a fade, Run returns, and the last state told is idle.
func TestRunEnds(t *testing.T) {
	for _, c := range []struct {
		situation string
		before    func(st *stage)
		told      string
	}{
		{"idle", func(st *stage) {}, ""},
		{"just asked to start", func(st *stage) { st.p.Order([]byte("start mixed")) }, ""},
		{"not pulled yet", func(st *stage) { st.ok("start mixed") }, ""},
		{"playing", func(st *stage) { st.ok("start mixed"); st.hear(second) }, "routine_stopped"},
		{"coming back", func(st *stage) {
			st.ok("start mixed")
			st.hear(second)
			st.ok("pause")
			st.drain()
			st.ok("resume")
			st.hear(second / 4)
		}, "routine_stopped"},
		{"skipping", func(st *stage) { st.ok("start mixed"); st.hear(second); st.ok("next"); st.hear(100) }, "routine_stopped"},
		{"pausing", func(st *stage) { st.ok("start mixed"); st.hear(second); st.ok("pause") }, "routine_stopped"},
		{"paused", func(st *stage) { st.ok("start mixed"); st.hear(second); st.ok("pause"); st.drain() }, "routine_stopped"},
		{"stopping", func(st *stage) { st.ok("start mixed"); st.hear(second); st.ok("stop") }, "routine_stopped"},
		{"replacing", func(st *stage) { st.ok("start mixed"); st.hear(second); st.ok("start other") }, "routine_stopped"},
		{"the device away", func(st *stage) { st.ok("start mixed"); st.hear(second); st.lose(errGone) }, "routine_stopped"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			perform(t, props{depth: audio.Depth}, func(st *stage) {
				c.before(st)
				synctest.Wait()
				st.told()
				st.stopRun()
				if c.told == "" {
					st.tells("")
				} else if got := st.told(); got != c.told && got != "paused, "+c.told {
					t.Errorf("told %s, want %s", got, c.told)
				}
				if s := st.is(player.Idle); s != st.states[len(st.states)-1] && c.told != "" {
					t.Errorf("the last state told is %+v", st.states[len(st.states)-1])
				}
				for _, h := range st.ear.plays {
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
func TestRunEndsThoughTheDeviceHangs(t *testing.T) {
	perform(t, props{}, func(st *stage) {
		st.ok("start mixed")
		st.hear(second)
		st.end()
		time.Sleep(3 * time.Second)
		select {
		case <-st.ended:
		default:
			t.Error("Run waits for the device")
		}
	})
}

// Observers that never read do not hold up the sound; what they read at last is the newest.
func TestObserversThatNeverRead(t *testing.T) {
	perform(t, props{silence: true, files: shelf(map[string]string{"steady": steady, "other": other})}, func(st *stage) {
		ctx, leave := context.WithCancel(context.Background())
		feed := st.p.Watch(ctx)
		st.ear.block = audio.Depth
		st.ok("start steady")
		for range 110 {
			st.hear(landing + fade)
			st.ok("repeat")
		}
		st.ok("start other")
		st.drain()
		st.hear(second)
		if n := len(st.ear.heard()); n != 110*(landing+fade)+fade+second {
			t.Errorf("%d samples were heard", n)
		}
		if s := <-feed.States; s.Routine != "other" || s.State != player.Playing {
			t.Errorf("the newest state is %+v", s)
		}
		if i := <-feed.Infos; len(i.Routines) != 2 {
			t.Errorf("the newest info is %+v", i)
		}
		var last player.Event
		n := len(feed.Events)
		for range n {
			last = <-feed.Events
		}
		if n != 100 || last.Step != "Rest" {
			t.Errorf("%d events are kept, the last one %+v", n, last)
		}
		if len(feed.Phases) != 100 {
			t.Errorf("%d phases are kept", len(feed.Phases))
		}
		leave()
		synctest.Wait()
		if _, open := <-feed.States; open {
			t.Error("the states are still open")
		}
		if _, open := <-feed.Infos; open {
			t.Error("the infos are still open")
		}
		if _, open := <-feed.Events; open {
			t.Error("the events are still open")
		}
		for range feed.Phases {
		}
		st.ok("stop")
	})
}

func TestAFeedBeginsWithTheStateOfTheMoment(t *testing.T) {
	perform(t, props{}, func(st *stage) {
		st.ok("start mixed")
		st.hear(second)
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		feed := st.p.Watch(ctx)
		if s := <-feed.States; s.State != player.Playing || s.Routine != "mixed" {
			t.Errorf("%+v", s)
		}
		if i := <-feed.Infos; i.Version != "test" || len(i.Outputs) != 1 {
			t.Errorf("%+v", i)
		}
	})
}
