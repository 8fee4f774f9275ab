package player_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

var errUnplugged = errors.New("the speaker was unplugged")

func TestDeviceFailsWhilePlaying(t *testing.T) {
	x := renderReference(t, mixed)
	breath2 := x.mark(routines.BreathMark, "Breathe", 2, "")
	at := breath2.At + second
	// lost runs f after the device has failed in the second breath. Frames pulled and not heard are lost too.
	lost := func(t *testing.T, f func(st *harness)) {
		t.Helper()
		runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
			st.out.block = audio.Depth
			st.mustDo("start mixed")
			st.pull(at + audio.Depth)
			st.takeEvents()
			st.failDevice(errUnplugged)
			f(st)
		})
	}
	t.Run("one problem event, a growing backoff, and the breath from its start", func(t *testing.T) {
		lost(t, func(st *harness) {
			st.wantEvents("problem")
			s := st.wantState(player.Problem)
			if s.Error != errUnplugged.Error() || s.Step != "Breathe" || s.EndsAt != nil || s.Routine != "mixed" {
				t.Errorf("state %+v", s)
			}
			var waits []time.Duration
			last, tried := time.Now(), st.out.playCount()
			for range 9 {
				for st.out.playCount() == tried {
					time.Sleep(250 * time.Millisecond)
					synctest.Wait()
				}
				waits, last, tried = append(waits, time.Since(last)), time.Now(), st.out.playCount()
			}
			if got := joinDurations(waits); got != "500ms 1s 2s 4s 8s 16s 30s 30s 30s" {
				t.Errorf("waited %s", got)
			}
			st.out.setUnavailable(errors.New("another reason"))
			time.Sleep(time.Minute)
			st.wantEvents("")
			if s := st.wantState(player.Problem); s.Error != "another reason" {
				t.Errorf("state %+v", s)
			}
			st.out.setUnavailable(nil)
			time.Sleep(time.Minute)
			st.wantState(player.Problem)
			st.pull(audio.Depth + audio.Block)
			st.wantEvents("resumed")
			if s := st.wantState(player.Playing); s.Error != "" || s.EndsAt == nil {
				t.Errorf("state %+v", s)
			}
			st.pull(landingSilence + second)
			want := append([]float64(nil), x.sound[:at]...)
			want = append(append(want, make([]float64, landingSilence)...), x.sound[breath2.From:breath2.From+5*second]...)
			got := st.out.heard()
			wantSameSound(t, got, want[:len(got)])
		})
	})
	t.Run("the backoff begins anew after a device that played for long", func(t *testing.T) {
		lost(t, func(st *harness) {
			time.Sleep(3 * time.Minute)
			st.out.setUnavailable(nil)
			time.Sleep(time.Minute)
			st.pull(15 * second)
			tried := st.out.playCount()
			st.failDevice(errUnplugged)
			time.Sleep(4 * time.Second)
			if got := st.out.playCount() - tried; got != 3 {
				t.Errorf("tried %d times within four seconds", got)
			}
		})
	})
	t.Run("stop ends the session at once", func(t *testing.T) {
		lost(t, func(st *harness) {
			st.mustDo("stop")
			st.wantEvents("problem, routine_stopped")
			if s := st.wantState(player.Idle); s.Error != "" {
				t.Errorf("state %+v", s)
			}
		})
	})
	t.Run("start of another routine replaces it", func(t *testing.T) {
		lost(t, func(st *harness) {
			st.out.setUnavailable(nil)
			st.mustDo("start other")
			st.pull(second)
			st.wantEvents("problem, routine_stopped, routine_started, Rest")
			st.wantState(player.Playing)
		})
	})
	t.Run("start of the same routine tries the device at once", func(t *testing.T) {
		lost(t, func(st *harness) {
			time.Sleep(time.Minute)
			st.out.setUnavailable(nil)
			if r := st.do("start mixed"); !r.Unchanged {
				t.Errorf("%+v", r)
			}
			st.pull(second)
			st.wantEvents("problem, resumed")
		})
	})
	t.Run("resume after pause tries the device at once", func(t *testing.T) {
		lost(t, func(st *harness) {
			st.mustDo("pause")
			st.wantEvents("problem, paused")
			st.wantState(player.Paused)
			tried := st.out.playCount()
			time.Sleep(time.Hour)
			if st.out.playCount() != tried {
				t.Error("a paused routine tries the device")
			}
			st.mustDo("resume")
			st.wantEvents("problem")
			st.wantState(player.Problem)
			st.mustDo("pause")
			st.out.setUnavailable(nil)
			st.mustDo("resume")
			st.pull(second)
			st.wantEvents("paused, resumed")
			st.wantState(player.Playing)
		})
	})
	t.Run("next moves where it comes back", func(t *testing.T) {
		lost(t, func(st *harness) {
			st.mustDo("next")
			st.out.setUnavailable(nil)
			time.Sleep(time.Minute)
			st.pull(second)
			st.wantEvents("problem, resumed, Lean left")
		})
	})
	t.Run("next past the last step finishes", func(t *testing.T) {
		lost(t, func(st *harness) {
			for range 7 {
				st.mustDo("next")
			}
			st.wantEvents("problem, routine_finished")
			st.wantState(player.Idle)
		})
	})
}

