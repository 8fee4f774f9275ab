package player_test

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

const block = 10 * time.Millisecond

// near demands that something was told when it was heard: not before, and within a block.
func near(t *testing.T, what string, got, heard time.Time) {
	t.Helper()
	if late := got.Sub(heard.Truncate(time.Millisecond)); late < 0 || late > block+time.Millisecond {
		t.Errorf("%s told %v after it was heard", what, late)
	}
}

func TestARoutineFromItsStartToItsEnd(t *testing.T) {
	x := record(t, mixed)
	perform(t, props{depth: audio.Depth}, func(st *stage) {
		st.ok("start A bit of all")
		began := time.Now()
		heard := func(sample int) time.Time { return began.Add(routines.Duration(sample + audio.Depth)) }
		st.hear(2 * x.Len)

		var steps []routines.Mark
		var phases []routines.Mark
		for _, m := range x.Marks {
			switch m.Kind {
			case routines.StepMark:
				steps = append(steps, m)
			case routines.PhaseMark:
				phases = append(phases, m)
			}
		}
		t.Run("events", func(t *testing.T) {
			if n := len(st.events); n != len(steps)+2 {
				t.Fatalf("%d events for %d steps", n, len(steps))
			}
			first, last := st.events[0], st.events[len(st.events)-1]
			if first.Type != "routine_started" || first.Routine != "mixed" || first.Title != "A bit of all" {
				t.Errorf("the first event is %+v", first)
			}
			if last.Type != "routine_finished" {
				t.Errorf("the last event is %+v", last)
			}
			near(t, "the end", last.At, heard(x.Len))
			for i, m := range steps {
				e := st.events[i+1]
				if e.Type != "step_started" || e.Step != m.Name || e.Side != m.Side || e.StepNumber != m.Step || e.Steps != x.Steps {
					t.Errorf("event %+v, want step %+v", e, m)
				}
				near(t, m.Name, e.At, heard(m.At))
			}
		})
		t.Run("phases", func(t *testing.T) {
			if len(st.phases) != len(phases) {
				t.Fatalf("%d phases were announced, the score has %d", len(st.phases), len(phases))
			}
			for i, m := range phases {
				p := st.phases[i]
				if p.Phase.Phase != m.Name || p.Side != m.Side || p.Seconds != float64(m.Len)/audio.Rate {
					t.Errorf("phase %+v, want %+v", p, m)
				}
				if off := p.At.Sub(heard(m.At)); math.Abs(off.Seconds()) > 0.002 {
					t.Errorf("%s is announced for %v beside its sound", m.Name, off)
				}
				if lead := heard(m.At).Sub(p.told); lead > time.Second || lead < time.Second-block-time.Millisecond {
					t.Errorf("%s is announced %v before its sound", m.Name, lead)
				}
			}
		})
		t.Run("states", func(t *testing.T) {
			at := 0
			for _, s := range st.states {
				switch {
				case s.State != player.Playing:
					continue
				case s.StartedAt == nil || s.EndsAt == nil || s.StepEndsAt == nil:
					t.Fatalf("times are missing: %+v", s)
				}
				near(t, "the start", *s.StartedAt, heard(0))
				m := steps[at]
				if s.Step != m.Name || s.Side != m.Side || s.StepNumber != m.Step || s.Steps != x.Steps || s.Routine != "mixed" {
					t.Errorf("state %+v, want step %+v", s, m)
				}
				if at++; at < len(steps) && s.NextStep != steps[at].Name || at == len(steps) && s.NextStep != "" {
					t.Errorf("after %s comes %q", s.Step, s.NextStep)
				}
				if off := s.EndsAt.Sub(heard(x.Len)); math.Abs(off.Seconds()) > 0.003 {
					t.Errorf("the end is told %v beside the end", off)
				}
				if off := s.StepEndsAt.Sub(heard(m.At + m.Len)); math.Abs(off.Seconds()) > 0.003 {
					t.Errorf("the end of %s is told %v beside its end", m.Name, off)
				}
				if math.Abs(s.Position+s.Remaining-s.Length) > 0.0011 || s.Progress != int(100*s.Position/s.Length) {
					t.Errorf("%.3f + %.3f of %.3f s, %d %%", s.Position, s.Remaining, s.Length, s.Progress)
				}
			}
			if at != len(steps) {
				t.Errorf("%d states for %d steps", at, len(steps))
			}
			if got, want := st.statuses(), "idle, preparing, playing, idle"; got != want {
				t.Errorf("states %s, want %s", got, want)
			}
		})
	})
}

