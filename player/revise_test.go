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

// ahead is how far ahead of what is pulled a change is made.
const ahead = routines.Rate / 2

func TestChangesWhileItPlays(t *testing.T) {
	files := shelf(map[string]string{"long": long})
	own := record(t, long)
	breath := own.mark(routines.BreathMark, "Breathe", 3, "").At + second
	lean := own.mark(routines.StepMark, "Lean", 0, "left").At + 3*second
	slower := routines.Change{At: breath + ahead, Pace: 1.05}
	for name, tt := range map[string]struct {
		at      int
		words   []string
		changes []routines.Change
	}{
		"slower: every breath from the next one on is longer": {breath, []string{"slower"}, []routines.Change{slower}},
		"slower twice": {breath, []string{"slower", "slower"}, []routines.Change{slower, slower}},
		"slower and faster again: nothing has changed": {breath, []string{"slower", "faster"}, []routines.Change{slower, {At: breath + ahead, Pace: 1 / 1.05}}},
		"two breaths more":                  {breath, []string{"extend 2 breaths"}, []routines.Change{{At: breath + ahead, Extend: routines.Amount{Breaths: 2}}}},
		"half a minute more, on both sides": {lean, []string{"extend"}, []routines.Change{{At: lean + ahead, Extend: routines.Amount{Samples: 30 * second}}}},
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, props{files: files}, func(st *stage) {
				want := record(t, long, tt.changes...)
				st.ok("start long")
				st.hear(tt.at)
				for _, words := range tt.words {
					st.ok(words)
				}
				state := st.is(player.Playing)
				ends := time.Now().Add(routines.Duration(want.Len - tt.at))
				if off := state.EndsAt.Sub(ends); state.Length*1000 != float64(want.Len/48) || off.Abs() > 2*time.Millisecond {
					t.Errorf("it lasts %v s and ends %v late, want %v s", state.Length, off, routines.Duration(want.Len))
				}
				st.hear(2 * want.Len)
				same(t, st.ear.heard(), want.sound)
				st.is(player.Idle)
			})
		})
	}
	t.Run("paused, it goes on at the breath that was heard, then slower", func(t *testing.T) {
		perform(t, props{files: files}, func(st *stage) {
			st.ok("start long")
			st.hear(breath)
			st.ok("pause")
			st.drain()
			st.ok("slower")
			st.is(player.Paused)
			st.ok("resume")
			st.hear(landing + second)
			from := own.mark(routines.BreathMark, "Breathe", 3, "").From
			samePieces(t, st.ear.pieces(), own.pieces([]span{{0, breath}, {from, from + second}})[:4], true)
		})
	})
	t.Run("the breath is never twice as slow", func(t *testing.T) {
		perform(t, props{files: files}, func(st *stage) {
			st.ok("start long")
			st.hear(second)
			for range 14 {
				st.ok("slower")
			}
			if r := st.do("slower"); !strings.Contains(r.Error, "as slow or as fast as it can be") {
				t.Errorf("%+v", r)
			}
		})
	})
	t.Run("what was said lately is not taken back: the whole is heard once", func(t *testing.T) {
		perform(t, props{files: files, depth: second}, func(st *stage) {
			st.ok("start long")
			st.hear(breath)
			st.ok("slower")
			st.ok("pause")
			st.drain()
			st.ok("resume")
			st.hear(20 * second)
			for _, s := range st.states[1:] {
				if s.State == player.Trouble {
					t.Errorf("%+v", s)
				}
			}
		})
	})
	t.Run("a bed that was about to end goes on without a click", func(t *testing.T) {
		text := "title = \"Bed\"\nbed = \"drone\"\n[[step]]\nrest = \"12s\"\n"
		x := record(t, text)
		perform(t, props{files: shelf(map[string]string{"bed": text})}, func(st *stage) {
			st.ok("start bed")
			st.hear(10 * second)
			st.ok("extend")
			st.hear(25 * second)
			if most := clicks(st.ear.heard()); most > smooth(x.sound) {
				t.Errorf("a click: %g, the bed has %g", most, smooth(x.sound))
			}
		})
	})
}
