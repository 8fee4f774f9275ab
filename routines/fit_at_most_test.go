package routines_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"guided/routines"
)

// granularity is the least by which any length of a routine can differ from the next: one breath, hold or rep more of the
// step whose repetitions cost the most.
func granularity(s *routines.Score) int {
	longest := 0
	for i := 0; i < len(s.Marks); i = s.NextStep(i) {
		turn := routines.Rate // a hold is stretched by seconds
		for _, m := range s.Marks[i:s.NextStep(i)] {
			if m.Kind == routines.BreathMark || m.Kind == routines.RepMark {
				turn = max(turn, m.Len)
			}
		}
		longest += turn // a step that comes several times is stretched each time
	}
	return max(longest, 5*routines.Rate)
}

// Whoever must be gone at ten past eight is not kept until a quarter past: what is fitted to at most a length never takes
// longer, and hardly less.
func TestFitAtMost(t *testing.T) {
	library := routines.Library{routines.Builtin()}
	names, err := routines.NewIndex(library).Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(8, 10))
	fitted := 0
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			r, err := library.Load(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			for range 6 {
				want := time.Duration(20+random.IntN(2400))*time.Second + time.Duration(random.IntN(1000))*time.Millisecond
				s, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: want, AtMost: true})
				var possible *routines.LengthError
				switch {
				case errors.As(err, &possible) && !possible.Rigid && want >= possible.Shortest && want <= possible.Longest:
					t.Errorf("%v is refused, and lies between: %v", want, err)
				case err != nil:
				case s.Len > routines.Samples(want):
					t.Errorf("at most %v, it lasts %v", want, routines.Duration(s.Len))
				case routines.Samples(want)-s.Len > granularity(s):
					t.Errorf("at most %v, it lasts only %v", want, routines.Duration(s.Len))
				default:
					fitted++
				}
			}
		})
	}
	if fitted < 20 {
		t.Errorf("only %d fits were tried", fitted)
	}
}

func TestFitAtMostOf(t *testing.T) {
	for name, c := range map[string]struct {
		text       string
		want       time.Duration
		from, upTo time.Duration // how long it may last; both 0: refused
	}{
		"whole breaths":              {"[[step]]\nbreathe = '4-4-6'\nfor = '3m'\n", 100 * time.Second, 98 * time.Second, 100 * time.Second},
		"a breath that just doesn't": {"[[step]]\nbreathe = '4-4-6'\nfor = '3m'\n", 98 * time.Second, 84 * time.Second, 86 * time.Second},
		"less than one breath":       {"[[step]]\nbreathe = '4-4-6'\nfor = '3m'\n", 13900 * time.Millisecond, 0, 0},
		"rests take what is left":    {"[[step]]\nbreathe = '4-4-6'\nfor = '3m'\n[[step]]\nrest = '20s'\n", 111111 * time.Millisecond, 111 * time.Second, 111111 * time.Millisecond},
		"whole rounds":               {"[[step]]\nfit = [1, 5]\n[[step.step]]\nsound = 'bell'\nfor = '30s'\n", 119 * time.Second, 90 * time.Second, 90 * time.Second},
		"more than the most rounds":  {"[[step]]\nfit = [1, 5]\n[[step.step]]\nsound = 'bell'\nfor = '30s'\n", 200 * time.Second, 0, 0},
		"nothing can be stretched":   {"[[step]]\nhold = '30s'\n", 30 * time.Second, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := routines.Parse("fit.toml", []byte("title = 'Fit'\n"+c.text))
			if err != nil {
				t.Fatal(err)
			}
			s, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{For: c.want, AtMost: true})
			var possible *routines.LengthError
			switch {
			case c.upTo == 0 && !errors.As(err, &possible):
				t.Errorf("it is not refused with the lengths that are possible: %v", err)
			case c.upTo == 0:
			case err != nil:
				t.Error(err)
			case s.Len < routines.Samples(c.from) || s.Len > routines.Samples(c.upTo):
				t.Errorf("it lasts %v, want %v to %v", routines.Duration(s.Len), c.from, c.upTo)
			}
		})
	}
}
