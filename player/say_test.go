package player_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"guided/audio"
	"guided/player"
	"guided/routines"
)

// said is a message as its voice hums it.
func said(t *testing.T, text string) []float64 {
	t.Helper()
	r, err := hum{}.Speak(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]float64, len(r.PCM))
	for i, s := range r.PCM {
		list[i] = float64(s) / 32768
	}
	return list
}

// find looks for a sound that is heard whole, with no more than so much beside it; −1 when it is not.
func find(heard, sound []float64, beside float64) int {
next:
	for at := 0; at+len(sound) <= len(heard); at++ {
		for i, x := range sound {
			if math.Abs(heard[at+i]-x) > beside {
				continue next
			}
		}
		return at
	}
	return -1
}

const (
	short    = "The bell rings."                                             // 0.7 s
	dinner   = "Dinner is ready in the kitchen, and the others wait for you" // 2.5 s
	softly   = 0.026                                                         // a hum that is ducked
	exactly  = 1e-4                                                          // what 16 bits round
	dropping = "Sit tall and let your shoulders drop."
)

func TestAMessageWhileNothingPlays(t *testing.T) {
	perform(t, props{depth: audio.Depth}, func(st *stage) {
		st.ok("say " + short)
		st.is(player.Idle)
		st.drain()
		if got := st.ear.heard(); find(got, said(t, short), exactly) != 0 || len(got) != len(said(t, short)) {
			t.Errorf("%d samples were heard", len(got))
		}
		if st.ear.open() != nil || st.ear.attempts() != 1 {
			t.Error("the device is still open")
		}
		st.tells("")
		st.ok("start other")
		st.drain()
		st.tells("routine_started, Rest, Quiet, routine_finished")
	})
}

func TestAMessageOverARoutine(t *testing.T) {
	x := record(t, mixed)
	phrase := x.sound[:(100+40*len(dropping))*audio.Rate/1000]
	for name, reserve := range map[string]int{"a device that takes nothing back": 0, "a device that takes back a second": audio.Rate} {
		t.Run("a short one, on "+name, func(t *testing.T) {
			perform(t, props{}, func(st *stage) {
				st.ear.reserve = reserve
				st.ok("start mixed")
				st.hear(audio.Rate / 2)
				st.ok("say " + short)
				st.drain()
				got := st.ear.heard()
				if find(got, phrase, exactly) != 0 {
					t.Error("the phrase that sounded is not whole")
				}
				at := find(got, said(t, short), softly)
				if at < len(phrase)+audio.Rate/10 || at > len(phrase)+audio.Rate/2 {
					t.Errorf("the message is heard at %d, the phrase ends at %d", at, len(phrase))
				}
				if len(got) != x.Len {
					t.Errorf("%d samples, the routine has %d", len(got), x.Len)
				}
				if rest := at + 2*audio.Rate; find(got[rest:], x.sound[rest:], exactly) != 0 {
					t.Error("the routine does not go on as if nothing had been")
				}
			})
		})
		t.Run("a long one, on "+name, func(t *testing.T) {
			perform(t, props{}, func(st *stage) {
				st.ear.reserve = reserve
				st.ok("start mixed")
				breath := x.mark(routines.BreathMark, "Breathe", 1, "")
				st.hear(breath.From + audio.Rate/2)
				st.ok("say " + dinner)
				st.drain()
				got := st.ear.heard()
				at := find(got, said(t, dinner), softly)
				if at < 0 {
					t.Fatal("the message is not whole")
				}
				end := at + len(said(t, dinner))
				again := -1
				for n := 1; n <= 3 && again < 0; n++ { // the breath it has come to
					b := x.mark(routines.BreathMark, "Breathe", n, "")
					if again = find(got[end:], x.sound[b.From:], exactly); again >= 0 {
						t.Logf("comes back at breath %d", n)
					}
				}
				if again < 0 || again > landing+fade+audio.Block {
					t.Errorf("comes back %d samples after the message, at the start of no breath", again)
				}
			})
		})
	}
}