func TestNothingIsToldBeforeItIsHeard(t *testing.T) {
	perform(t, props{depth: second}, func(st *stage) { // as deep as a Snapcast
		st.ok("start mixed")
		st.hear(second)
		st.tells("")
		st.is("preparing")
		st.hear(audio.Block)
		st.tells("routine_started, Settle")
		s := st.is("playing")
		if s.Position != 0.01 {
			t.Errorf("at %v s", s.Position)
		}

		st.hear(second / 4)
		st.ok("pause")
		st.hear(second - audio.Block)
		st.tells("")
		if st.is("playing").EndsAt != nil {
			t.Error("a routine that will pause tells its end")
		}
		st.drain()
		st.tells("paused")
		s = st.is("paused")
		if s.EndsAt != nil || s.StepEndsAt != nil || s.Remaining != s.Length || s.Position != 0 {
			t.Errorf("paused in the first phrase: %+v", s)
		}

		time.Sleep(time.Hour)
		st.ok("resume")
		st.hear(second)
		st.tells("")
		st.is("paused")
		st.hear(audio.Block)
		st.tells("resumed") // and not the step again, which began before
		s = st.is("playing")
		left := s.EndsAt.Sub(s.UpdatedAt).Seconds()
		if want := s.Remaining + 0.29; math.Abs(left-want) > 0.002 { // the rest of the landing silence
			t.Errorf("the end is told in %.3f s, want %.3f s", left, want)
		}

		st.hear(second)
		st.ok("stop")
		st.tells("")
		st.is("playing")
		st.drain()
		st.tells("routine_stopped")
		st.is("idle")
	})
}

func TestPhasesAreAnnouncedOnceForEachSound(t *testing.T) {
	x := record(t, mixed)
	breath2 := x.mark(routines.BreathMark, "Breathe", 2, "")
	perform(t, props{depth: audio.Depth}, func(st *stage) {
		phases := func() (list []string) {
			synctest.Wait()
			for _, p := range st.phases {
				list = append(list, p.Phase.Phase)
			}
			st.phases = nil
			return list
		}
		want := func(want ...string) {
			st.Helper()
			if got := phases(); !slices.Equal(got, want) {
				st.Errorf("announced %v, want %v", got, want)
			}
		}
		st.ok("start mixed")
		st.hear(breath2.At + audio.Depth + audio.Block) // its "in" is heard; "hold" lies a second ahead, "out" farther
		want("in", "hold", "out", "in", "hold")
		st.ok("pause")
		st.drain()
		want()
		st.ok("resume")
		st.hear(landing + audio.Depth + second*6/10)
		want("in", "hold", "out")
		st.ok("next")
		st.hear(fade + landing + audio.Depth + second)
		want()

		st.ok("back")
		st.hear(fade + landing + audio.Depth + 4*second)
		if got := phases(); len(got) == 0 || got[0] != "in" {
			st.Errorf("after back: %v", got)
		}
	})
}

const steady = `
title = "Steady"

[[step]]
breathe = "1-1"
for     = "10 breaths"
prepare = "0s"

[[step]]
breathe = "1-1"
for     = "10 breaths"
prepare = "0s"
`

func TestPhasesWhereTheSoundLeaves(t *testing.T) {
	x := record(t, steady)
	breath3 := x.mark(routines.BreathMark, "Breathe", 3, "")
	count := func(st *stage) int {
		synctest.Wait()
		n := len(st.phases)
		st.phases = nil
		return n
	}
	t.Run("after a pause nothing is announced", func(t *testing.T) {
		perform(t, props{files: shelf(map[string]string{"steady": steady}), depth: audio.Depth}, func(st *stage) {
			st.ok("start steady")
			st.hear(breath3.At - second/20 + audio.Depth) // its "out" lies 1.05 s ahead
			if n := count(st); n != 5 {
				t.Fatalf("%d phases", n)
			}
			st.ok("pause")
			st.drain()
			if n := count(st); n != 0 {
				t.Errorf("%d phases were announced that nobody will hear", n)
			}
		})
	})
	t.Run("after next the first one is announced", func(t *testing.T) {
		perform(t, props{files: shelf(map[string]string{"steady": steady}), depth: audio.Depth}, func(st *stage) {
			st.ok("start steady")
			st.hear(breath3.At + second/2)
			count(st)
			st.ok("next") // lands with its first breath 0.8 s ahead, nearer than what was announced before
			st.hear(fade + landing + 2*second + audio.Depth)
			if n := count(st); n != 3 {
				t.Errorf("%d phases, want in, out, in", n)
			}
		})
	})
}

// A switch of sides belongs to the side before it, and its state tells when the next side begins.
func TestAStateWhileSidesAreSwitched(t *testing.T) {
	x := record(t, mixed)
	turn := x.mark(routines.SwitchMark, "Lean", 0, "right")
	perform(t, props{}, func(st *stage) {
		st.ok("start mixed")
		st.hear(turn.At + second)
		s := st.is("playing")
		if left := s.StepEndsAt.Sub(s.UpdatedAt).Seconds(); math.Abs(left-1) > 0.002 {
			t.Errorf("the next side begins in %v s, want 1", left)
		}
	})
}
