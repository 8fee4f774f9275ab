package player_test

import (
	"math"
	"testing"

	"guided/audio"
	"guided/routines"
)

const second = audio.Rate

// span is a stretch of the score that is heard. It leaves in a fade, and the next one comes after the landing silence.
type span struct{ from, to int }

// act is a command after so many more samples were pulled.
type act struct {
	after int
	verb  string
}

func TestWhatIsHeard(t *testing.T) {
	x := record(t, mixed)
	breath2 := x.mark(routines.BreathMark, "Breathe", 2, "")
	rep3 := x.mark(routines.RepMark, "Squat", 3, "")
	lean := x.mark(routines.StepMark, "Lean", 0, "left")
	leanRight := x.step("Lean", "right")
	sideBreath := x.mark(routines.BreathMark, "Side breath", 2, "right")
	silence := lean.At + lean.Len - second // in the hold
	word := x.Cues[0]
	if x.Cues[len(x.Cues)-1].Clip.Say != "Well done." {
		t.Fatal("the last words are not the last")
	}
	situations := []struct {
		situation string
		acts      []act
		want      []span
	}{
		{"nobody interrupts", nil, []span{{0, x.Len}}},
		{"doorbell in the middle of a breath: pause, then the breath from its start",
			[]act{{breath2.At + second, "pause"}, {0, "resume"}},
			[]span{{0, breath2.At + second}, {breath2.From, x.Len}}},
		{"doorbell in a phrase: the phrase from its beginning",
			[]act{{word.Len / 2, "pause"}, {0, "resume"}},
			[]span{{0, word.Len / 2}, {0, x.Len}}},
		{"doorbell in a silent hold: it goes on where it was, so that both sides stay equal",
			[]act{{silence, "pause"}, {0, "resume"}},
			[]span{{0, silence}, {silence + fade, x.Len}}},
		{"doorbell on the third squat: the third squat again",
			[]act{{rep3.At + second/3, "pause"}, {0, "toggle"}},
			[]span{{0, rep3.At + second/3}, {rep3.From, x.Len}}},
		{"doorbell while breathing on the right: the breath again, the side kept",
			[]act{{sideBreath.At + second, "toggle"}, {0, "toggle"}},
			[]span{{0, sideBreath.At + second}, {sideBreath.From, x.Len}}},
		{"doorbell on the word that opens a breath, before its beat",
			[]act{{breath2.From + 100, "pause"}, {0, "resume"}},
			[]span{{0, breath2.From + 100}, {breath2.From, x.Len}}},
		{"doorbell in the last 10 ms of a breath: the next one is not lost",
			[]act{{breath2.From - 100, "pause"}, {0, "resume"}},
			[]span{{0, breath2.From - 100}, {breath2.From, x.Len}}},
		{"two doorbells in one breath",
			[]act{{breath2.At + second, "pause"}, {0, "resume"}, {landing + second, "pause"}, {0, "resume"}},
			[]span{{0, breath2.At + second}, {breath2.From, breath2.From + second}, {breath2.From, x.Len}}},
		{"this step is not for me: next",
			[]act{{second, "next"}},
			[]span{{0, second}, {x.step("Breathe", ""), x.Len}}},
		{"this side hurts: next goes to the other side",
			[]act{{lean.At + second, "next"}},
			[]span{{0, lean.At + second}, {leanRight, x.Len}}},
		{"two steps on: next, next",
			[]act{{second, "next"}, {0, "next"}},
			[]span{{0, second}, {lean.At, x.Len}}},
		{"I did not get that: repeat",
			[]act{{breath2.At, "repeat"}},
			[]span{{0, breath2.At}, {x.step("Breathe", ""), x.Len}}},
		{"back within three seconds: the step before",
			[]act{{lean.At + 2*second, "back"}},
			[]span{{0, lean.At + 2*second}, {x.step("Breathe", ""), x.Len}}},
		{"back after three seconds: this step from its start",
			[]act{{lean.At + 7*second/2, "back"}},
			[]span{{0, lean.At + 7*second/2}, {lean.At, x.Len}}},
		{"back in the first step",
			[]act{{second, "back"}},
			[]span{{0, second}, {0, x.Len}}},
		{"next while paused: it comes back there",
			[]act{{breath2.At, "pause"}, {0, "next"}, {0, "resume"}},
			[]span{{0, breath2.At}, {lean.At, x.Len}}},
		{"paused and back and back again",
			[]act{{lean.At + second, "pause"}, {0, "back"}, {0, "back"}, {0, "resume"}},
			[]span{{0, lean.At + second}, {0, x.Len}}},
		{"the last step is enough: next is the end",
			[]act{{x.step("Finish", "") + second/10, "next"}},
			[]span{{0, x.step("Finish", "") + second/10}}},
		{"stop", []act{{2 * second, "stop"}}, []span{{0, 2 * second}}},
	}
	for _, c := range situations {
		t.Run(c.situation, func(t *testing.T) {
			t.Parallel()
			perform(t, props{depth: audio.Depth}, func(st *stage) { x.hears(st, c.acts, c.want) })
		})
	}
	for i, c := range situations {
		if i%4 != 1 { // the rest would show no more
			continue
		}
		t.Run(c.situation+", a second was pulled ahead", func(t *testing.T) {
			t.Parallel()
			perform(t, props{depth: audio.Depth}, func(st *stage) {
				st.ear.reserve = second
				x.hears(st, c.acts, c.want)
			})
		})
	}
}

