package player_test

import (
	"context"
	"testing"
	"testing/synctest"

	"guided/audio"
	"guided/player"
)

// An observer that does not read does not block the sound; when it reads at last it gets the newest values.
func TestWatchObserverThatNeverReads(t *testing.T) {
	runPlayer(t, setup{noObserver: true, files: routineFiles(map[string]string{"steady": breathsOnly, "other": other})}, func(st *harness) {
		ctx, leave := context.WithCancel(context.Background())
		feed := st.p.Watch(ctx)
		st.out.block = audio.Depth
		st.mustDo("start steady")
		for range 110 {
			st.pull(landingSilence + fadeLen)
			st.mustDo("repeat")
		}
		st.mustDo("start other")
		st.pullAll()
		st.pull(second)
		if n := len(st.out.heard()); n != 110*(landingSilence+fadeLen)+fadeLen+second {
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
		st.mustDo("stop")
	})
}

func TestWatchBeginsWithCurrentState(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(second)
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
