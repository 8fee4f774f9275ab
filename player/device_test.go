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

var errGone = errors.New("the speaker was unplugged")

func TestADeviceIsLost(t *testing.T) {
	x := record(t, mixed)
	breath2 := x.mark(routines.BreathMark, "Breathe", 2, "")
	at := breath2.At + second
	// lost is a stage whose device is gone in the second breath. What was pulled and not heard is gone too.
	lost := func(t *testing.T, f func(st *stage)) {
		t.Helper()
		perform(t, props{depth: audio.Depth}, func(st *stage) {
			st.ear.block = audio.Depth
			st.ok("start mixed")
			st.hear(at + audio.Depth)
			st.told()
			st.lose(errGone)
			f(st)
		})
	}
	t.Run("it is told once, tried again and again, and the breath begins anew", func(t *testing.T) {
		lost(t, func(st *stage) {
			st.tells("problem")
			s := st.is(player.Trouble)
			if s.Error != errGone.Error() || s.Step != "Breathe" || s.EndsAt != nil || s.Routine != "mixed" {
				t.Errorf("state %+v", s)
			}
			var waits []time.Duration
			last, tried := time.Now(), st.ear.attempts()
			for range 9 {
				for st.ear.attempts() == tried {
					time.Sleep(250 * time.Millisecond)
					synctest.Wait()
				}
				waits, last, tried = append(waits, time.Since(last)), time.Now(), st.ear.attempts()
			}
			if got := joinDurations(waits); got != "500ms 1s 2s 4s 8s 16s 30s 30s 30s" {
				t.Errorf("waited %s", got)
			}
			st.ear.unplug(errors.New("another reason"))
			time.Sleep(time.Minute)
			st.tells("")
			if s := st.is(player.Trouble); s.Error != "another reason" {
				t.Errorf("state %+v", s)
			}
			st.ear.unplug(nil)
			time.Sleep(time.Minute)
			st.is(player.Trouble)
			st.hear(audio.Depth + audio.Block)
			st.tells("resumed")
			if s := st.is(player.Playing); s.Error != "" || s.EndsAt == nil {
				t.Errorf("state %+v", s)
			}
			st.hear(landing + second)
			want := append([]float64(nil), x.sound[:at]...)
			want = append(append(want, make([]float64, landing)...), x.sound[breath2.From:breath2.From+5*second]...)
			got := st.ear.heard()
			same(t, got, want[:len(got)])
		})
	})
	t.Run("one that played for long is tried again soon", func(t *testing.T) {
		lost(t, func(st *stage) {
			time.Sleep(3 * time.Minute)
			st.ear.unplug(nil)
			time.Sleep(time.Minute)
			st.hear(15 * second)
			tried := st.ear.attempts()
			st.lose(errGone)
			time.Sleep(4 * time.Second)
			if got := st.ear.attempts() - tried; got != 3 {
				t.Errorf("tried %d times within four seconds", got)
			}
		})
	})
	t.Run("stop works at once", func(t *testing.T) {
		lost(t, func(st *stage) {
			st.ok("stop")
			st.tells("problem, routine_stopped")
			if s := st.is(player.Idle); s.Error != "" {
				t.Errorf("state %+v", s)
			}
		})
	})
	t.Run("another start takes its place", func(t *testing.T) {
		lost(t, func(st *stage) {
			st.ear.unplug(nil)
			st.ok("start other")
			st.hear(second)
			st.tells("problem, routine_stopped, routine_started, Rest")
			st.is(player.Playing)
		})
	})
	t.Run("the same start only tries at once", func(t *testing.T) {
		lost(t, func(st *stage) {
			time.Sleep(time.Minute)
			st.ear.unplug(nil)
			if r := st.do("start mixed"); !r.Unchanged {
				t.Errorf("%+v", r)
			}
			st.hear(second)
			st.tells("problem, resumed")
		})
	})
	t.Run("pause, resume: tried at once, told again", func(t *testing.T) {
		lost(t, func(st *stage) {
			st.ok("pause")
			st.tells("problem, paused")
			st.is(player.Paused)
			tried := st.ear.attempts()
			time.Sleep(time.Hour)
			if st.ear.attempts() != tried {
				t.Error("a paused routine tries the device")
			}
			st.ok("resume")
			st.tells("problem")
			st.is(player.Trouble)
			st.ok("pause")
			st.ear.unplug(nil)
			st.ok("resume")
			st.hear(second)
			st.tells("paused, resumed")
			st.is(player.Playing)
		})
	})
	t.Run("next: it comes back there", func(t *testing.T) {
		lost(t, func(st *stage) {
			st.ok("next")
			st.ear.unplug(nil)
			time.Sleep(time.Minute)
			st.hear(second)
			st.tells("problem, resumed, Lean left")
		})
	})
	t.Run("next to the end: finished", func(t *testing.T) {
		lost(t, func(st *stage) {
			for range 7 {
				st.ok("next")
			}
			st.tells("problem, routine_finished")
			st.is(player.Idle)
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

func TestADeviceIsLostWhileTheSoundLeaves(t *testing.T) {
	for _, c := range []struct {
		verb, told string
		state      player.Status
		later      string // told when the device is back
	}{
		{"pause", "paused", player.Paused, ""},
		{"stop", "routine_stopped", player.Idle, ""},
		{"next", "problem", player.Trouble, "resumed, Breathe"},
		{"start other", "routine_stopped, problem", player.Trouble, "routine_started, Rest"},
	} {
		for _, after := range []int{0, fade + landing/2} {
			perform(t, props{depth: audio.Depth}, func(st *stage) {
				st.ok("start mixed")
				st.hear(second)
				st.told()
				st.ok(c.verb)
				st.hear(min(after, fade+audio.Depth-1))
				if st.ear.open() == nil {
					t.Fatal("the sound has left already")
				}
				st.lose(errGone)
				st.tells(c.told)
				st.is(c.state)
				st.ear.unplug(nil)
				time.Sleep(time.Minute)
				st.hear(second)
				st.tells(c.later)
			})
		}
	}
}

func TestADeviceThatIsAwayFromTheBeginning(t *testing.T) {
	perform(t, props{}, func(st *stage) {
		st.ear.unplug(errGone)
		st.ok("start mixed")
		st.tells("problem")
		s := st.is(player.Trouble)
		if s.StartedAt != nil || s.Error == "" {
			t.Errorf("state %+v", s)
		}
		st.ear.unplug(nil)
		time.Sleep(time.Minute)
		st.hear(second)
		st.tells("routine_started, Settle")
	})
}

// A device that hangs while it is opened takes no sound; stop and pause do not wait for it.
func TestADeviceThatHangs(t *testing.T) {
	perform(t, props{}, func(st *stage) {
		st.ok("start mixed")
		st.ok("stop")
		st.is(player.Idle)

		st.ok("start mixed")
		st.ok("pause")
		st.is(player.Paused)
		if st.ear.open() != nil {
			t.Error("the device is still being opened")
		}
	})
}

// An output that breaks its contract and returns before the sound has ended is tried again later, not in a busy loop.
func TestADeviceThatEndsEarlyIsLost(t *testing.T) {
	perform(t, props{}, func(st *stage) {
		st.ok("start mixed")
		st.hear(second)
		st.told()
		st.ear.give(&order{quit: true})
		st.tells("problem")
		if tried := st.ear.attempts(); tried > 2 {
			t.Errorf("tried %d times at once", tried)
		}
	})
}
