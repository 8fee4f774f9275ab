package player_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"guided/player"
)

// The clock of the machine may be set while a routine plays, to and fro: what is heard is the same, sample by sample, and so
// are the events, their order, and what is recorded; nothing starts by it and nothing ends.
func TestClockSetWhilePlaying(t *testing.T) {
	words := []string{"pause", "resume", "resume", "next", "back", "repeat", "slower", "faster", "extend 3s", "duck", "unduck", "volume 40", "start mixed", "start fitted for 15s fade_out 6s", "say " + shortMessage, "stop", "status"}
	steps := []time.Duration{time.Millisecond, 40 * time.Second, time.Hour, 300 * 24 * time.Hour}
	type outcome struct {
		heard  []float64
		events []string
		record []player.Record
		phases []time.Duration
	}
	files := routineFiles(map[string]string{"mixed": mixed, "fitted": fitted})
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			var outcomes [2]outcome
			for steady := range outcomes {
				r := rand.New(rand.NewPCG(seed, 11)) // the same commands
				var ahead time.Duration
				clock := func() time.Time { return time.Now().Round(0).Add(ahead) }
				set := func(d time.Duration) {
					if steady == 0 {
						ahead += d
					}
				}
				runPlayer(t, setup{files: files, now: clock, depth: []int{0, 777}[seed%2]}, func(st *harness) {
					st.out.reserve = []int{0, second}[seed/2%2]
					st.mustDo("start mixed")
					for range 25 {
						st.pull(1 + r.IntN(second))
						set(steps[r.IntN(len(steps))] * time.Duration(1-2*r.IntN(2)))
						st.pull(1 + r.IntN(second))
						st.do(words[r.IntN(len(words))])
						if problem := inconsistency(st.p.State()); problem != "" {
							t.Errorf("%s: %+v", problem, st.p.State())
						}
					}
					st.do("resume")
					st.pullAll()
					o := &outcomes[steady]
					o.heard = slices.Clone(st.out.heard())
					for _, e := range st.events {
						o.events = append(o.events, fmt.Sprint(e.Type, " ", e.Step, " ", e.Side))
					}
					for _, p := range st.phases {
						o.phases = append(o.phases, time.Duration(p.Seconds*float64(time.Second)))
					}
					for _, record := range st.records {
						if record.Ended.Before(record.Started) {
							t.Errorf("it ended before it began: %+v", record)
						}
						record.ID, record.Started, record.Ended = "", time.Time{}, time.Time{}
						o.record = append(o.record, record)
					}
				})
			}
			set, kept := outcomes[0], outcomes[1]
			if !slices.Equal(set.heard, kept.heard) {
				t.Errorf("%d samples are heard while the clock is set, %d else, and they differ", len(set.heard), len(kept.heard))
			}
			if !slices.Equal(set.events, kept.events) || !slices.Equal(set.phases, kept.phases) {
				t.Errorf("told is\n%v, else\n%v", set.events, kept.events)
			}
			if !reflect.DeepEqual(set.record, kept.record) {
				t.Errorf("recorded is\n%+v, else\n%+v", set.record, kept.record)
			}
		})
	}
}
