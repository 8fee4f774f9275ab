package routines_test

import (
	"slices"
	"strings"
	"testing"

	"guided/routines"
)

const waiting = `
title = "Waiting"
[[step]]
name = "Lie down"
say  = "Lie down, and say next when you are ready."
hold = "until next"
[[step]]
name = "Rest"
rest = "10s"
`

func TestCompileHoldUntilNext(t *testing.T) {
	r, err := routines.Parse("waiting.toml", []byte(waiting))
	if err != nil {
		t.Fatal(err)
	}
	file, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	live, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{Interactive: true})
	if err != nil {
		t.Fatal(err)
	}
	wait, waits := live.WaitAt(live.Marks[live.NextStep(0)].At - 1)
	if !waits || wait.Len < 10*60*routines.Rate {
		t.Fatalf("%+v waits %v", wait, waits)
	}
	t.Run("lasts half a minute in a file", func(t *testing.T) {
		if _, waits := file.WaitAt(file.Len / 2); waits {
			t.Error("a file waits")
		}
		if got := file.Len - wait.At; got != 40*routines.Rate {
			t.Errorf("%d samples after the words", got)
		}
	})
	t.Run("counts in no length and no position", func(t *testing.T) {
		for at, want := range map[int]int{
			wait.At: wait.At, wait.At + 5: wait.At, wait.At + wait.Len: wait.At,
			live.Len: wait.At + 10*routines.Rate, 7: 7,
		} {
			if got := live.Elapsed(at); got != want {
				t.Errorf("%d is told as %d, want %d", at, got, want)
			}
		}
	})
	t.Run("ends where the next step begins", func(t *testing.T) {
		if _, waits := live.WaitAt(wait.At + wait.Len); waits || live.Marks[live.NextStep(0)].At != wait.At+wait.Len {
			t.Error("it goes on")
		}
	})
	t.Run("leaves a length asked for as it is", func(t *testing.T) {
		o := routines.Options{For: routines.Duration(file.Len + 5*routines.Rate), Interactive: true}
		if s, err := routines.Compile(t.Context(), r, measureLetters, o); err != nil || s.Elapsed(s.Len) != live.Elapsed(live.Len)+5*routines.Rate {
			t.Errorf("%v", err)
		}
	})
}

func TestParseHoldUntilNextRefusesKeysThatNeedALength(t *testing.T) {
	_, err := routines.Parse("waiting.toml", []byte(`
title = "Waiting"
[[step]]
say  = "Wait."
hold = "until Next"
breathe = "4-6"
cues = [{ at = "halfway", say = "Halfway." }]
fit = ["10s", "20s"]
[[step]]
hold = "until tomorrow"
`))
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, want := range []string{"breathe: has no meaning in a hold until next", "cues: has no", "fit: has no", `"until tomorrow"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in\n%v", want, err)
		}
	}
}

func TestCompileSidesOfEqualLength(t *testing.T) {
	r, err := routines.Library{routines.Builtin()}.Check(t.Context(), "sides.toml", []byte(`
title = "Sides"
[[step]]
sides = true
  [[step.step]]
  say = "To the {side}. And {other}."
  [[step.step]]
  sound = "bell"
  hold = "10s"
  say = "Fold {side}."
  countdown = 3
  cues = [{ at = "2s", say = "A longer text for the {side} than fits." , short = "{other}" }]
  [[step.step]]
  repeat = 2
    [[step.step.step]]
    breathe = "4-0-6"
    for = "2 breaths"
    say = "{other}"
    [[step.step.step]]
    sound = "bell"
    [[step.step.step]]
    routine = "4-4-6"
  [[step.step]]
  reps = 3
  say = "Reps for the {side}."
`))
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(15) {
		for name, measure := range map[string]routines.Measure{"strange": measureRandom(seed), "hostile": measureHostile(seed), "letters": measureLetters, "nothing": measureTonesOnly} {
			s, err := routines.Compile(t.Context(), r, measure, routines.Options{})
			if err != nil {
				continue // clips of hours
			}
			began := slices.IndexFunc(s.Marks, func(m routines.Mark) bool { return m.Side != "" }) // a caution comes before
			for _, m := range s.Marks {
				if first := m.At - s.Marks[began].At; m.Kind == routines.SwitchMark && s.Len-m.At-m.Len != first {
					t.Fatalf("%s %d: the first side lasts %d samples, the second %d", name, seed, first, s.Len-m.At-m.Len)
				}
			}
		}
	}
}

func TestCompileCountdownAfterWords(t *testing.T) {
	late := func(c routines.Clip) (routines.Extent, bool) { // every beat is late
		return routines.Extent{Len: routines.Rate / 2, Beat: routines.Rate * 3 / 10}, true
	}
	s := compileSteps(t, "[[step]]\nsay = \"Hold.\"\nprepare = \"0s\"\nhold = \"3.1s\"\ncountdown = 3\n", late)
	checkScore(t, s)
	checkTiming(t, s, late)
}

func TestCompileStepNamesWithSides(t *testing.T) {
	s := compileSteps(t, "[[step]]\nsay = \"Fold to the {side}\"\nsides = true\n[[step]]\nname = \"The {other} arm\"\nhold = \"5s\"\nsides = [\"right\", \"left\"]\n", measureLetters)
	var names []string
	for _, m := range s.Marks {
		if m.Kind == routines.StepMark {
			names = append(names, m.Name)
		}
	}
	if got, want := strings.Join(names, ", "), "Fold to the left, Fold to the right, The left arm, The right arm"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
