package player_test

import (
	"testing"
	"time"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

const waiting = `
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

func waits() props {
	return props{files: shelf(map[string]string{"waiting": waiting, "other": other}), depth: audio.Depth}
}

func TestAStepThatWaitsForNext(t *testing.T) {
	t.Run("waits, and says so", func(t *testing.T) {
		perform(t, waits(), func(st *stage) {
			st.ok("start waiting")
			st.hear(60 * audio.Rate)
			s := st.is(player.Waiting)
			if s.EndsAt != nil || s.StepEndsAt != nil || s.Step != "Lie down" || s.NextStep != "Rest" {
				t.Errorf("%+v", s)
			}
			if s.Remaining < 5 || s.Remaining > 7 || s.Position > 10 {
				t.Errorf("at %v, %v to come: what is waited counts", s.Position, s.Remaining)
			}
			st.tells("routine_started, Lie down, waiting")
			if r := st.do("extend 1m"); r.Status == "ok" {
				t.Error("a wait can be extended")
			}
		})
	})
	t.Run("goes on when next is said, and ends like any other", func(t *testing.T) {
		perform(t, waits(), func(st *stage) {
			st.ok("start waiting")
			st.hear(20 * audio.Rate)
			st.told()
			st.ok("next")
			st.hear(audio.Rate / 2)
			if s := st.is(player.Playing); s.Step != "Rest" || s.EndsAt == nil || time.Until(*s.EndsAt) > 7*time.Second {
				t.Errorf("%+v", s)
			}
			st.drain()
			st.tells("Rest, routine_finished")
		})
	})
	t.Run("waits on after a pause", func(t *testing.T) {
		perform(t, waits(), func(st *stage) {
			st.ok("start waiting")
			st.hear(20 * audio.Rate)
			st.ok("pause")
			st.drain()
			st.is(player.Paused)
			st.ok("resume")
			st.hear(audio.Rate)
			st.is(player.Waiting)
		})
	})
	t.Run("says its words again when asked to repeat", func(t *testing.T) {
		perform(t, waits(), func(st *stage) {
			st.ok("start waiting")
			st.hear(20 * audio.Rate)
			st.told()
			st.ok("repeat")
			st.hear(audio.Rate)
			st.is(player.Playing)
			st.hear(10 * audio.Rate)
			st.is(player.Waiting)
			st.tells("Lie down, waiting")
		})
	})
	t.Run("ends the session when nobody comes", func(t *testing.T) {
		perform(t, waits(), func(st *stage) {
			st.ok("start waiting")
			st.hear(16 * 60 * audio.Rate)
			st.is(player.Idle)
			st.tells("routine_started, Lie down, waiting, routine_stopped")
		})
	})
}

func TestAFinishedWaitCountsInNoLength(t *testing.T) {
	perform(t, waits(), func(st *stage) {
		for _, i := range st.p.Info().Routines {
			if i.Name == "waiting" && i.Length > float64(40*routines.Rate) {
				t.Errorf("it is said to last %v s", i.Length)
			}
		}
	})
}