func TestAMessageWhileARoutineIsPaused(t *testing.T) {
	perform(t, props{}, func(st *stage) {
		st.ok("start mixed")
		st.hear(audio.Rate / 2)
		st.ok("pause")
		st.drain()
		before := len(st.ear.heard())
		st.ok("say " + short)
		st.drain()
		st.is(player.Paused)
		if find(st.ear.heard()[before:], said(t, short), exactly) != 0 {
			t.Error("the message is not heard")
		}
		st.tells("routine_started, Settle, paused")
	})
}

func TestAMessageThatIsInterrupted(t *testing.T) {
	t.Run("by a pause is said anew", func(t *testing.T) {
		perform(t, props{}, func(st *stage) {
			st.ok("start mixed")
			st.hear(audio.Rate / 10)
			st.ok("say " + dinner)
			st.hear(3 * audio.Rate)
			st.ok("pause")
			st.drain()
			before := len(st.ear.heard())
			if find(st.ear.heard(), said(t, dinner), softly) >= 0 {
				t.Fatal("it was over before the pause")
			}
			st.ok("resume")
			st.drain()
			if find(st.ear.heard()[before:], said(t, dinner), softly) < 0 {
				t.Error("it is not said again")
			}
		})
	})
	t.Run("by a stop is silent", func(t *testing.T) {
		perform(t, props{}, func(st *stage) {
			st.ok("say " + dinner)
			st.ok("say " + short)
			st.hear(audio.Rate / 2)
			st.ok("stop")
			st.drain()
			if n := len(st.ear.heard()); n > audio.Rate {
				t.Errorf("%d samples were heard", n)
			}
			st.is(player.Idle)
		})
	})
	t.Run("by the end of the routine is said whole", func(t *testing.T) {
		perform(t, props{}, func(st *stage) {
			st.ok("start other")
			st.hear(record(t, other).Len - audio.Rate/2)
			st.ok("say " + dinner)
			st.drain()
			if find(st.ear.heard(), said(t, dinner), softly) < 0 {
				t.Error("it is cut")
			}
			st.tells("routine_started, Rest, Quiet, routine_finished")
		})
	})
}

func TestAMessageThatMayWait(t *testing.T) {
	perform(t, props{}, func(st *stage) {
		x := record(t, other)
		st.ok("start other")
		st.hear(audio.Rate / 10)
		st.ok(fmt.Sprintf(`{"command":"say","text":%q,"when":"gap"}`, dinner))
		st.drain()
		got := st.ear.heard()
		if len(got) != x.Len {
			t.Errorf("%d samples, the routine has %d: it was held up", len(got), x.Len)
		}
		words := said(t, "Just rest now.")
		if find(got, said(t, dinner), softly) < 0 || find(got, words, exactly) != 0 {
			t.Error("a phrase is not whole")
		}
	})
}

func TestSeveralMessages(t *testing.T) {
	perform(t, props{}, func(st *stage) {
		st.ok("start mixed")
		st.hear(audio.Rate / 10)
		st.ok("say " + short)
		st.ok("say " + dinner)
		st.drain()
		got := st.ear.heard()
		first, second := find(got, said(t, short), softly), find(got, said(t, dinner), softly)
		if first < 0 || second < first+len(said(t, short)) {
			t.Errorf("heard at %d and %d", first, second)
		}
	})
}

func TestMessagesThatCannotBe(t *testing.T) {
	perform(t, props{voice: newSlow("?")}, func(st *stage) {
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

func TestTooManyMessages(t *testing.T) {
	perform(t, props{}, func(st *stage) {
		var refused []string
		for range 20 {
			if r := st.p.Order([]byte("say " + short)); r.Status == "error" {
				refused = append(refused, r.Error)
			}
		}
		if len(refused) == 0 || !slices.ContainsFunc(refused, func(e string) bool { return strings.Contains(e, "in a moment") }) {
			t.Errorf("refused: %q", refused)
		}
	})
}
