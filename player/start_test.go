package player_test

import (
	"testing"
	"testing/synctest"
	"time"

	"guided/player"
)

func TestCommandsWhilePreparing(t *testing.T) {
	voice := func() *gatedVoice { return newGatedVoice("shoulders") } // a word of mixed, not of other
	t.Run("stop cancels the start at once", func(t *testing.T) {
		v := voice()
		runPlayer(t, setup{voice: v}, func(st *harness) {
			st.mustDo("start mixed")
			st.wantState(player.Preparing)
			st.mustDo("stop")
			st.wantState(player.Idle)
			close(v.gate)
			st.wantState(player.Idle)
			if st.out.playCount() > 0 {
				t.Error("it sounds")
			}
			st.wantEvents("")
		})
	})
	t.Run("another start does not wait for it", func(t *testing.T) {
		runPlayer(t, setup{voice: voice()}, func(st *harness) {
			st.mustDo("start mixed")
			st.mustDo("start other")
			st.pull(second)
			if s := st.wantState(player.Playing); s.Routine != "other" {
				t.Errorf("plays %s", s.Routine)
			}
		})
	})
	t.Run("pause keeps it silent until resume", func(t *testing.T) {
		v := voice()
		runPlayer(t, setup{voice: v}, func(st *harness) {
			st.mustDo("start mixed")
			st.mustDo("pause")
			if r := st.do("pause"); !r.Unchanged {
				t.Error("a second pause changed something")
			}
			close(v.gate)
			st.wantState(player.Paused)
			st.wantEvents("paused")
			st.mustDo("resume")
			st.pull(second)
			st.wantState(player.Playing)
			st.wantEvents("routine_started, Settle")
		})
	})
	t.Run("volume is kept for the session", func(t *testing.T) {
		v := voice()
		runPlayer(t, setup{voice: v}, func(st *harness) {
			st.mustDo("start mixed volume 40")
			st.mustDo("volume 20")
			if s := st.p.State(); s.Volume != 20 {
				t.Errorf("volume %d", s.Volume)
			}
			st.mustDo("start mixed volume 30")
			close(v.gate)
			st.pull(second)
			if s := st.wantState(player.Playing); s.Volume != 30 {
				t.Errorf("volume %d", s.Volume)
			}
			st.mustDo("stop")
			st.pullAll()
			if s := st.wantState(player.Idle); s.Volume != 20 {
				t.Errorf("volume %d afterwards", s.Volume)
			}
		})
	})
	t.Run("next is refused", func(t *testing.T) {
		runPlayer(t, setup{voice: voice()}, func(st *harness) {
			st.mustDo("start mixed")
			if r := st.do("next"); r.Status != "error" {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("Run is cancelled", func(t *testing.T) {
		runPlayer(t, setup{voice: voice()}, func(st *harness) {
			st.mustDo("start mixed")
			st.cancelRun()
			synctest.Wait()
			select {
			case <-st.ended:
			default:
				t.Error("Run goes on")
			}
			st.wantState(player.Idle)
			time.Sleep(time.Minute)
		})
	})
}

func TestStartOfPausedRoutineResumesIt(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(8 * second)
		st.mustDo("pause")
		st.pullAll()
		at := st.wantState(player.Paused).Position
		if r := st.do("start mixed"); r.Unchanged {
			t.Errorf("%+v", r)
		}
		st.pull(second / 2)
		if s := st.wantState(player.Playing); s.Position < at {
			t.Errorf("at %v, was at %v", s.Position, at)
		}
		st.wantEvents("routine_started, Settle, Breathe, paused, resumed")
	})
}

func TestToggleWithSelectedRoutineRemoved(t *testing.T) {
	files := routineFiles(map[string]string{"mixed": mixed})
	runPlayer(t, setup{files: files}, func(st *harness) {
		st.mustDo("select mixed")
		delete(files, "mixed.toml")
		if r := st.do("toggle"); r.Status != "error" {
			t.Errorf("%+v", r)
		}
		st.wantState(player.Idle)
	})
}
