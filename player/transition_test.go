package player_test

import (
	"testing"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

// Commands that follow each other before the sound has left.
func TestCommandsDuringFadeOut(t *testing.T) {
	x := renderReference(t, mixed)
	breath2 := x.mark(routines.BreathMark, "Breathe", 2, "")
	at := breath2.At + second // of the first command
	breathe, lean, leanRight := x.step("Breathe", ""), x.step("Lean", "left"), x.step("Lean", "right")
	for i, c := range []struct {
		situation string
		acts      []timedCommand
		events    string
		state     player.Status
		want      []span // nil: another test checks it
		more      int    // silent samples at the end
	}{
		{"pause and at once resume: nothing was paused, the breath begins again",
			[]timedCommand{{0, "pause"}, {0, "resume"}}, "", player.Playing, []span{{0, at}, {breath2.From, x.Len}}, 0},
		{"pause, resume, pause",
			[]timedCommand{{0, "pause"}, {100, "resume"}, {100, "pause"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"pause, resume, pause, with the sound just gone",
			[]timedCommand{{0, "pause"}, {fadeLen + 100, "resume"}, {100, "pause"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"pause twice", []timedCommand{{0, "pause"}, {0, "pause"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"stop while it pauses", []timedCommand{{0, "pause"}, {100, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"stop when it has just paused", []timedCommand{{0, "pause"}, {fadeLen + 100, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"pause while it stops: too late", []timedCommand{{0, "stop"}, {100, "pause"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"next while it pauses", []timedCommand{{0, "pause"}, {100, "next"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"next while it pauses, and on",
			[]timedCommand{{0, "pause"}, {100, "next"}, {0, "resume"}}, "Lean left", player.Playing, []span{{0, at}, {lean, x.Len}}, 0},
		{"next, next while it pauses, and on",
			[]timedCommand{{0, "pause"}, {100, "next"}, {fadeLen, "next"}, {0, "resume"}}, "Lean right", player.Playing, []span{{0, at}, {leanRight, x.Len}}, 0},
		{"pause while it skips: it waits at the new place",
			[]timedCommand{{0, "next"}, {100, "pause"}}, "paused", player.Paused, []span{{0, at}}, 0},
		{"pause while it skips, and on",
			[]timedCommand{{0, "next"}, {100, "pause"}, {100, "resume"}}, "Lean left", player.Playing, []span{{0, at}, {lean, x.Len}}, 0},
		{"pause in the silence of a skip",
			[]timedCommand{{0, "next"}, {fadeLen + 1000, "pause"}}, "paused", player.Paused, []span{{0, at}}, 1000},
		{"next, next within the fade", []timedCommand{{0, "next"}, {100, "next"}}, "Lean right", player.Playing, []span{{0, at}, {leanRight, x.Len}}, 0},
		{"next and back within the fade", []timedCommand{{0, "next"}, {100, "back"}}, "Breathe", player.Playing, []span{{0, at}, {breathe, x.Len}}, 0},
		{"stop while it skips", []timedCommand{{0, "next"}, {100, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"stop in the silence of a skip", []timedCommand{{0, "next"}, {fadeLen + 1000, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 1000},
		{"the same start while it stops: it begins anew",
			[]timedCommand{{0, "stop"}, {100, "start mixed"}}, "routine_stopped, routine_started, Settle", player.Playing, nil, 0},
		{"another start and a stop: only the stop counts",
			[]timedCommand{{0, "start other"}, {100, "stop"}}, "routine_stopped", player.Idle, []span{{0, at}}, 0},
		{"another, and back to this one", []timedCommand{{0, "start other"}, {100, "start mixed"}},
			"routine_stopped, routine_started, Settle", player.Playing, nil, 0},
		{"another, and a pause: the other one waits at its start", []timedCommand{{0, "start other"}, {100, "pause"}},
			"routine_stopped, paused", player.Paused, []span{{0, at}}, 0},
		{"start of what plays: nothing happens", []timedCommand{{0, "start mixed"}}, "", player.Playing, nil, 0},
	} {
		t.Run(c.situation, func(t *testing.T) {
			t.Parallel()
			runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
				st.out.reserve = i % 2 * second // half of the cases with each kind of output
				st.out.block = audio.Depth
				st.mustDo("start mixed")
				st.pull(at)
				st.takeEvents()
				st.out.block = 100
				for _, a := range c.acts {
					st.pull(a.after)
					if r := st.do(a.words); r.Status != "ok" && !(a.words == "pause" && r.Error == player.ErrIdle.Error()) {
						t.Errorf("%s: %s", a.words, r.Error)
					}
				}
				st.pull(fadeLen + landingSilence + 2*audio.Depth)
				st.wantEvents(c.events)
				st.wantState(c.state)
				if c.want != nil {
					st.out.block = audio.Depth
					x.wantSpans(st, c.want, c.more)
				}
			})
		})
	}
}

func TestPauseBeforeFirstSound(t *testing.T) {
	x := renderReference(t, mixed)
	for _, c := range []struct {
		situation string
		pulled    int
		heard     int // of those, at the end
	}{{"nothing was pulled", 0, 0}, {"nothing was heard", audio.Depth / 2, audio.Depth/2 + fadeLen}} {
		t.Run(c.situation, func(t *testing.T) {
			runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
				st.mustDo("start mixed")
				st.pull(c.pulled)
				st.wantEvents("")
				st.wantState(player.Preparing)
				st.mustDo("pause")
				if c.pulled == 0 && st.out.openPlay() != nil {
					t.Error("the device still waits for the first sound")
				}
				st.pullAll()
				st.wantState(player.Paused)
				st.takeEvents()
				st.mustDo("resume")
				st.pull(second)
				st.wantState(player.Playing)
				st.pull(2 * x.Len)
				if c.pulled == 0 {
					wantSameSound(t, st.out.heard(), x.sound)
				}
			})
		})
	}
}
