package player_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

// lateVoice is humVoice, except that it takes seconds to measure a text while it is late.
type lateVoice struct {
	humVoice
	late atomic.Bool
}

func (v *lateVoice) Measure(text string) (routines.Extent, bool) {
	if v.late.Load() && strings.Contains(text, "Well done") {
		time.Sleep(3 * time.Second)
	}
	return v.humVoice.Measure(text)
}

// Messages that a speech engine does not finish delay nothing, and end with stop.
func TestSubmitWhileEngineHangs(t *testing.T) {
	v := &gatedVoice{word: "Dinner", spoken: map[string]bool{}}
	runPlayer(t, setup{voice: v, engine: partialVoice{word: "Dinner"}}, func(st *harness) {
		for range 5 {
			st.wantAnswer(st.submit("say "+longMessage), "")
		}
		st.wantAnswer(st.submit("start mixed"), "")
		st.pull(second)
		st.wantState(player.Playing)
		st.wantAnswer(st.submit("pause"), "")
		st.pullAll()
		st.wantState(player.Paused)
		st.wantAnswer(st.submit("start mixed"), "")
		st.pull(second)
		st.wantAnswer(st.submit("stop"), "")
		st.pullAll()
		st.wantState(player.Idle)
		close(v.gate)
		st.pullAll()
		if findSound(st.out.heard(), messageSound(t, longMessage), duckedLevel) >= 0 {
			t.Error("a message was heard after the stop")
		}
	})
	t.Run("a message is given up", func(t *testing.T) {
		v := &gatedVoice{word: "Dinner", spoken: map[string]bool{}}
		runPlayer(t, setup{voice: v, engine: partialVoice{word: "Dinner"}}, func(st *harness) {
			st.mustDo("say " + longMessage)
			st.mustDo("say " + shortMessage)
			time.Sleep(2*time.Minute + time.Second)
			st.wantEvents("problem")
			st.pullAll()
			if findSound(st.out.heard(), messageSound(t, shortMessage), roundingError) != 0 {
				t.Error("the next one is not heard")
			}
		})
	})
}

// A routine does not wait for messages that are spoken alone: the one that sounds leaves within 10 ms, and is spoken from
// its beginning in a gap of the routine.
func TestStartWhileMessageIsSpoken(t *testing.T) {
	for _, before := range [][]string{{"start other"}, {"start other", "pause", "start other"}, {"start other", "pause", "resume"}, {"start other", "pause", "toggle"}} {
		for name, reserve := range map[string]int{"an output that cannot rewind": 0, "an output that rewinds a second": audio.Rate} {
			t.Run(strings.Join(before, ", ")+", "+name, func(t *testing.T) {
				runPlayer(t, setup{}, func(st *harness) {
					st.out.reserve = reserve
					for _, words := range before[:len(before)-1] {
						st.mustDo(words)
						st.pull(second)
					}
					st.mustDo("say " + longMessage)
					st.mustDo("say " + shortMessage)
					st.pull(second)
					alone := len(st.out.plays) - 1
					st.mustDo(before[len(before)-1])
					st.pull(second / 10)
					if got := st.out.plays[alone].heard; got > second+fadeLen {
						t.Errorf("%d samples of the message are heard after the start", got-second)
					}
					st.wantState(player.Playing)
					st.pullAll()
					routine := st.out.plays[alone+1].samples
					for _, text := range []string{longMessage, shortMessage} {
						if findSound(routine, messageSound(t, text), 2*duckedLevel) < 0 {
							t.Errorf("%q is not spoken over the routine", text)
						}
					}
					for i, piece := range st.out.pieces() {
						if most := maxBend(append([]float64{0, 0}, piece...)); most > 1.15*maxBendWithFades(messageSound(t, longMessage)) && most > 1.15*maxBendWithFades(renderReference(t, other).sound) {
							t.Errorf("a click in Play %d: %g", i, most)
						}
					}
				})
			})
		}
	}
	t.Run("stop silences it at once", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.out.reserve = audio.Rate
			st.mustDo("say " + longMessage)
			st.mustDo("say " + shortMessage)
			st.pull(second)
			st.mustDo("stop")
			st.pullAll()
			if got := len(st.out.heard()); got > second+fadeLen || st.out.playCount() != 1 {
				t.Errorf("%d samples are heard after the stop", got-second)
			}
		})
	})
	t.Run("volume glides", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.out.reserve = audio.Rate
			st.mustDo("say " + longMessage)
			st.pull(second)
			st.mustDo("volume 50")
			st.pullAll()
			if most := maxBend(st.out.heard()); most > 1.15*maxBendWithFades(messageSound(t, longMessage)) {
				t.Errorf("a click: %g", most)
			}
			tail := st.out.heard()[second+second/10 : second+second/5]
			for i, x := range messageSound(t, longMessage)[second+second/10 : second+second/5] {
				if d := tail[i] - x/8; d > 1e-6 || d < -1e-6 {
					t.Fatalf("at %d: %g, want an eighth of %g", i, tail[i], x)
				}
			}
		})
	})
}
