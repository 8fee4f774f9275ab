package player_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/player"
)

// Over a thousand random interruptions: no click, no cue that begins in its middle, no breath that goes on in its middle,
// and a consistent state after each of them.
func TestRandomInterruptions(t *testing.T) {
	x, y := renderReference(t, mixed), renderReference(t, other)
	spoken, bound := cueSounds(x, y), maxBendWithFades(x.sound)
	words := []string{
		"pause", "resume", "resume", "toggle", "next", "next", "back", "repeat", "stop", "start mixed", "start mixed", "start mixed", "start other",
		"select other", "status", "lose", "away", "back again", "back again",
	}
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			words, bound := words, bound
			if seed%2 == 1 {
				words = append(slices.Clone(words), "volume 30", "volume 100", "start mixed volume 60", "duck", "unduck", "say "+shortMessage, "say "+longMessage)
				bound = 1.15 * max(bound, maxBendWithFades(messageSound(t, shortMessage)), maxBendWithFades(messageSound(t, longMessage))) // a message over the ducked routine
			}
			runPlayer(t, setup{depth: []int{0, audio.Depth, 777}[seed%3]}, func(st *harness) {
				st.out.block = 1000
				st.out.reserve = []int{0, second}[seed/2%2]
				for i := range 130 {
					if seconds := 2 * r.Float64(); r.IntN(3) > 0 {
						st.pull(int(seconds * second))
					} else {
						st.pull(r.IntN(3 * fadeLen))
					}
					word := words[r.IntN(len(words))]
					switch word {
					case "lose":
						if st.out.openPlay() != nil {
							st.failDevice(errUnplugged)
						}
					case "away":
						st.out.setUnavailable(errUnplugged)
					case "back again":
						st.out.setUnavailable(nil)
						time.Sleep(time.Duration(r.IntN(40)) * time.Second)
					default:
						st.do(word)
					}
					if problem := inconsistency(st.p.State()); problem != "" {
						t.Fatalf("command %d, %s: %s: %+v", i, word, problem, st.p.State())
					}
				}
				st.out.setUnavailable(nil)
				st.mustDo("stop")
				st.pullAll()
				synctest.Wait()
				if st.out.openPlay() != nil {
					t.Error("it plays on")
				}
				st.wantState(player.Idle)
				for i, h := range st.out.plays {
					heard := h.samples[:h.heard]
					if !h.failed { // then it ends in silence
						heard = append(slices.Clone(heard), 0, 0)
					}
					if most := maxBend(append([]float64{0, 0}, heard...)); most > bound {
						t.Errorf("a click in Play %d: %g, a smooth sound has %g", i, most, bound)
					}
					if seed%2 == 0 {
						wantWholeCues(t, spoken, heard, h.failed)
					}
				}
			})
		})
	}
}

// inconsistency is what cannot be true of a state, empty if there is nothing.
func inconsistency(s player.State) string {
	timed := s.EndsAt != nil && s.StepEndsAt != nil
	switch {
	case s.State != player.Playing && (s.EndsAt != nil || s.StepEndsAt != nil):
		return "it has an end that will not come"
	case s.State == player.Idle && (s.Routine != "" || s.Error != "" || s.Step != ""):
		return "idle, and playing something"
	case s.State != player.Idle && s.State != player.Problem && (s.Routine == "" || s.Title == ""):
		return "it plays nothing"
	case s.State == player.Problem && s.Error == "":
		return "a problem without a reason"
	case s.State == player.Playing && s.StartedAt == nil:
		return "it plays and has not begun"
	case s.Step != "" && (s.StepNumber < 1 || s.StepNumber > s.Steps):
		return "a step that there is not"
	case s.Position < 0 || s.Position > s.Length || math.Abs(s.Position+s.Remaining-s.Length) > 0.0011 || s.Progress < 0 || s.Progress > 100:
		return "a place outside the routine"
	case timed && s.StepEndsAt.After(s.EndsAt.Add(2*time.Millisecond)):
		return "the step ends after the routine"
	case timed && s.StepEndsAt.Before(s.UpdatedAt):
		return "the step has ended"
	}
	return ""
}
