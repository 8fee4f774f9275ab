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

const blockDuration = 10 * time.Millisecond

// wantSoonAfter checks that something was published not before it was heard, and within a block.
func wantSoonAfter(t *testing.T, what string, got, heard time.Time) {
	t.Helper()
	if late := got.Sub(heard.Truncate(time.Millisecond)); late < 0 || late > blockDuration+time.Millisecond {
		t.Errorf("%s was published %v after it was heard", what, late)
	}
}

func TestProgressOfWholeRoutine(t *testing.T) {
	x := renderReference(t, mixed)
	runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
		st.mustDo("start A bit of all")
		began := time.Now()
		heard := func(sample int) time.Time { return began.Add(routines.Duration(sample + audio.Depth)) }
		st.pull(2 * x.Len)

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
			wantSoonAfter(t, "the end", last.At, heard(x.Len))
			for i, m := range steps {
				e := st.events[i+1]
				if e.Type != "step_started" || e.Step != m.Name || e.Side != m.Side || e.StepNumber != m.Step || e.Steps != x.Steps {
					t.Errorf("event %+v, want step %+v", e, m)
				}
				wantSoonAfter(t, m.Name, e.At, heard(m.At))
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
					t.Errorf("%s is announced %v beside its sound", m.Name, off)
				}
				if lead := heard(m.At).Sub(p.received); lead > time.Second || lead < time.Second-blockDuration-time.Millisecond {
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
				wantSoonAfter(t, "the start", *s.StartedAt, heard(0))
				m := steps[at]
				if s.Step != m.Name || s.Side != m.Side || s.StepNumber != m.Step || s.Steps != x.Steps || s.Routine != "mixed" {
					t.Errorf("state %+v, want step %+v", s, m)
				}
				if at++; at < len(steps) && s.NextStep != steps[at].Name || at == len(steps) && s.NextStep != "" {
					t.Errorf("after %s comes %q", s.Step, s.NextStep)
				}
				if off := s.EndsAt.Sub(heard(x.Len)); math.Abs(off.Seconds()) > 0.003 {
					t.Errorf("EndsAt is %v beside the end", off)
				}
				if off := s.StepEndsAt.Sub(heard(m.At + m.Len)); math.Abs(off.Seconds()) > 0.003 {
					t.Errorf("StepEndsAt of %s is %v beside its end", m.Name, off)
				}
				if math.Abs(s.Position+s.Remaining-s.Length) > 0.0011 || s.Progress != int(100*s.Position/s.Length) {
					t.Errorf("%.3f + %.3f of %.3f s, %d %%", s.Position, s.Remaining, s.Length, s.Progress)
				}
			}
			if at != len(steps) {
				t.Errorf("%d states for %d steps", at, len(steps))
			}
			if got, want := st.takeStatuses(), "idle, preparing, playing, idle"; got != want {
				t.Errorf("states %s, want %s", got, want)
			}
		})
	})
}

func TestProgressIsReportedWhenHeard(t *testing.T) {
	runPlayer(t, setup{depth: second}, func(st *harness) { // as deep as Snapcast
		st.mustDo("start mixed")
		st.pull(second)
		st.wantEvents("")
		st.wantState("preparing")
		st.pull(audio.Block)
		st.wantEvents("routine_started, Settle")
		s := st.wantState("playing")
		if s.Position != 0.01 {
			t.Errorf("at %v s", s.Position)
		}

		st.pull(second / 4)
		st.mustDo("pause")
		st.pull(second - audio.Block)
		st.wantEvents("")
		if st.wantState("playing").EndsAt != nil {
			t.Error("a routine that will pause has an EndsAt")
		}
		st.pullAll()
		st.wantEvents("paused")
		s = st.wantState("paused")
		if s.EndsAt != nil || s.StepEndsAt != nil || s.Remaining != s.Length || s.Position != 0 {
			t.Errorf("paused in the first phrase: %+v", s)
		}

		time.Sleep(time.Hour)
		st.mustDo("resume")
		st.pull(second)
		st.wantEvents("")
		st.wantState("paused")
		st.pull(audio.Block)
		st.wantEvents("resumed") // not the step, which began before
		s = st.wantState("playing")
		left := s.EndsAt.Sub(s.UpdatedAt).Seconds()
		if want := s.Remaining + 0.29; math.Abs(left-want) > 0.002 { // the rest of the silence before the sound
			t.Errorf("EndsAt is in %.3f s, want %.3f s", left, want)
		}

		st.pull(second)
		st.mustDo("stop")
		st.wantEvents("")
		st.wantState("playing")
		st.pullAll()
		st.wantEvents("routine_stopped")
		st.wantState("idle")
	})
}

func TestPhasesAnnouncedOncePerSound(t *testing.T) {
	x := renderReference(t, mixed)
	breath2 := x.mark(routines.BreathMark, "Breathe", 2, "")
	runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
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
		st.mustDo("start mixed")
		st.pull(breath2.At + audio.Depth + audio.Block) // its "in" is heard; "hold" is a second ahead, "out" more
		want("in", "hold", "out", "in", "hold")
		st.mustDo("pause")
		st.pullAll()
		want()
		st.mustDo("resume")
		st.pull(landingSilence + audio.Depth + second*6/10)
		want("in", "hold", "out")
		st.mustDo("next")
		st.pull(fadeLen + landingSilence + audio.Depth + second)
		want()

		st.mustDo("back")
		st.pull(fadeLen + landingSilence + audio.Depth + 4*second)
		if got := phases(); len(got) == 0 || got[0] != "in" {
			st.Errorf("after back: %v", got)
		}
	})
}

