package player_test

import (
	"strings"
	"testing"
	"time"

	"guided/player"
	"guided/routines"
)

const long = `
title = "Long"

[[step]]
name    = "Breathe"
breathe = "1-2"
for     = "6 breaths"

[[step]]
name   = "Lean"
say    = "Lean to the {side}."
hold   = "5s"
sides  = true
switch = "2s"
`

// changeLead is how far ahead of the pulled position a change takes effect.
const changeLead = routines.Rate / 2

func TestReviseWhilePlaying(t *testing.T) {
	files := routineFiles(map[string]string{"long": long})
	own := renderReference(t, long)
	breath := own.mark(routines.BreathMark, "Breathe", 3, "").At + second
	lean := own.mark(routines.StepMark, "Lean", 0, "left").At + 3*second
	slower := routines.Change{At: breath + changeLead, Pace: 1.05}
	for name, tt := range map[string]struct {
		at      int
		words   []string
		changes []routines.Change
	}{
		"slower: every breath from the next one on is longer": {breath, []string{"slower"}, []routines.Change{slower}},
		"slower twice": {breath, []string{"slower", "slower"}, []routines.Change{slower, slower}},
		"slower and faster again: nothing has changed": {breath, []string{"slower", "faster"}, []routines.Change{slower, {At: breath + changeLead, Pace: 1 / 1.05}}},
		"two breaths more":                  {breath, []string{"extend 2 breaths"}, []routines.Change{{At: breath + changeLead, Extend: routines.Length{Breaths: 2}}}},
		"half a minute more, on both sides": {lean, []string{"extend"}, []routines.Change{{At: lean + changeLead, Extend: routines.Length{Samples: 30 * second}}}},
	} {
		t.Run(name, func(t *testing.T) {
			runPlayer(t, setup{files: files}, func(st *harness) {
				want := renderReference(t, long, tt.changes...)
				st.mustDo("start long")
				st.pull(tt.at)
				for _, words := range tt.words {
					st.mustDo(words)
				}
				state := st.wantState(player.Playing)
				ends := time.Now().Add(routines.Duration(want.Len - tt.at))
				if off := state.EndsAt.Sub(ends); state.Length*1000 != float64(want.Len/48) || off.Abs() > 2*time.Millisecond {
					t.Errorf("it lasts %v s and ends %v late, want %v s", state.Length, off, routines.Duration(want.Len))
				}
				st.pull(2 * want.Len)
				wantSameSound(t, st.out.heard(), want.sound)
				st.wantState(player.Idle)
			})
		})
	}
	t.Run("slower while paused: the breath that was heard again, then slower ones", func(t *testing.T) {
		runPlayer(t, setup{files: files}, func(st *harness) {
			st.mustDo("start long")
			st.pull(breath)
			st.mustDo("pause")
			st.pullAll()
			st.mustDo("slower")
			st.wantState(player.Paused)
			st.mustDo("resume")
			st.pull(landingSilence + second)
			from := own.mark(routines.BreathMark, "Breathe", 3, "").From
			wantSamePieces(t, st.out.pieces(), own.pieces([]span{{0, breath}, {from, from + second}})[:4], true)
		})
	})
	t.Run("slower is refused at double length", func(t *testing.T) {
		runPlayer(t, setup{files: files}, func(st *harness) {
			st.mustDo("start long")
			st.pull(second)
			for range 14 {
				st.mustDo("slower")
			}
			if r := st.do("slower"); !strings.Contains(r.Error, "as slow or as fast as it can be") {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("slower and then pause on a deep output: no problem", func(t *testing.T) {
		runPlayer(t, setup{files: files, depth: second}, func(st *harness) {
			st.mustDo("start long")
			st.pull(breath)
			st.mustDo("slower")
			st.mustDo("pause")
			st.pullAll()
			st.mustDo("resume")
			st.pull(20 * second)
			for _, s := range st.states[1:] {
				if s.State == player.Problem {
					t.Errorf("%+v", s)
				}
			}
		})
	})
	t.Run("extend near the end of a bed: no click", func(t *testing.T) {
		text := "title = \"Bed\"\nbed = \"drone\"\n[[step]]\nrest = \"12s\"\n"
		x := renderReference(t, text)
		runPlayer(t, setup{files: routineFiles(map[string]string{"bed": text})}, func(st *harness) {
			st.mustDo("start bed")
			st.pull(10 * second)
			st.mustDo("extend")
			st.pull(25 * second)
			if most := maxBend(st.out.heard()); most > maxBendWithFades(x.sound) {
				t.Errorf("a click: %g, the bed has %g", most, maxBendWithFades(x.sound))
			}
		})
	})
}
