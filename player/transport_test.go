package player_test

import (
	"math"
	"testing"

	"guided/audio"
	"guided/routines"
)

const second = audio.Rate

// span is a part of the score that is heard. It ends in a fade-out, and the next one follows after landingSilence.
type span struct{ from, to int }

// timedCommand is a command that is sent after so many more frames were pulled.
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
		t.Fatal("the last cue is not the last phrase")
	}
	situations := []struct {
		situation string
		acts      []timedCommand
		want      []span
	}{
		{"no interruption", nil, []span{{0, x.Len}}},
		{"pause in the middle of a breath: the breath from its start",
			[]timedCommand{{breath2.At + second, "pause"}, {0, "resume"}},
			[]span{{0, breath2.At + second}, {breath2.From, x.Len}}},
		{"pause in a phrase: the phrase from its beginning",
			[]timedCommand{{word.Len / 2, "pause"}, {0, "resume"}},
			[]span{{0, word.Len / 2}, {0, x.Len}}},
		{"pause in a silent hold: it goes on where it was, so that both sides stay equal",
			[]timedCommand{{silence, "pause"}, {0, "resume"}},
			[]span{{0, silence}, {silence + fadeLen, x.Len}}},
		{"pause on the third squat: the third squat again",
			[]timedCommand{{rep3.At + second/3, "pause"}, {0, "toggle"}},
			[]span{{0, rep3.At + second/3}, {rep3.From, x.Len}}},
		{"toggle in a breath on the right: the breath again, on the right",
			[]timedCommand{{sideBreath.At + second, "toggle"}, {0, "toggle"}},
			[]span{{0, sideBreath.At + second}, {sideBreath.From, x.Len}}},
		{"pause in the first word of a breath, before its beat",
			[]timedCommand{{breath2.From + 100, "pause"}, {0, "resume"}},
			[]span{{0, breath2.From + 100}, {breath2.From, x.Len}}},
		{"pause in the last 10 ms of a breath: the next one is not lost",
			[]timedCommand{{breath2.From - 100, "pause"}, {0, "resume"}},
			[]span{{0, breath2.From - 100}, {breath2.From, x.Len}}},
		{"pause twice in one breath",
			[]timedCommand{{breath2.At + second, "pause"}, {0, "resume"}, {landingSilence + second, "pause"}, {0, "resume"}},
			[]span{{0, breath2.At + second}, {breath2.From, breath2.From + second}, {breath2.From, x.Len}}},
		{"next: the next step",
			[]timedCommand{{second, "next"}},
			[]span{{0, second}, {x.step("Breathe", ""), x.Len}}},
		{"next on the left side: the right side",
			[]timedCommand{{lean.At + second, "next"}},
			[]span{{0, lean.At + second}, {leanRight, x.Len}}},
		{"next, next: two steps on",
			[]timedCommand{{second, "next"}, {0, "next"}},
			[]span{{0, second}, {lean.At, x.Len}}},
		{"repeat: this step from its start",
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
		{"back twice while paused",
			[]timedCommand{{lean.At + second, "pause"}, {0, "back"}, {0, "back"}, {0, "resume"}},
			[]span{{0, lean.At + second}, {0, x.Len}}},
		{"next in the last step: the end",
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
		if i%4 != 1 { // a quarter of the situations is enough
			continue
		}
		t.Run(c.situation+", with a second pulled ahead", func(t *testing.T) {
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

// A tone need not be heard from its beginning: it goes on where it was, with a fade-in.
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

// Both sides are held equally long, however often one of them is interrupted.
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
		// The left side ends with the phrase of the switch, the right with that of the next step.
		got, want := held["Lean to the left."]-3*landingSilence, held["Lean to the right."]
		if left.Len != right.Len || math.Abs(float64(got-want)) > 50 { // the edges of a phrase are nearly silent
			t.Errorf("the left was held for %d samples, the right for %d", got, want)
		}
	})
}

// wantSpansAfter starts mixed, sends the commands and checks what is heard. After a pause the sound leaves before the
// next command.
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

// wantSpans checks that the spans are heard; of a last one that goes to the end, the first seconds.
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

// pieces is the sound of the spans, with their fade-outs and the silences between.
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
			t.Error("volume did not change the player's own volume")
		}
		st.mustDo("stop")
		st.pullAll()
		volume(80)

		st.mustDo("start other volume 20")
		st.pull(second)
		volume(20)
		st.mustDo("start mixed") // without a volume
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
