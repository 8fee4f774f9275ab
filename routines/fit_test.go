package routines_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

func TestFitBreathingToWholeBreaths(t *testing.T) {
	r, err := routines.Library{routines.Builtin()}.Load(t.Context(), "4-4-6")
	if err != nil {
		t.Fatal(err)
	}
	own, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	breath := 14 * time.Second
	for _, want := range []time.Duration{time.Minute, 5 * time.Minute, 20 * time.Minute} {
		t.Run(want.String(), func(t *testing.T) {
			s, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: want})
			if err != nil {
				t.Fatal(err)
			}
			if off := routines.Duration(s.Len) - want; off.Abs() > breath/2 {
				t.Errorf("lasts %v, half a breath is %v", routines.Duration(s.Len), breath/2)
			}
			if (s.Len-own.Len)%routines.Samples(breath) != 0 {
				t.Errorf("%d samples more than its own length are no whole breaths", s.Len-own.Len)
			}
		})
	}
	t.Run("less than one breath is refused with the shortest length", func(t *testing.T) {
		_, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: 3 * time.Second})
		if err == nil || !strings.Contains(err.Error(), "at least") {
			t.Errorf("got %v", err)
		}
	})
}

func TestFitWithinRanges(t *testing.T) {
	const yoga = `
title = "Yoga"
[[step]]
breathe = "3-4"
for     = "6 breaths"
fit     = ["4 breaths", "12 breaths"]
[[step]]
fit = [1, 3]
  [[step.step]]
  say   = "Turn."
  hold  = "30s"
  fit   = ["20s", "45s"]
  sides = true
  [[step.step]]
  rest = "15s"
`
	t.Run("rests take the difference that whole breaths leave", func(t *testing.T) {
		for _, want := range []time.Duration{100, 120, 151, 200, 251, 300, 333, 390} {
			s := compileWith(t, yoga, routines.Options{For: want * time.Second})
			if off := routines.Duration(s.Len) - want*time.Second; off.Abs() > 5*time.Second {
				t.Errorf("asked for %vs, it lasts %v", int(want), routines.Duration(s.Len))
			}
		}
	})
	t.Run("its own length changes nothing", func(t *testing.T) {
		own := compileWith(t, yoga, routines.Options{})
		if got := compileWith(t, yoga, routines.Options{For: routines.Duration(own.Len)}); got.String() != own.String() {
			t.Errorf("got\n%s\nwant\n%s", got, own)
		}
	})
	t.Run("an impossible length is refused with the possible ones", func(t *testing.T) {
		r, err := routines.Parse("yoga.toml", []byte(yoga))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []time.Duration{30 * time.Second, 20 * time.Minute} {
			_, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: want})
			if err == nil || !strings.Contains(err.Error(), "at least 1m") || !strings.Contains(err.Error(), "at most 7m") {
				t.Errorf("%v: %v", want, err)
			}
		}
	})
	t.Run("a range of breaths limits the length", func(t *testing.T) {
		const sleep = "title = \"Sleep\"\n[[step]]\nbreathe = \"4-7-8\"\nfor = \"4 breaths\"\nfit = [\"4 breaths\", \"8 breaths\"]\n"
		if n := strings.Count(compileWith(t, sleep, routines.Options{For: 155 * time.Second}).String(), "  breath "); n != 8 {
			t.Errorf("%d breaths, want 8", n)
		}
		r, _ := routines.Parse("sleep.toml", []byte(sleep))
		if _, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: 5 * time.Minute}); err == nil {
			t.Error("more than eight breaths were not refused")
		}
	})
	t.Run("a routine in which nothing can change is refused", func(t *testing.T) {
		r, _ := routines.Parse("still.toml", []byte("title = \"Still\"\n[[step]]\nhold = \"10s\"\n"))
		if _, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: time.Minute}); err == nil || !strings.Contains(err.Error(), "nothing that could be stretched") {
			t.Errorf("got %v", err)
		}
	})
}

// The breathing step of each routine occurs several times, so that half a breath of difference counts as often.
func TestFitRepeatedBreathingWithinHalfABreathEach(t *testing.T) {
	for _, c := range []struct {
		repeat, sides int
		text          string
	}{
		{1, 1, "breathe = '4-4-6'\nfor = '3m'"},
		{3, 1, "repeat = 3\nbreathe = '4-4-6'\nfor = '3m'"},
		{2, 2, "repeat = 2\nsides = true\nbreathe = '5.5-5.5'\nfor = '1 breath'"},
		{4, 2, "sides = true\n[[step.step]]\nrepeat = 4\nbreathe = '2+1-0-6'\nfor = '20s'\nsay = 'To the {side}.'"},
	} {
		text := "title = 'Fit'\n[[step]]\nsay = 'Begin.'\n[[step]]\n" + c.text + "\n[[step]]\nhold = '20s'\nbreathe = '4-6'\n"
		r, err := routines.Parse("fit.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for want := 10 * time.Second; want <= 4*time.Hour; want += want/2 + 777*time.Millisecond {
			s, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: want})
			if err != nil {
				if !strings.Contains(err.Error(), "lasts at least") && !strings.Contains(err.Error(), "too long") {
					t.Errorf("%v: %v", want, err)
				}
				continue
			}
			breath := 0
			for _, m := range s.Marks {
				if m.Kind == routines.BreathMark && m.Len != 10*routines.Rate {
					breath = m.Len
				}
			}
			if off := s.Len - routines.Samples(want); max(off, -off) > breath*c.repeat*c.sides/2+1 {
				t.Errorf("%s\nasked for %v, it lasts %v: a turn is %v", c.text, want, routines.Duration(s.Len), routines.Duration(breath*c.repeat*c.sides))
			}
		}
		for name, length := range map[string]time.Duration{"negative": -time.Minute, "years": 100_000 * time.Hour, "the longest there is": math.MaxInt64} {
			if _, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: length}); err == nil {
				t.Errorf("%s: %v was accepted", name, length)
			}
		}
	}
}

// checkFit compiles a routine for a length and checks that the score is as near to it as whole breaths allow.
func checkFit(t *testing.T, r *routines.Routine, own *routines.Score, want time.Duration, measure routines.Measure) {
	t.Helper()
	s, err := routines.Compile(t.Context(), r, measure, routines.Options{For: want})
	if err != nil {
		return
	}
	longest := 0
	for i := 0; i < len(s.Marks); i = s.NextStep(i) {
		turn := 0
		for _, m := range s.Marks[i:s.NextStep(i)] {
			if m.Kind == routines.BreathMark {
				turn = m.Len
			}
		}
		longest += turn // a step that comes several times is stretched each time
	}
	if off := s.Len - routines.Samples(want); max(off, -off) > longest/2+1 {
		t.Errorf("asked for %v, it lasts %v; its own length is %v", want, routines.Duration(s.Len), routines.Duration(own.Len))
	}
	checkScore(t, s)
}
