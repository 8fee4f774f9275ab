package player_test

import (
	"testing"

	"guided/player"
	"guided/routines"
)

// The state of a long routine, which is heard near its end. Where an int has 32 bits, products of samples must not be
// computed in it; run it with GOARCH=386 or ./test arm.
func TestStateOfLongRoutine(t *testing.T) {
	const text = `
title = "Hours"
[[step]]
name = "Long"
rest = "3h"
[[step]]
name = "Late"
rest = "55m"
`
	runPlayer(t, setup{files: routineFiles(map[string]string{"hours": text})}, func(st *harness) {
		st.mustDo("start hours")
		st.pull(second)
		if s := st.wantState(player.Playing); s.Progress != 0 || s.Length != 14100 {
			t.Errorf("%+v", s)
		}
		st.mustDo("next")
		st.pull(landingSilence + 60*second)
		s := st.wantState(player.Playing)
		if problem := inconsistency(s); problem != "" {
			t.Errorf("%s: %+v", problem, s)
		}
		if s.Step != "Late" || s.Progress != 77 || s.Position < 10859 || s.Position > 10861 || s.EndsAt.Sub(s.UpdatedAt) < routines.Duration(3230*second) {
			t.Errorf("%+v", s)
		}
		st.mustDo("extend 4m")
		if s := st.wantState(player.Playing); s.Length != 14340 || s.Progress < 75 || s.Progress > 76 {
			t.Errorf("%+v", s)
		}
	})
}
