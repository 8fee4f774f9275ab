package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"guided/player"
)

func TestStatusLines(t *testing.T) {
	at := time.Date(2026, 5, 1, 7, 40, 0, 0, time.Local)
	for situation, tt := range map[string]struct {
		state player.State
		want  []string
	}{
		"nothing plays":              {player.State{State: player.Idle, Volume: 60}, []string{"idle", "volume: 60"}},
		"a lost session is offered":  {player.State{State: player.Idle, Volume: 60, ResumeOffer: &player.ResumeOffer{Title: "Yoga", Step: "Cat", Until: at}}, []string{"idle", "offered: Yoga, step Cat, until 07:40; guided send resume goes on with it", "volume: 60"}},
		"the schedule is off":        {player.State{State: player.Idle, Volume: 60, Schedule: "off", EntriesOff: []string{"a"}}, []string{"idle", "volume: 60", "the schedule is off: nothing starts by itself"}},
		"some of it is off":          {player.State{State: player.Idle, Volume: 60, Schedule: "on", EntriesOff: []string{"a", "b"}, NextRun: &at}, []string{"idle", "volume: 60", "off in the schedule: a, b", "next run: Fri 1 May 07:40"}},
		"a step with a side, paused": {player.State{State: player.Paused, Volume: 60, Title: "Yoga", Routine: "yoga", Step: "Lunge", Side: "left", StepNumber: 2, Steps: 3, Position: 61, Length: 180}, []string{"paused: Yoga", "step 2 of 3: Lunge, left", "1:01 of 3:00", "volume: 60"}},
	} {
		t.Run(situation, func(t *testing.T) {
			if got := statusLines(tt.state, at); !slices.Equal(got, tt.want) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
