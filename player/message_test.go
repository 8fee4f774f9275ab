package player_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"guided/audio"
	"guided/audio/voice"
	"guided/player"
	"guided/routines"
)

const (
	shortMessage  = "The bell rings."                                             // 0.7 s
	longMessage   = "Dinner is ready in the kitchen, and the others wait for you" // 2.5 s
	duckedLevel   = 0.026                                                         // the peak of a ducked humVoice
	roundingError = 1e-4                                                          // of 16 bits
	settleText    = "Sit tall and let your shoulders drop."
)

func TestSayWhileIdle(t *testing.T) {
	runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
		st.mustDo("say " + shortMessage)
		st.wantState(player.Idle)
		st.pullAll()
		if got := st.out.heard(); findSound(got, messageSound(t, shortMessage), roundingError) != 0 || len(got) != len(messageSound(t, shortMessage)) {
			t.Errorf("%d samples were heard", len(got))
		}
		if st.out.openPlay() != nil || st.out.playCount() != 1 {
			t.Error("the device is still open")
		}
		st.wantEvents("")
		st.mustDo("start other")
		st.pullAll()
		st.wantEvents("routine_started, Rest, Quiet, routine_finished")
	})
}

func TestSayOverRoutine(t *testing.T) {
	x := renderReference(t, mixed)
	phrase := x.sound[:(100+40*len(settleText))*audio.Rate/1000]
	for name, reserve := range map[string]int{"an output that cannot rewind": 0, "an output that rewinds a second": audio.Rate} {
		t.Run("a short message, on "+name, func(t *testing.T) {
			runPlayer(t, setup{}, func(st *harness) {
				st.out.reserve = reserve
				st.mustDo("start mixed")
				st.pull(audio.Rate / 2)
				st.mustDo("say " + shortMessage)
				st.pullAll()
				got := st.out.heard()
				if findSound(got, phrase, roundingError) != 0 {
					t.Error("the phrase that sounded is not whole")
				}
				at := findSound(got, messageSound(t, shortMessage), duckedLevel)
				if at < len(phrase)+audio.Rate/10 || at > len(phrase)+audio.Rate/2 {
					t.Errorf("the message is heard at %d, the phrase ends at %d", at, len(phrase))
				}
				if len(got) != x.Len {
					t.Errorf("%d samples, the routine has %d", len(got), x.Len)
				}
				if rest := at + 2*audio.Rate; findSound(got[rest:], x.sound[rest:], roundingError) != 0 {
					t.Error("the routine does not go on where it would have been")
				}
			})
		})
		t.Run("a long message, on "+name, func(t *testing.T) {
			runPlayer(t, setup{}, func(st *harness) {
				st.out.reserve = reserve
				st.mustDo("start mixed")
				breath := x.mark(routines.BreathMark, "Breathe", 1, "")
				st.pull(breath.From + audio.Rate/2)
				st.mustDo("say " + longMessage)
				st.pullAll()
				got := st.out.heard()
				at := findSound(got, messageSound(t, longMessage), duckedLevel)
				if at < 0 {
					t.Fatal("the message is not whole")
				}
				end := at + len(messageSound(t, longMessage))
				again := -1
				for n := 1; n <= 3 && again < 0; n++ { // the breath that the routine has reached
					b := x.mark(routines.BreathMark, "Breathe", n, "")
					if again = findSound(got[end:], x.sound[b.From:], roundingError); again >= 0 {
						t.Logf("comes back at breath %d", n)
					}
				}
				if again < 0 || again > landingSilence+fadeLen+audio.Block {
					t.Errorf("comes back %d samples after the message, not at the start of a breath", again)
				}
			})
		})
	}
}

func TestSayWhilePaused(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(audio.Rate / 2)
		st.mustDo("pause")
		st.pullAll()
		before := len(st.out.heard())
		st.mustDo("say " + shortMessage)
		st.pullAll()
		st.wantState(player.Paused)
		if findSound(st.out.heard()[before:], messageSound(t, shortMessage), roundingError) != 0 {
			t.Error("the message is not heard")
		}
		st.wantEvents("routine_started, Settle, paused")
	})
}

func TestSayInterrupted(t *testing.T) {
	t.Run("by pause: spoken again from its beginning", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(audio.Rate / 10)
			st.mustDo("say " + longMessage)
			st.pull(3 * audio.Rate)
			st.mustDo("pause")
			st.pullAll()
			before := len(st.out.heard())
			if findSound(st.out.heard(), messageSound(t, longMessage), duckedLevel) >= 0 {
				t.Fatal("it was over before the pause")
			}
			st.mustDo("resume")
			st.pullAll()
			if findSound(st.out.heard()[before:], messageSound(t, longMessage), duckedLevel) < 0 {
				t.Error("it is not spoken again")
			}
		})
	})
	t.Run("by stop: dropped", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("say " + longMessage)
			st.mustDo("say " + shortMessage)
			st.pull(audio.Rate / 2)
			st.mustDo("stop")
			st.pullAll()
			if n := len(st.out.heard()); n > audio.Rate {
				t.Errorf("%d samples were heard", n)
			}
			st.wantState(player.Idle)
		})
	})
	t.Run("by the end of the routine: spoken whole", func(t *testing.T) {
		runPlayer(t, setup{}, func(st *harness) {
			st.mustDo("start other")
			st.pull(renderReference(t, other).Len - audio.Rate/2)
			st.mustDo("say " + longMessage)
			st.pullAll()
			if findSound(st.out.heard(), messageSound(t, longMessage), duckedLevel) < 0 {
				t.Error("it is cut")
			}
			st.wantEvents("routine_started, Rest, Quiet, routine_finished")
		})
	})
}

