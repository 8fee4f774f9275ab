package player_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"guided/player"
)

// fitted has all that a start can change: a bed, holds, short texts, and a length that can be fitted.
const fitted = `
title = "Fitted"
bed   = "rain"
[[step]]
name    = "Breathe"
say     = "Breathe with me for a while."
short   = "Breathe."
breathe = "1-1-1"
for     = "9s"
fit     = ["1 breath", "20 breaths"]
[[step]]
name = "Rest"
say  = "Now rest here, as long as you like."
rest = "4s"
fit  = ["1s", "20s"]
`

// asking is fitted with a step that waits for next, but in a run of the schedule.
const asking = fitted + "[[step]]\nname = \"Stay\"\nhold = \"until next\"\n"

// randomStart is a start with some of everything that it takes.
func randomStart(r *rand.Rand, name string) string {
	words, length := "start "+name, []string{"", " for 15s", " for 25s", " until 00:00:30"}
	if name == "asking" { // its last step lasts half a minute
		length = []string{"", " for 45s", " until 00:00:55"}
	}
	for _, choice := range [][]string{
		length, {"", " voice anna"}, {"", " verbosity short", " verbosity minimal"}, {"", " holds off"},
		{"", " bed waves", " bed none"}, {"", " volume 35"}, {"", " fade_in 12s"}, {"", " fade_out 12s"},
	} {
		words += choice[r.IntN(len(choice))]
	}
	return words
}

// Whatever a session was started with, and was changed by while it played: what goes on in another process is the rest of
// it, sample by sample, and has the same parameters.
func TestLostSessionGoesOnAsItBegan(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 3))
		unattended := seed%4 == 0
		start, heard, change := randomStart(r, map[bool]string{false: "fitted", true: "asking"}[unattended]), 1+r.IntN(10*second), []string{"status", "slower", "extend 2s"}[r.IntN(3)]
		t.Run(fmt.Sprintf("%d: %s, %s after %d", seed, start, change, heard), func(t *testing.T) {
			t.Parallel()
			begin := func(st *harness) {
				t.Helper()
				if c, err := player.Parse([]byte(start)); unattended && err == nil {
					st.p.StartUnattended(c, true, func(err error) {
						if err != nil {
							t.Error(err)
						}
					})
					synctest.Wait()
				} else {
					st.mustDo(start)
				}
				st.pull(heard)
				st.do(change)
			}
			finish := func(st *harness) []float64 {
				st.pullAll()
				st.wantState(player.Idle)
				return slices.Clone(st.out.heard())
			}
			files := routineFiles(map[string]string{"fitted": fitted, "asking": asking})
			var whole, rest []float64
			var place, again player.Place
			runPlayer(t, setup{files: files}, func(st *harness) {
				begin(st)
				place = st.lostPlace()
				whole = finish(st)
			})
			runPlayer(t, setup{files: files}, func(st *harness) {
				time.Sleep(time.Hour) // until is over
				if r := st.p.ResumeAt(place, "a test"); r.Error != "" {
					t.Fatal(r.Error)
				}
				st.pull(1)
				again = st.lostPlace()
				rest = finish(st)
			})
			if again.Score != place.Score || again.Voice != place.Voice || !reflect.DeepEqual(again.Options, place.Options) || !reflect.DeepEqual(again.Volume, place.Volume) {
				t.Errorf("it goes on as\n%+v, was\n%+v", again, place)
			}
			// The first samples rise from silence. After a change in a fade, which may come ten seconds later, the volume glides to
			// where it is to be for ten seconds; what goes on is there at once.
			differs := second
			if change != "status" && strings.Contains(start, "fade") {
				differs = 21 * second
			}
			n := max(0, min(len(whole), len(rest))-differs)
			for i, got := range rest[len(rest)-n:] { // sums may be rounded otherwise
				if want := whole[len(whole)-n+i]; math.Abs(got-want) > 1e-9 {
					t.Fatalf("of the last %d samples, %d differs: %g, was %g", n, i, got, want)
				}
			}
		})
	}
}
