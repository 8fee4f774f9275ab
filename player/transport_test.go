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

// timedCommand is a command after so many more samples were pulled.
type timedCommand struct {
	after int
	words string
}

func TestInterruptionsSoundLikeReference(t *testing.T) {
	x := renderReference(t, mixed)
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
		acts      []timedCommand
		want      []span
	}{
		{"nobody interrupts", nil, []span{{0, x.Len}}},
		{"doorbell in the middle of a breath: pause, then the breath from its start",
			[]timedCommand{{breath2.At + second, "pause"}, {0, "resume"}},
			[]span{{0, breath2.At + second}, {breath2.From, x.Len}}},
		{"doorbell in a phrase: the phrase from its beginning",
			[]timedCommand{{word.Len / 2, "pause"}, {0, "resume"}},
			[]span{{0, word.Len / 2}, {0, x.Len}}},
		{"doorbell in a silent hold: it goes on where it was, so that both sides stay equal",
			[]timedCommand{{silence, "pause"}, {0, "resume"}},
			[]span{{0, silence}, {silence + fadeLen, x.Len}}},
		{"doorbell on the third squat: the third squat again",
			[]timedCommand{{rep3.At + second/3, "pause"}, {0, "toggle"}},
			[]span{{0, rep3.At + second/3}, {rep3.From, x.Len}}},
		{"doorbell while breathing on the right: the breath again, the side kept",
			[]timedCommand{{sideBreath.At + second, "toggle"}, {0, "toggle"}},
			[]span{{0, sideBreath.At + second}, {sideBreath.From, x.Len}}},
		{"doorbell on the word that opens a breath, before its beat",
			[]timedCommand{{breath2.From + 100, "pause"}, {0, "resume"}},
			[]span{{0, breath2.From + 100}, {breath2.From, x.Len}}},
		{"doorbell in the last 10 ms of a breath: the next one is not lost",
			[]timedCommand{{breath2.From - 100, "pause"}, {0, "resume"}},
			[]span{{0, breath2.From - 100}, {breath2.From, x.Len}}},
		{"two doorbells in one breath",
			[]timedCommand{{breath2.At + second, "pause"}, {0, "resume"}, {landingSilence + second, "pause"}, {0, "resume"}},
			[]span{{0, breath2.At + second}, {breath2.From, breath2.From + second}, {breath2.From, x.Len}}},
		{"this step is not for me: next",
			[]timedCommand{{second, "next"}},
			[]span{{0, second}, {x.step("Breathe", ""), x.Len}}},
		{"this side hurts: next goes to the other side",
			[]timedCommand{{lean.At + second, "next"}},
			[]span{{0, lean.At + second}, {leanRight, x.Len}}},
		{"two steps on: next, next",
			[]timedCommand{{second, "next"}, {0, "next"}},
			[]span{{0, second}, {lean.At, x.Len}}},
		{"I did not get that: repeat",
			[]timedCommand{{breath2.At, "repeat"}},
			[]span{{0, breath2.At}, {x.step("Breathe", ""), x.Len}}},
		{"back within three seconds: the step before",
			[]timedCommand{{lean.At + 2*second, "back"}},
			[]span{{0, lean.At + 2*second}, {x.step("Breathe", ""), x.Len}}},
		{"back after three seconds: this step from its start",
			[]timedCommand{{lean.At + 7*second/2, "back"}},
			[]span{{0, lean.At + 7*second/2}, {lean.At, x.Len}}},
		{"back in the first step",
			[]timedCommand{{second, "back"}},
			[]span{{0, second}, {0, x.Len}}},
		{"next while paused: it comes back there",
			[]timedCommand{{breath2.At, "pause"}, {0, "next"}, {0, "resume"}},
			[]span{{0, breath2.At}, {lean.At, x.Len}}},
		{"paused and back and back again",
			[]timedCommand{{lean.At + second, "pause"}, {0, "back"}, {0, "back"}, {0, "resume"}},
			[]span{{0, lean.At + second}, {0, x.Len}}},
		{"the last step is enough: next is the end",
			[]timedCommand{{x.step("Finish", "") + second/10, "next"}},
			[]span{{0, x.step("Finish", "") + second/10}}},
		{"stop", []timedCommand{{2 * second, "stop"}}, []span{{0, 2 * second}}},
	}
	for _, c := range situations {
		t.Run(c.situation, func(t *testing.T) {
			t.Parallel()
			runPlayer(t, setup{depth: audio.Depth}, func(st *harness) { x.wantSpansAfter(st, c.acts, c.want) })
		})
	}
	for i, c := range situations {
		if i%4 != 1 { // the rest would show no more
			continue
		}
		t.Run(c.situation+", a second was pulled ahead", func(t *testing.T) {
			t.Parallel()
			runPlayer(t, setup{depth: audio.Depth}, func(st *harness) {
				st.out.reserve = second
				x.wantSpansAfter(st, c.acts, c.want)
			})
		})
	}
}

const toneRoutine = `
title = "Ringing"

[[step]]
sound = "bell"

[[step]]
say = "It rang."
`