func TestSayInGap(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		x := renderReference(t, other)
		st.mustDo("start other")
		st.pull(audio.Rate / 10)
		st.mustDo(fmt.Sprintf(`{"command":"say","text":%q,"when":"gap"}`, longMessage))
		st.pullAll()
		got := st.out.heard()
		if len(got) != x.Len {
			t.Errorf("%d samples, the routine has %d: it was held up", len(got), x.Len)
		}
		words := messageSound(t, "Just rest now.")
		if findSound(got, messageSound(t, longMessage), duckedLevel) < 0 || findSound(got, words, roundingError) != 0 {
			t.Error("a phrase is not whole")
		}
	})
}

func TestSayTwice(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(audio.Rate / 10)
		st.mustDo("say " + shortMessage)
		st.mustDo("say " + longMessage)
		st.pullAll()
		got := st.out.heard()
		first, second := findSound(got, messageSound(t, shortMessage), duckedLevel), findSound(got, messageSound(t, longMessage), duckedLevel)
		if first < 0 || second < first+len(messageSound(t, shortMessage)) {
			t.Errorf("heard at %d and %d", first, second)
		}
	})
}

func TestSayRefuses(t *testing.T) {
	runPlayer(t, setup{voice: newGatedVoice("?")}, func(st *harness) {
		for words, want := range map[string]string{
			"say": "say TEXT", "say \x01 ...": "say TEXT", "say " + strings.Repeat("a", 501): "500 are allowed",
			"say Hello there.": "install espeak-ng", `{"command":"say","text":"Hello","when":"later"}`: `"gap"`,
		} {
			if r := st.do(words); r.Status != "error" || !strings.Contains(r.Error, want) {
				t.Errorf("%.20q: %+v", words, r)
			}
		}
	})
}

func TestSayWithFullQueue(t *testing.T) {
	runPlayer(t, setup{}, func(st *harness) {
		var refused []string
		for range 20 {
			if r := st.p.DoPayload([]byte("say " + shortMessage)); r.Status == "error" {
				refused = append(refused, r.Error)
			}
		}
		if len(refused) == 0 || !slices.ContainsFunc(refused, func(e string) bool { return strings.Contains(e, "in a moment") }) {
			t.Errorf("refused: %q", refused)
		}
	})
}

func TestSayWithSpeechEngine(t *testing.T) {
	unsaid := partialVoice{word: "bell", err: voice.ErrNoRecording}
	t.Run("that is slow: the routine goes on meanwhile", func(t *testing.T) {
		v := newGatedVoice("bell")
		runPlayer(t, setup{voice: v, engine: unsaid}, func(st *harness) {
			st.mustDo("start mixed")
			st.pull(audio.Rate / 10)
			st.mustDo("say " + shortMessage)
			st.pull(2 * audio.Rate)
			close(v.gate)
			st.pullAll()
			x := renderReference(t, mixed)
			got := st.out.heard()
			if findSound(got, x.sound[:2*audio.Rate], roundingError) != 0 {
				t.Error("the routine is not heard as it is while the engine works")
			}
			if findSound(got, messageSound(t, shortMessage), duckedLevel) < 2*audio.Rate {
				t.Error("the message is not heard after that")
			}
		})
	})
	t.Run("that is stopped before it has finished: nothing is heard", func(t *testing.T) {
		v := newGatedVoice("bell")
		runPlayer(t, setup{voice: v, engine: unsaid}, func(st *harness) {
			st.mustDo("say " + shortMessage)
			if r := st.do("stop"); r.Status != "ok" || r.Unchanged {
				t.Errorf("%+v", r)
			}
			close(v.gate)
			synctest.Wait()
			st.wantState(player.Idle)
			if n := st.out.playCount(); n != 0 {
				t.Errorf("the device was opened %d times", n)
			}
			st.wantEvents("")
			st.mustDo("say " + longMessage)
			st.pullAll()
			if findSound(st.out.heard(), messageSound(t, longMessage), roundingError) != 0 {
				t.Error("the next message is not heard")
			}
		})
	})
	t.Run("that fails: a problem event, and the routine goes on", func(t *testing.T) {
		broken := partialVoice{word: "bell", err: errors.New("the engine is broken")}
		runPlayer(t, setup{voice: unsaid, engine: broken}, func(st *harness) {
			st.mustDo("start other")
			st.pull(audio.Rate / 10)
			st.mustDo("say " + shortMessage)
			st.pullAll()
			st.wantEvents("routine_started, Rest, problem, Quiet, routine_finished")
			if got := st.out.heard(); findSound(got, renderReference(t, other).sound, roundingError) != 0 {
				t.Error("the routine is not heard as it is")
			}
		})
	})
}
