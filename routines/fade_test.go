package routines_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"guided/routines"
)

const rest10m = "title = 'Rest'\n[[step]]\nsay = 'Lie down.'\n[[step]]\nname = 'Rest'\nrest = '10m'\n"

// decibels is the gain of the whole sound at a sample: the cube of its volume.
func decibels(s *routines.Score, at int) float64 { return 60 * math.Log10(s.Fade.Volume(at)) }

func TestFadeAtBothEnds(t *testing.T) {
	s := compileWith(t, rest10m, routines.Options{FadeIn: 2 * time.Minute, FadeOut: 5 * time.Minute})
	minute := 60 * routines.Rate
	t.Run("it begins softly, and is heard", func(t *testing.T) {
		if db := decibels(s, 0); math.Abs(db+24) > 0.2 {
			t.Errorf("it begins at %.1f dB", db)
		}
	})
	t.Run("the middle is as without", func(t *testing.T) {
		for at := 2 * minute; at <= s.Len-5*minute; at += routines.Rate / 3 {
			if s.Fade.Volume(at) != 1 {
				t.Fatalf("volume %v at %v", s.Fade.Volume(at), routines.Duration(at))
			}
		}
	})
	t.Run("it rises and sinks without a leap", func(t *testing.T) {
		last := s.Fade.Volume(0)
		for at := 0; at <= s.Len; at += routines.Rate {
			v := s.Fade.Volume(at)
			if at < 2*minute && v < last || at > s.Len-5*minute && v > last || math.Abs(v-last) > 0.006 {
				t.Fatalf("volume %v after %v at %v", v, last, routines.Duration(at))
			}
			last = v
		}
	})
	t.Run("it ends in silence, exactly", func(t *testing.T) {
		if v := s.Fade.Volume(s.Len); v != 0 {
			t.Errorf("volume %v at the end", v)
		}
		if db := decibels(s, s.Len-1); db > -400 {
			t.Errorf("%v dB at the last sample", db)
		}
	})
	t.Run("a second before the end it is still on its way", func(t *testing.T) {
		if v := s.Fade.Volume(s.Len - routines.Rate); v <= 0 {
			t.Error("silent before the end")
		}
	})
	t.Run("none is asked for", func(t *testing.T) {
		if s := compileWith(t, rest10m, routines.Options{}); s.Fade != nil {
			t.Errorf("%v", s.Fade)
		}
	})
}

// What is said of danger is not left to a fade.
func TestFadeLeavesCautions(t *testing.T) {
	const held = "[[step]]\ncaution = 'Do not hold your breath when you are pregnant.'\nbreathe = '4-4-6'\nfor = '1m'\n"
	caution := func(s *routines.Score) routines.Cue {
		return s.Cues[slices.IndexFunc(s.Cues, func(c routines.Cue) bool { return c.Clip.Say == "Do not hold your breath when you are pregnant." })]
	}
	for name, text := range map[string]string{
		"at the start":  "title = 'Held'\n" + held,
		"in the middle": rest10m + held + "[[step]]\nrest = '5m'\n",
		"at the end":    rest10m + held,
	} {
		for _, fade := range []time.Duration{10 * time.Second, 2 * time.Minute, 20 * time.Minute, 2 * time.Hour} {
			t.Run(fmt.Sprint(name, " ", fade), func(t *testing.T) {
				for _, o := range []routines.Options{{FadeIn: fade}, {FadeOut: fade}, {FadeIn: fade, FadeOut: fade}, {FadeIn: time.Hour, FadeOut: fade}} {
					s := compileWith(t, text, o)
					c := caution(s)
					if from, to := decibels(s, c.At), decibels(s, c.At+c.Len); min(from, to) < -12.1 {
						t.Errorf("%+v: the caution fades from %.0f to %.0f dB", o, from, to)
					}
					if o.FadeOut > 0 && s.Fade.Volume(s.Len) != 0 {
						t.Errorf("%+v: volume %v at the end", o, s.Fade.Volume(s.Len))
					}
				}
			})
		}
	}
}