func joinDurations(list []time.Duration) string {
	var words []string
	for _, d := range list {
		words = append(words, d.String())
	}
	return strings.Join(words, " ")
}

func TestDeviceFailsDuringFadeOut(t *testing.T) {
	for _, c := range []struct {
		verb, events string
		state        player.Status
		later        string // events when the device is back
	}{
		{"pause", "paused", player.Paused, ""},
		{"stop", "routine_stopped", player.Idle, ""},
		{"next", "problem", player.Problem, "resumed, Breathe"},
		{"start other", "routine_stopped, problem", player.Problem, "routine_started, Rest"},
	} {
		for _, after := range []int{0, fadeLen + landingSilence/2} {
			runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
				st.mustDo("start mixed")
				st.pull(second)
				st.takeEvents()
				st.mustDo(c.verb)
				st.pull(min(after, fadeLen+audio.Depth-1))
				if st.out.openPlay() == nil {
					t.Fatal("the sound has left already")
				}
				st.failDevice(errUnplugged)
				st.wantEvents(c.events)
				st.wantState(c.state)
				st.out.setUnavailable(nil)
				time.Sleep(time.Minute)
				st.pull(second)
				st.wantEvents(c.later)
			})
		}
	}
}

func TestStartWithDeviceUnavailable(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.out.setUnavailable(errUnplugged)
		st.mustDo("start mixed")
		st.wantEvents("problem")
		s := st.wantState(player.Problem)
		if s.StartedAt != nil || s.Error == "" {
			t.Errorf("state %+v", s)
		}
		st.out.setUnavailable(nil)
		time.Sleep(time.Minute)
		st.pull(second)
		st.wantEvents("routine_started, Settle")
	})
}

// Stop and pause do not wait for a device that hangs while it is opened.
func TestStopAndPauseWithDeviceHangingOnOpen(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.mustDo("stop")
		st.wantState(player.Idle)

		st.mustDo("start mixed")
		st.mustDo("pause")
		st.wantState(player.Paused)
		if st.out.openPlay() != nil {
			t.Error("the device is still being opened")
		}
	})
}

// An output that returns too early, against its contract, is tried again after the backoff and not in a busy loop.
func TestDeviceReturnsBeforeEndOfSound(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(second)
		st.takeEvents()
		st.out.send(&deviceStep{returnEarly: true})
		st.wantEvents("problem")
		if tried := st.out.playCount(); tried > 2 {
			t.Errorf("tried %d times at once", tried)
		}
	})
}
