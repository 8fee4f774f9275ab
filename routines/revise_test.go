package routines_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

const twoSidedHold = `
title = "Turn"
[[step]]
name    = "Turn"
say     = "Turn to the {side}."
hold    = "20s"
sides   = true
cues    = [{ at = "halfway", say = "Halfway." }, { at = "5s before end", say = "Five seconds." }]
[[step]]
breathe = "4-6"
for     = "6 breaths"
`

// revised compiles a routine, then makes changes one after the other.
func revised(t *testing.T, text string, changes ...routines.Change) (before, after *routines.Score) {
	t.Helper()
	r, err := routines.Parse("lived.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	before, err = routines.Compile(t.Context(), r, measureLetters, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	after = before
	var o routines.Options
	for _, c := range changes {
		if after, o, err = routines.Revise(t.Context(), r, measureLetters, o, after, c); err != nil {
			t.Fatal(err)
		}
	}
	return before, after
}

// cueTimes lists the samples at which a text is spoken.
func cueTimes(s *routines.Score, text string) []int {
	var list []int
	for _, c := range s.Cues {
		if c.Clip.Say == text {
			list = append(list, c.At)
		}
	}
	return list
}

func TestReviseExtendAndPace(t *testing.T) {
	second := routines.Rate
	before, _ := revised(t, twoSidedHold)
	hold := before.Marks[0].At + before.Marks[0].Len - 20*second // the first second of the left hold
	t.Run("a hold made longer on the first side is as long on the second", func(t *testing.T) {
		_, after := revised(t, twoSidedHold, routines.Change{At: hold + 3*second, Extend: routines.Length{Samples: 10 * second}})
		checkSides(t, after)
		if got := after.Len - before.Len; got != 20*second {
			t.Errorf("the whole is %v longer, want 20s", routines.Duration(got))
		}
		if got := cueTimes(after, "Halfway.")[0]; got != hold+15*second {
			t.Errorf("halfway is said at %v of the hold, want 15s", routines.Duration(got-hold))
		}
	})
	t.Run("a cue that was heard is not repeated, and the end moves", func(t *testing.T) {
		_, after := revised(t, twoSidedHold, routines.Change{At: hold + 12*second, Extend: routines.Length{Samples: 30 * second}})
		if got := cueTimes(after, "Halfway.")[0]; got != hold+10*second {
			t.Errorf("halfway was heard at 10s, it now stands at %v", routines.Duration(got-hold))
		}
		if got := cueTimes(after, "Five seconds.")[0]; got != hold+45*second {
			t.Errorf("the end is announced at %v, want 45s", routines.Duration(got-hold))
		}
	})
	t.Run("slower lengthens every breath from the next one on, in its ratio", func(t *testing.T) {
		var first routines.Mark
		for _, m := range before.Marks {
			if m.Kind == routines.BreathMark && m.N == 3 {
				first = m
			}
		}
		_, after := revised(t, twoSidedHold, routines.Change{At: first.At - second, Pace: 1.05}, routines.Change{At: first.At + 12*second, Pace: 1.05})
		var lengths []time.Duration
		for _, m := range after.Marks {
			if m.Kind == routines.BreathMark {
				lengths = append(lengths, routines.Duration(m.Len))
			}
		}
		want := []time.Duration{10000, 10000, 10500, 10500, 11025, 11025}
		for i := range want {
			if lengths[i] != want[i]*time.Millisecond {
				t.Fatalf("the breaths last %v", lengths)
			}
		}
		words := strings.Count(after.String(), `say "six."`)
		if words != 6 {
			t.Errorf("six is counted in %d breaths of 6, want all", words)
		}
	})
	t.Run("a breath is added to the breathing", func(t *testing.T) {
		_, after := revised(t, twoSidedHold, routines.Change{At: before.Len - 3*second, Extend: routines.Length{Breaths: 2}})
		if got := after.Len - before.Len; got != 20*second {
			t.Errorf("the whole is %v longer, want 20s", routines.Duration(got))
		}
	})
	t.Run("too late at the last sample of a step", func(t *testing.T) {
		r, err := routines.Parse("turn.toml", []byte(twoSidedHold))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = routines.Revise(t.Context(), r, measureLetters, routines.Options{}, before, routines.Change{At: before.Len - 100, Extend: routines.Length{Breaths: 2}})
		if !errors.Is(err, routines.ErrTooLate) {
			t.Errorf("got %v", err)
		}
	})
}
