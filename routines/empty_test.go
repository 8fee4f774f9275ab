package routines_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

func TestCompileRefusesWhatLeavesNothingToPlay(t *testing.T) {
	minimal, noHolds := routines.Options{Verbosity: routines.Minimal}, routines.Options{NoHolds: true}
	both := routines.Options{Verbosity: routines.Minimal, NoHolds: true}
	for name, c := range map[string]struct {
		text    string
		options routines.Options
		measure routines.Measure
		says    string
	}{
		"texts without a short one":            {"[[step]]\nsay = 'Stand well.'\n[[step]]\nsay = 'Look ahead.'\n", minimal, measureLetters, "verbosity minimal"},
		"on two sides":                         {"[[step]]\nsay = 'Lean to the {side}.'\nsides = true\n", minimal, measureLetters, "verbosity minimal"},
		"in a group on two sides":              {"[[step]]\nsides = true\n[[step.step]]\nsay = 'Lean to the {side}.'\n", minimal, measureLetters, "verbosity minimal"},
		"in rounds":                            {"[[step]]\nrepeat = 3\n[[step.step]]\nsay = 'Stand well.'\nrepeat = 2\n", minimal, measureLetters, "short text"},
		"no text without holds":                {"[[step]]\nsay = 'Fill up and stay.'\nwithout_holds = ''\n", noHolds, measureLetters, "without_holds"},
		"a text without holds, but no short":   {"[[step]]\nsay = 'Fill up and stay.'\nwithout_holds = 'Breathe.'\n", both, measureLetters, "without breath holds"},
		"a short text, but none without holds": {"[[step]]\nsay = 'Fill up and stay.'\nshort = 'Stay.'\nwithout_holds = ''\n", both, measureLetters, "without breath holds"},
		"a sound that cannot be played":        {"[[step]]\nsound = 'bell'\n", routines.Options{}, func(routines.Clip) (routines.Extent, bool) { return routines.Extent{}, false }, "sounds can be played"},
		"fitted to a length":                   {"[[step]]\nsay = 'Stand well.'\n", routines.Options{Verbosity: routines.Minimal, For: time.Minute}, measureLetters, "verbosity minimal"},
	} {
		t.Run(name, func(t *testing.T) {
			r := parseSteps(t, c.text)
			s, err := routines.Compile(t.Context(), r, c.measure, c.options)
			if !errors.Is(err, routines.ErrNothingToPlay) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "test") {
				t.Errorf("got %v, %v", s, err)
			}
			if _, err := routines.Clips(t.Context(), r); err != nil {
				t.Errorf("its clips: %v", err)
			}
		})
	}
}

// A part that says nothing is left out whole, and no side of it is announced.
func TestCompileAnnouncesNoSideOfNothing(t *testing.T) {
	s := compileWith(t, "title = 'Part'\n[[step]]\nsides = true\nsay = 'Lean to the {side}.'\n[[step]]\nhold = '10s'\n", routines.Options{Verbosity: routines.Minimal})
	if s.Steps != 1 || s.Len != 11*routines.Rate || len(s.Cues) != 0 {
		t.Errorf("got\n%s", s)
	}
}

// checkPlayable checks what the player relies on.
func checkPlayable(t *testing.T, s *routines.Score) {
	t.Helper()
	steps := 0
	for _, m := range s.Marks {
		if m.Kind == routines.StepMark {
			steps++
		}
	}
	if steps == 0 || s.Steps == 0 || s.Len <= 0 {
		t.Errorf("%d step marks, %d steps, %d samples", steps, s.Steps, s.Len)
	}
}

func TestCompileRandomRoutinesAreNeverEmpty(t *testing.T) {
	library := routines.Library{os.DirFS("testdata/golden"), routines.Builtin()}
	empty, whole := 0, 0
	for seed := range uint64(120) {
		c := &routineGenerator{Rand: rand.New(rand.NewPCG(seed, 2))}
		c.always("title = \"Random\"\ncount = %q", c.one("spoken", "tones", "words", "silent"))
		c.step("step", 1+c.IntN(2), false)
		r, err := library.Check(t.Context(), "random.toml", []byte(c.text.String()))
		if err != nil {
			t.Fatalf("%v\n%s", err, c.text.String())
		}
		for name, measure := range map[string]routines.Measure{"letters": measureLetters, "tones": measureTonesOnly, "hostile": measureHostile(seed)} {
			for _, verbosity := range routines.Verbosities() {
				for options := range 8 {
					o := routines.Options{Verbosity: routines.Verbosity(verbosity), NoHolds: options&1 > 0, Interactive: options&2 > 0}
					if options&4 > 0 {
						o.For = time.Duration(1+c.IntN(1200)) * time.Second
					}
					s, err := routines.Compile(t.Context(), r, measure, o)
					if errors.Is(err, routines.ErrNothingToPlay) {
						empty++
					}
					if err != nil {
						continue
					}
					whole++
					checkPlayable(t, s)
					for _, change := range []routines.Change{{At: c.IntN(s.Len), Pace: 1.05}, {At: c.IntN(s.Len), Extend: routines.Length{Samples: routines.Rate}}} {
						if revised, _, err := routines.Revise(t.Context(), r, measure, o, s, change); err == nil {
							checkPlayable(t, revised)
						}
					}
					if t.Failed() {
						t.Fatal(fmt.Sprintf("seed %d, %s, %+v\n", seed, name, o) + c.text.String())
					}
				}
			}
		}
	}
	if empty < 50 || whole < 1000 {
		t.Errorf("%d were empty, %d were not", empty, whole)
	}
}
