package routines_test

import (
	"context"
	"errors"
	"fmt"
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

// ownRoutine is a routine of a thousand steps, which can be fitted to a length.
func ownRoutine() string {
	var b strings.Builder
	b.WriteString("title = 'Own'\n")
	for i := range 333 {
		fmt.Fprintf(&b, "[[step]]\nname = 'Place %d'\nsay = 'Turn slowly to place %d.'\nshort = 'Turn.'\nhold = '6s'\nfit = ['3s', '20s']\n", i, i)
		b.WriteString("[[step]]\nrest = '3s'\n[[step]]\nbreathe = '2-3'\nfor = '2 breaths'\nfit = ['1 breath', '6 breaths']\n")
	}
	return b.String()
}

// fittedRoutines is the built-in routines that take longest to fit, and one of a thousand steps, with the lengths asked for.
func fittedRoutines(tb testing.TB) map[string]struct {
	routine *routines.Routine
	options routines.Options
} {
	tb.Helper()
	list := map[string]struct {
		routine *routines.Routine
		options routines.Options
	}{}
	library := routines.Library{folder(map[string]string{"own.toml": ownRoutine()}), routines.Builtin()}
	for name, length := range map[string]time.Duration{"yoga": 10 * time.Minute, "mobility": 9 * time.Minute, "strength": 10 * time.Minute, "unwind": 14 * time.Minute, "own": 2 * time.Hour} {
		r, err := library.Load(tb.Context(), name)
		if err != nil {
			tb.Fatal(err)
		}
		list[name] = struct {
			routine *routines.Routine
			options routines.Options
		}{r, routines.Options{For: length}}
	}
	return list
}

// A change keeps what was fitted to a length: it costs one layout, not the search for another fit.
func TestReviseKeepsTheFit(t *testing.T) {
	for name, f := range fittedRoutines(t) {
		t.Run(name, func(t *testing.T) {
			heard, err := routines.Compile(t.Context(), f.routine, measureLetters, f.options)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			s, o, err := routines.Revise(t.Context(), f.routine, measureLetters, f.options, heard, routines.Change{At: heard.Len / 3, Pace: 1.05})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("a change took %v", time.Since(start))
			steps := func(s *routines.Score) (n int) {
				for _, m := range s.Marks {
					if m.Kind == routines.StepMark || m.Kind == routines.BreathMark {
						n++
					}
				}
				return n
			}
			if steps(s) != steps(heard) || !s.EqualBefore(heard, o.Changes[0].At) {
				t.Errorf("%d steps and breaths, %d before the change", steps(s), steps(heard))
			}
			calls := 0
			counted := func(c routines.Clip) (routines.Extent, bool) { calls++; return measureLetters(c) }
			if _, _, err = routines.Revise(t.Context(), f.routine, counted, o, s, routines.Change{At: heard.Len / 2, Pace: 1.05}); err != nil {
				t.Fatal(err)
			}
			if clips, err := routines.Clips(t.Context(), f.routine); err != nil || calls > len(clips) {
				t.Errorf("%d clips are measured, %d there are; %v", calls, len(clips), err)
			}
		})
	}
	t.Run("a routine that was read again is fitted again", func(t *testing.T) {
		first, again := fittedRoutines(t)["yoga"], fittedRoutines(t)["yoga"]
		heard, err := routines.Compile(t.Context(), first.routine, measureLetters, first.options)
		if err != nil {
			t.Fatal(err)
		}
		change := routines.Change{At: heard.Len / 3, Pace: 1.05}
		want, _, err := routines.Revise(t.Context(), first.routine, measureLetters, first.options, heard, change)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := routines.Revise(t.Context(), again.routine, measureLetters, again.options, heard, change); err != nil || got.String() != want.String() {
			t.Errorf("the scores differ, %v", err)
		}
	})
}

// Changes come in their order, also where the last one had to move on.
func TestReviseIsNeverBeforeTheLastChange(t *testing.T) {
	r := parseSteps(t, "[[step]]\nbreathe = '4-6'\nfor = '10m'\n")
	s, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var o routines.Options
	for i := range 40 {
		c := routines.Change{At: 100*routines.Rate - i*routines.Rate, Pace: []float64{1.05, 1 / 1.05}[i%2]}
		if s, o, err = routines.Revise(t.Context(), r, measureLetters, o, s, c); err != nil {
			t.Fatal(err)
		}
		checkOrder(t, s)
		checkTiming(t, s, measureLetters)
	}
	for i, c := range o.Changes[1:] {
		if c.At < o.Changes[i].At {
			t.Errorf("change %d at %d, the one before at %d", i+1, c.At, o.Changes[i].At)
		}
	}
}

func TestReviseRefusesThousandsOfChanges(t *testing.T) {
	r := parseSteps(t, "[[step]]\nbreathe = '0.5-0.5'\nfor = '1h'\ncount = 'silent'\n")
	var o routines.Options
	for i := range 500 {
		o.Changes = append(o.Changes, routines.Change{At: (i + 1) * 6 * routines.Rate, Pace: []float64{1.05, 1 / 1.05}[i%2]})
	}
	start := time.Now()
	if _, err := routines.Compile(t.Context(), r, measureLetters, o); err != nil && !strings.Contains(err.Error(), "too long") {
		t.Errorf("500: %v", err)
	}
	if took := time.Since(start); took > maxCompileTime {
		t.Errorf("500 took %v", took)
	}
	o.Changes = append(o.Changes, routines.Change{At: 3500 * routines.Rate, Pace: 1.05})
	if _, err := routines.Compile(t.Context(), r, measureLetters, o); err == nil || !strings.Contains(err.Error(), "start it again") {
		t.Errorf("501: %v", err)
	}
}

func TestReviseEndsWithItsContext(t *testing.T) {
	r := parseSteps(t, twoSidedHold[len("\ntitle = \"Turn\"\n"):])
	heard, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := routines.Revise(ctx, r, measureLetters, routines.Options{}, heard, routines.Change{At: heard.Len / 2, Pace: 1.05}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkReviseFitted(b *testing.B) {
	for name, f := range fittedRoutines(b) {
		heard, err := routines.Compile(b.Context(), f.routine, measureLetters, f.options)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := routines.Revise(b.Context(), f.routine, measureLetters, f.options, heard, routines.Change{At: heard.Len / 3, Pace: 1.05}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/start", func(b *testing.B) {
			for b.Loop() {
				if _, err := routines.Compile(b.Context(), f.routine, measureLetters, f.options); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