const breathsOnly = `
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

func TestPhasesAroundFadeOut(t *testing.T) {
	x := renderReference(t, breathsOnly)
	breath3 := x.mark(routines.BreathMark, "Breathe", 3, "")
	count := func(st *harness) int {
		synctest.Wait()
		n := len(st.phases)
		st.phases = nil
		return n
	}
	t.Run("after pause no phase is announced", func(t *testing.T) {
		runPlayer(t, setup{files: routineFiles(map[string]string{"steady": breathsOnly}), depth: audio.Depth}, func(st *harness) {
			st.mustDo("start steady")
			st.pull(breath3.At - second/20 + audio.Depth) // its "out" is 1.05 s ahead
			if n := count(st); n != 5 {
				t.Fatalf("%d phases", n)
			}
			st.mustDo("pause")
			st.pullAll()
			if n := count(st); n != 0 {
				t.Errorf("%d phases were announced that will not be heard", n)
			}
		})
	})
	t.Run("after next the first phase is announced", func(t *testing.T) {
		runPlayer(t, setup{files: routineFiles(map[string]string{"steady": breathsOnly}), depth: audio.Depth}, func(st *harness) {
			st.mustDo("start steady")
			st.pull(breath3.At + second/2)
			count(st)
			st.mustDo("next") // lands with its first breath 0.8 s ahead, less than the phases announced before
			st.pull(fadeLen + landingSilence + 2*second + audio.Depth)
			if n := count(st); n != 3 {
				t.Errorf("%d phases, want in, out, in", n)
			}
		})
	})
}

// A side switch belongs to the side before it, and its state has the time when the next side begins.
func TestStateDuringSideSwitch(t *testing.T) {
	x := renderReference(t, mixed)
	turn := x.mark(routines.SwitchMark, "Lean", 0, "right")
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(turn.At + second)
		s := st.wantState("playing")
		if left := s.StepEndsAt.Sub(s.UpdatedAt).Seconds(); math.Abs(left-1) > 0.002 {
			t.Errorf("the next side begins in %v s, want 1", left)
		}
	})
}

const waitRoutine = `
title = "Waiting"

[[step]]
name = "Lie down"
say  = "Lie down."
hold = "until next"

[[step]]
name = "Rest"
say  = "Now rest."
rest = "5s"
`

func waitSetup() setup {
	return setup{files: routineFiles(map[string]string{"waiting": waitRoutine, "other": other}), depth: audio.Depth}
}

func TestHoldUntilNext(t *testing.T) {
	t.Run("waits, with an event and a state", func(t *testing.T) {
		runPlayer(t, waitSetup(), func(st *harness) {
			st.mustDo("start waiting")
			st.pull(60 * audio.Rate)
			s := st.wantState(player.Waiting)
			if s.EndsAt != nil || s.StepEndsAt != nil || s.Step != "Lie down" || s.NextStep != "Rest" {
				t.Errorf("%+v", s)
			}
			if s.Remaining < 5 || s.Remaining > 7 || s.Position > 10 {
				t.Errorf("at %v, %v remaining: the wait counts", s.Position, s.Remaining)
			}
			st.wantEvents("routine_started, Lie down, waiting")
			if r := st.do("extend 1m"); r.Status == "ok" {
				t.Error("a wait can be extended")
			}
		})
	})
	t.Run("goes on after next, and finishes", func(t *testing.T) {
		runPlayer(t, waitSetup(), func(st *harness) {
			st.mustDo("start waiting")
			st.pull(20 * audio.Rate)
			st.takeEvents()
			st.mustDo("next")
			st.pull(audio.Rate / 2)
			if s := st.wantState(player.Playing); s.Step != "Rest" || s.EndsAt == nil || time.Until(*s.EndsAt) > 7*time.Second {
				t.Errorf("%+v", s)
			}
			st.pullAll()
			st.wantEvents("Rest, routine_finished")
		})
	})
	t.Run("waits again after a pause", func(t *testing.T) {
		runPlayer(t, waitSetup(), func(st *harness) {
			st.mustDo("start waiting")
			st.pull(20 * audio.Rate)
			st.mustDo("pause")
			st.pullAll()
			st.wantState(player.Paused)
			st.mustDo("resume")
			st.pull(audio.Rate)
			st.wantState(player.Waiting)
		})
	})
	t.Run("repeat speaks its text again", func(t *testing.T) {
		runPlayer(t, waitSetup(), func(st *harness) {
			st.mustDo("start waiting")
			st.pull(20 * audio.Rate)
			st.takeEvents()
			st.mustDo("repeat")
			st.pull(audio.Rate)
			st.wantState(player.Playing)
			st.pull(10 * audio.Rate)
			st.wantState(player.Waiting)
			st.wantEvents("Lie down, waiting")
		})
	})
	t.Run("without next the session ends after a quarter of an hour", func(t *testing.T) {
		runPlayer(t, waitSetup(), func(st *harness) {
			st.mustDo("start waiting")
			st.pull(16 * 60 * audio.Rate)
			st.wantState(player.Idle)
			st.wantEvents("routine_started, Lie down, waiting, routine_stopped")
		})
	})
}

func TestLibraryLengthLeavesWaitOut(t *testing.T) {
	runPlayer(t, waitSetup(), func(st *harness) {
		for _, i := range st.p.Info().Routines {
			if i.Name == "waiting" && i.Length > 40 {
				t.Errorf("its length is %v s", i.Length)
			}
		}
	})
}