func TestFadeLongerThanTheRoutine(t *testing.T) {
	for _, o := range []routines.Options{
		{FadeOut: 4 * time.Hour}, {FadeIn: 4 * time.Hour}, {FadeIn: 4 * time.Hour, FadeOut: 4 * time.Hour}, {FadeIn: time.Nanosecond, FadeOut: 4 * time.Hour},
		{FadeIn: 9 * time.Minute, FadeOut: 9 * time.Minute},
	} {
		s := compileWith(t, rest10m, o)
		if !o.FadesShortened(s) {
			t.Errorf("%+v: they were not shortened", o)
		}
		for _, p := range s.Fade {
			if p.At < 0 || p.Len < 0 || p.At+p.Len > s.Len || min(p.From, p.To) < 0 || max(p.From, p.To) > 1 {
				t.Errorf("%+v: %+v", o, p)
			}
		}
		if o.FadeIn == o.FadeOut && s.Fade.Volume(s.Len/2) < 0.99 {
			t.Errorf("%+v: they do not meet in the middle: %v", o, s.Fade)
		}
	}
	if o := (routines.Options{FadeIn: 5 * time.Minute, FadeOut: 5 * time.Minute}); o.FadesShortened(compileWith(t, rest10m, o)) {
		t.Error("fades that fit were shortened")
	}
}

// While a routine waits for its listener, nothing fades.
func TestFadeWaits(t *testing.T) {
	const waiting = "title = 'Wait'\n[[step]]\nrest = '1m'\n[[step]]\nhold = 'until next'\n[[step]]\nrest = '1m'\n"
	s := compileWith(t, waiting, routines.Options{Interactive: true, FadeOut: 90 * time.Second})
	i := slices.IndexFunc(s.Marks, func(m routines.Mark) bool { return m.Kind == routines.WaitMark })
	if i < 0 {
		t.Fatal("nothing waits")
	}
	wait := s.Marks[i]
	if before, after := s.Fade.Volume(wait.At), s.Fade.Volume(wait.At+wait.Len); before != after || before >= 1 || before < 0.3 {
		t.Errorf("the volume goes from %v to %v while it waits", before, after)
	}
	if v := s.Fade.Volume(s.Len); v != 0 {
		t.Errorf("volume %v at the end", v)
	}
}

// What was heard stays, the new end is silent, and nothing leaps, whenever the end moves.
func TestFadeMovesWithTheEnd(t *testing.T) {
	r, err := routines.Parse("text.toml", []byte("title = 'Breathe'\n[[step]]\nbreathe = '4-6'\nfor = '10m'\n[[step]]\nrest = '1m'\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 1, 3, 6, 8, 9} { // minutes
		for name, change := range map[string]routines.Change{
			"extend by a minute": {Extend: routines.Length{Samples: 60 * routines.Rate}}, "extend by an hour": {Extend: routines.Length{Samples: 3600 * routines.Rate}},
			"slower": {Pace: 1.05}, "faster": {Pace: 1 / 1.05}, "much faster": {Pace: 0.5},
		} {
			t.Run(fmt.Sprint(name, " at ", at), func(t *testing.T) {
				o := routines.Options{FadeIn: 2 * time.Minute, FadeOut: 5 * time.Minute}
				heard, err := routines.Compile(t.Context(), r, measureLetters, o)
				if err != nil {
					t.Fatal(err)
				}
				change.At = at*60*routines.Rate + 1234
				for range 2 { // and once more
					var s *routines.Score
					s, o, err = routines.Revise(t.Context(), r, measureLetters, o, heard, change)
					if err != nil {
						t.Fatal(err)
					}
					changed := o.Changes[len(o.Changes)-1].At
					for i := 0; i <= changed; i += routines.Rate / 10 {
						if s.Fade.Volume(i) != heard.Fade.Volume(i) {
							t.Fatalf("what was heard at %v changes", routines.Duration(i))
						}
					}
					last := s.Fade.Volume(changed)
					for i := changed; i < s.Len; i += routines.Rate / 10 {
						if v := s.Fade.Volume(i); math.Abs(v-last) > 0.012 {
							t.Fatalf("the volume leaps from %v to %v at %v", last, v, routines.Duration(i))
						} else {
							last = v
						}
					}
					if v := s.Fade.Volume(s.Len); v != 0 {
						t.Errorf("volume %v at the end", v)
					}
					if before := s.Len - 5*60*routines.Rate; before > max(changed+10*routines.Rate, 2*60*routines.Rate) && s.Fade.Volume(before) != 1 {
						t.Errorf("volume %v five minutes before the new end", s.Fade.Volume(before))
					}
					heard, change.At = s, changed+5*routines.Rate
				}
			})
		}
	}
}
