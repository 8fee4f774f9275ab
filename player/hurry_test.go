package player_test

import (
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

// What is asked for within the tenth of a second in which a sound leaves.
func TestInAHurry(t *testing.T) {
	x := record(t, mixed)
	breath2 := x.mark(routines.BreathMark, "Breathe", 2, "")
	at := breath2.At + second // when the first command comes
	breathe, lean, leanRight := x.step("Breathe", ""), x.step("Lean", "left"), x.step("Lean", "right")
	for i, c := range []struct {
		situation string
		acts      []act
		told      string
		state     player.Status
		want      []span // nil: told by another test
		more      int    // silent samples at the end
	}{
		{"pause and at once resume: nothing was paused, the breath begins again",
			[]act{{0, "pause"}, {0, "resume"}}, "", player.Playing, []span{{0, at}, {breath2.From, x.Len}}, 0},
		{"pause, resume, pause",
			[]act{{0, "pause"}, {100, "resume"}, {100, "pause"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"pause, resume, pause, with the sound just gone",
			[]act{{0, "pause"}, {fade + 100, "resume"}, {100, "pause"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"pause twice", []act{{0, "pause"}, {0, "pause"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"stop while it pauses", []act{{0, "pause"}, {100, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"stop when it has just paused", []act{{0, "pause"}, {fade + 100, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"pause while it stops: too late", []act{{0, "stop"}, {100, "pause"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"next while it pauses", []act{{0, "pause"}, {100, "next"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"next while it pauses, and on",
			[]act{{0, "pause"}, {100, "next"}, {0, "resume"}}, "Lean left", player.Playing, []span{{0, at}, {lean, x.Len}}, 0},
		{"next, next while it pauses, and on",
			[]act{{0, "pause"}, {100, "next"}, {fade, "next"}, {0, "resume"}}, "Lean right", player.Playing, []span{{0, at}, {leanRight, x.Len}}, 0},
		{"pause while it skips: it waits at the new place",
			[]act{{0, "next"}, {100, "pause"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"pause while it skips, and on",
			[]act{{0, "next"}, {100, "pause"}, {100, "resume"}}, "Lean left", player.Playing, []span{{0, at}, {lean, x.Len}}, 0},
		{"pause in the silence of a skip",
			[]act{{0, "next"}, {fade + 1000, "pause"}}, "paused", player.Paused, []span{{0, at}}, 1000},
		{"next, next within the fade", []act{{0, "next"}, {100, "next"}}, "Lean right", player.Playing, []span{{0, at}, {leanRight, x.Len}}, 0},
		{"next and back within the fade", []act{{0, "next"}, {100, "back"}}, "Breathe", player.Playing, []span{{0, at}, {breathe, x.Len}}, 0},
		{"stop while it skips", []act{{0, "next"}, {100, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"stop in the silence of a skip", []act{{0, "next"}, {fade + 1000, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 1000},
		{"the same start while it stops: it begins anew",
			[]act{{0, "stop"}, {100, "start mixed"}}, "routine_stopped, routine_started, Settle", player.Playing, nil, 0},
		{"another start and a stop: only the stop counts",
			[]act{{0, "start other"}, {100, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"another, and back to this one", []act{{0, "start other"}, {100, "start mixed"}},
			"routine_stopped, routine_started, Settle", player.Playing, nil, 0},
		{"another, and a pause: the other one waits at its start", []act{{0, "start other"}, {100, "pause"}},
			"routine_stopped, paused", player.Paused, []span{{0, at}}, 0},
		{"start of what plays: nothing happens", []act{{0, "start mixed"}}, "", player.Playing, nil, 0},
	} {
		t.Run(c.situation, func(t *testing.T) {
			t.Parallel()
			perform(t, props{depth: audio.Depth}, func(st *stage) {
				st.ear.reserve = i % 2 * second // either kind of device has its share
				st.ear.block = audio.Depth
				st.ok("start mixed")
				st.hear(at)
				st.told()
				st.ear.block = 100
				for _, a := range c.acts {
					st.hear(a.after)
					if r := st.do(a.verb); r.Status != "ok" && !(a.verb == "pause" && r.Error == player.ErrIdle.Error()) {
						t.Errorf("%s: %s", a.verb, r.Error)
					}
				}
				st.hear(fade + landing + 2*audio.Depth)
				st.tells(c.told)
				st.is(c.state)
				if c.want != nil {
					st.ear.block = audio.Depth
					x.begins(st, c.want, c.more)
				}
			})
		})
	}
}

// A listener who hears the end of a step and asks for the next one wants that one, even where the device has pulled
// some of it.
func TestNextIsSeenFromWhatIsHeard(t *testing.T) {
	x := record(t, mixed)
	breathe := x.step("Breathe", "")
	perform(t, props{depth: audio.Depth}, func(st *stage) {
		st.ok("start mixed")
		st.hear(breathe + audio.Depth/2)
		st.ok("next")
		st.hear(fade + landing + 2*audio.Depth)
		if s := st.is(player.Playing); s.Step != "Breathe" {
			t.Errorf("heard %s", s.Step)
		}
		st.tells("routine_started, Settle, Breathe")
	})
}

func TestPauseBeforeTheFirstSound(t *testing.T) {
	x := record(t, mixed)
	for _, c := range []struct {
		situation string
		pulled    int
		heard     int // of those, in the end
	}{{"nothing was pulled", 0, 0}, {"nothing was heard", audio.Depth / 2, audio.Depth/2 + fade}} {
		t.Run(c.situation, func(t *testing.T) {
			perform(t, props{depth: audio.Depth}, func(st *stage) {
				st.ok("start mixed")
				st.hear(c.pulled)
				st.tells("")
				st.is(player.Preparing)
				st.ok("pause")
				if c.pulled == 0 && st.ear.open() != nil {
					t.Error("the device still waits for the first sound")
				}
				st.drain()
				st.is(player.Paused)
				st.told()
				st.ok("resume")
				st.hear(second)
				st.is(player.Playing)
				st.hear(2 * x.Len)
				if c.pulled == 0 {
					same(t, st.ear.heard(), x.sound)
				}
			})
		})
	}
}

func TestWhileAVoiceIsBeingPrepared(t *testing.T) {
	voice := func() *slow { return newSlow("shoulders") } // of mixed, not of other
	t.Run("stop takes the start back at once", func(t *testing.T) {
		v := voice()
		perform(t, props{voice: v}, func(st *stage) {
			st.ok("start mixed")
			st.is(player.Preparing)
			st.ok("stop")
			st.is(player.Idle)
			close(v.gate)
			st.is(player.Idle)
			if st.ear.attempts() > 0 {
				t.Error("it sounds")
			}
			st.tells("")
		})
	})
	t.Run("another start does not wait for it", func(t *testing.T) {
		perform(t, props{voice: voice()}, func(st *stage) {
			st.ok("start mixed")
			st.ok("start other")
			st.hear(second)
			if s := st.is(player.Playing); s.Routine != "other" {
				t.Errorf("plays %s", s.Routine)
			}
		})
	})
	t.Run("pause keeps it from sounding, resume lets it", func(t *testing.T) {
		v := voice()
		perform(t, props{voice: v}, func(st *stage) {
			st.ok("start mixed")
			st.ok("pause")
			if r := st.do("pause"); !r.Unchanged {
				t.Error("a second pause changed something")
			}
			close(v.gate)
			st.is(player.Paused)
			st.tells("paused")
			st.ok("resume")
			st.hear(second)
			st.is(player.Playing)
			st.tells("routine_started, Settle")
		})
	})
	t.Run("a volume is kept for it", func(t *testing.T) {
		v := voice()
		perform(t, props{voice: v}, func(st *stage) {
			st.ok("start mixed volume 40")
			st.ok("volume 20")
			if s := st.p.State(); s.Volume != 20 {
				t.Errorf("volume %d", s.Volume)
			}
			st.ok("start mixed volume 30")
			close(v.gate)
			st.hear(second)
			if s := st.is(player.Playing); s.Volume != 30 {
				t.Errorf("volume %d", s.Volume)
			}
			st.ok("stop")
			st.drain()
			if s := st.is(player.Idle); s.Volume != 20 {
				t.Errorf("volume %d afterwards", s.Volume)
			}
		})
	})
	t.Run("next has nothing to go on from", func(t *testing.T) {
		perform(t, props{voice: voice()}, func(st *stage) {
			st.ok("start mixed")
			if r := st.do("next"); r.Status != "error" {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("the program ends", func(t *testing.T) {
		perform(t, props{voice: voice()}, func(st *stage) {
			st.ok("start mixed")
			st.end()
			synctest.Wait()
			select {
			case <-st.ended:
			default:
				t.Error("Run goes on")
			}
			st.is(player.Idle)
			time.Sleep(time.Minute)
		})
	})
}