// A tone has no beginning that would have to be heard: it goes on, and comes in with a fade.
func TestPauseInsideTone(t *testing.T) {
	x := renderReference(t, toneRoutine)
	at := second / 3
	runPlayer(t, setup{files: routineFiles(map[string]string{"ringing": toneRoutine})}, func(st *harness) {
		st.mustDo("start ringing")
		st.pull(at)
		st.mustDo("pause")
		st.pullAll()
		st.mustDo("resume")
		st.pull(2 * x.Len)
		got := st.out.heard()
		if most := maxBend(got); most > maxBendWithFades(x.sound) {
			t.Errorf("a click: %g, a smooth sound has %g", most, maxBendWithFades(x.sound))
		}
		wantSameSound(t, got[at+fadeLen+landingSilence+fadeLen:], x.sound[at+2*fadeLen:])
	})
}

// Sides are held equally long, however often one of them is interrupted.
func TestPausesKeepSidesEqual(t *testing.T) {
	x := renderReference(t, mixed)
	left, right := x.mark(routines.StepMark, "Lean", 0, "left"), x.mark(routines.StepMark, "Lean", 0, "right")
	runPlayer(t, setup{}, func(st *harness) {
		st.mustDo("start mixed")
		st.pull(left.At + left.Len - 2*second)
		for range 3 {
			st.mustDo("pause")
			st.pullAll()
			st.mustDo("resume")
			st.pull(landingSilence + second/3)
		}
		st.pull(2 * x.Len)
		held := map[string]int{}
		before, at := "", 0
		words := cueSounds(x)
		for _, n := range soundRuns(st.out.heard()) {
			held[before] = n.at - at
			if w := matchCue(words, n.sound); w != nil {
				before, at = w.text, n.at
			}
		}
		// The left ends with the words of the switch, the right with those of the next step.
		got, want := held["Lean to the left."]-3*landingSilence, held["Lean to the right."]
		if left.Len != right.Len || math.Abs(float64(got-want)) > 50 { // hums do not begin and end on one sample
			t.Errorf("the left was held for %d samples, the right for %d", got, want)
		}
	})
}

// wantSpansAfter plays a situation to its end. A pause is heard before what follows it; then the sound has long left.
func (x *reference) wantSpansAfter(st *harness, acts []timedCommand, want []span) {
	st.Helper()
	st.out.block = audio.Depth
	st.mustDo("start mixed")
	for _, a := range acts {
		st.pull(a.after)
		st.mustDo(a.words)
		if a.words == "pause" || a.words == "toggle" && a.after > 0 {
			st.pullAll()
		}
	}
	x.wantSpans(st, want, 0)
}

// wantSpans demands the spans' sound; of one that lasts to the end its first seconds are enough.
func (x *reference) wantSpans(st *harness, want []span, silence int) {
	st.Helper()
	if last := len(want) - 1; last > 0 && want[last].to == x.Len {
		st.pull(landingSilence + 2*second)
		wantSamePieces(st.T, st.out.pieces(), x.pieces(want), true)
		return
	}
	st.pull(2 * x.Len)
	wantSamePieces(st.T, st.out.pieces(), append(x.pieces(want), make([]float64, silence)), false)
}

// pieces is what the spans sound like, piece by piece.
func (x *reference) pieces(spans []span) [][]float64 {
	var list [][]float64
	for i, s := range spans {
		if i > 0 {
			list = append(list, make([]float64, landingSilence))
		}
		list = append(list, x.sound[s.from:s.to], x.fadeOut(s.to))
	}
	return list
}

func TestVolumeOfSessionAndPlayer(t *testing.T) {
	x := renderReference(t, mixed)
	runPlayer(t, setup{volume: 50}, func(st *harness) {
		volume := func(want int) {
			st.Helper()
			if got := st.p.State().Volume; got != want {
				st.Errorf("volume %d, want %d", got, want)
			}
		}
		volume(50)
		st.mustDo("start mixed volume 80")
		st.pull(second)
		volume(80)
		got := st.out.heard()
		for i := range got {
			if want := x.sound[i] * 0.8 * 0.8 * 0.8; want-got[i] > 1e-12 || got[i]-want > 1e-12 {
				t.Fatalf("sample %d is %g, want %g", i, got[i], want)
			}
		}
		if r := st.do("volume 80"); r.Unchanged {
			t.Error("a volume asked for itself is the player's")
		}
		st.mustDo("stop")
		st.pullAll()
		volume(80)

		st.mustDo("start other volume 20")
		st.pull(second)
		volume(20)
		st.mustDo("start mixed") // which did not ask for one
		volume(80)
		st.pullAll()
		st.pull(second)
		volume(80)
		st.mustDo("pause")
		st.pullAll()
		st.mustDo("volume 100")
		st.mustDo("resume")
		from := len(st.out.heard())
		st.pull(landingSilence + second)
		wantSameSound(t, st.out.heard()[from+landingSilence:], x.sound[:second])
	})
}