const ringing = `
title = "Ringing"

[[step]]
sound = "bell"

[[step]]
say = "It rang."
`

// A tone has no beginning that would have to be heard: it goes on, and comes in with a fade.
func TestATonePausedInItsMiddle(t *testing.T) {
	x := record(t, ringing)
	at := second / 3
	perform(t, props{files: shelf(map[string]string{"ringing": ringing})}, func(st *stage) {
		st.ok("start ringing")
		st.hear(at)
		st.ok("pause")
		st.drain()
		st.ok("resume")
		st.hear(2 * x.Len)
		got := st.ear.heard()
		if most := clicks(got); most > smooth(x.sound) {
			t.Errorf("a click: %g, a smooth sound has %g", most, smooth(x.sound))
		}
		same(t, got[at+fade+landing+fade:], x.sound[at+2*fade:])
	})
}

// Sides are held equally long, however often one of them is interrupted.
func TestSidesStayEqual(t *testing.T) {
	x := record(t, mixed)
	left, right := x.mark(routines.StepMark, "Lean", 0, "left"), x.mark(routines.StepMark, "Lean", 0, "right")
	perform(t, props{}, func(st *stage) {
		st.ok("start mixed")
		st.hear(left.At + left.Len - 2*second)
		for range 3 {
			st.ok("pause")
			st.drain()
			st.ok("resume")
			st.hear(landing + second/3)
		}
		st.hear(2 * x.Len)
		held := map[string]int{}
		before, at := "", 0
		words := vocabulary(x)
		for _, n := range islands(st.ear.heard()) {
			held[before] = n.at - at
			if w := recognise(words, n.sound); w != nil {
				before, at = w.text, n.at
			}
		}
		// The left ends with the words of the switch, the right with those of the next step.
		got, want := held["Lean to the left."]-3*landing, held["Lean to the right."]
		if left.Len != right.Len || math.Abs(float64(got-want)) > 50 { // hums do not begin and end on one sample
			t.Errorf("the left was held for %d samples, the right for %d", got, want)
		}
	})
}

// hears plays a situation to its end. A pause is heard before what follows it; then the sound has long left.
func (x *tape) hears(st *stage, acts []act, want []span) {
	st.Helper()
	st.ear.block = audio.Depth
	st.ok("start mixed")
	for _, a := range acts {
		st.hear(a.after)
		st.ok(a.verb)
		if a.verb == "pause" || a.verb == "toggle" && a.after > 0 {
			st.drain()
		}
	}
	x.begins(st, want, 0)
}

// begins demands the spans' sound; of one that lasts to the end its first seconds are enough.
func (x *tape) begins(st *stage, want []span, silence int) {
	st.Helper()
	if last := len(want) - 1; last > 0 && want[last].to == x.Len {
		st.hear(landing + 2*second)
		samePieces(st.T, st.ear.pieces(), x.pieces(want), true)
		return
	}
	st.hear(2 * x.Len)
	samePieces(st.T, st.ear.pieces(), append(x.pieces(want), make([]float64, silence)), false)
}

// pieces is what the spans sound like, piece by piece.
func (x *tape) pieces(spans []span) [][]float64 {
	var list [][]float64
	for i, s := range spans {
		if i > 0 {
			list = append(list, make([]float64, landing))
		}
		list = append(list, x.sound[s.from:s.to], x.fadeOut(s.to))
	}
	return list
}

// same demands equal sound, sample by sample.
func same(t *testing.T, got, want []float64) {
	t.Helper()
	samePieces(t, [][]float64{got}, [][]float64{want}, false)
}

// samePieces is same for sounds in pieces; with some, the wanted one may go on.
func samePieces(t *testing.T, got, want [][]float64, some bool) {
	t.Helper()
	at := 0
	for {
		for len(got) > 0 && len(got[0]) == 0 {
			got = got[1:]
		}
		for len(want) > 0 && len(want[0]) == 0 {
			want = want[1:]
		}
		switch {
		case len(got) == 0 && (some || len(want) == 0):
			return
		case len(got) == 0:
			t.Fatalf("%d samples were heard, %d more are wanted", at, len(want[0]))
		case len(want) == 0:
			t.Fatalf("%d samples are wanted, %d more were heard", at, len(got[0]))
		}
		n := min(len(got[0]), len(want[0]))
		for i := range n {
			if math.Abs(got[0][i]-want[0][i]) > 1e-12 {
				t.Fatalf("sample %d (%.3f s) is %g, want %g", at+i, float64(at+i)/audio.Rate, got[0][i], want[0][i])
			}
		}
		got[0], want[0] = got[0][n:], want[0][n:]
		at += n
	}
}
