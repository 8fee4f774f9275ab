package routines_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

// hostile measures as no voice should: lengths and beats at and beyond every edge of an int.
func hostile(seed uint64) routines.Measure {
	return func(c routines.Clip) (routines.Extent, bool) {
		h := fnv.New64a()
		fmt.Fprint(h, c)
		r := rand.New(rand.NewPCG(seed, h.Sum64()))
		second := routines.Rate
		lengths := []int{0, 0, 1, second / 3, second, 2 * second, 9 * second, 600 * second, 4 * 3600 * second, math.MaxInt, math.MinInt, -1}
		e := routines.Extent{Len: lengths[r.IntN(len(lengths))]}
		beats := []int{0, 1, second / 10, second / 3, e.Len, e.Len / 2, math.MaxInt, math.MinInt, -1}
		e.Beat = beats[r.IntN(len(beats))]
		return e, r.IntN(8) > 0
	}
}

// checkTiming holds a score against the clock: steps follow each other without a gap, breaths are whole, and every word
// on a beat stands exactly on it.
func checkTiming(t *testing.T, s *routines.Score, measure routines.Measure) {
	t.Helper()
	at, breath, step := 0, 0, routines.Mark{}
	said := map[int]routines.Cue{}
	for _, c := range s.Cues {
		if c.Clip.Say != "" && (c.Len > 0 || said[c.At].Clip.Say == "") {
			said[c.At] = c
		}
	}
	whole := func() {
		if breath > 0 && breath != step.At+step.Len {
			t.Errorf("step %d ends at %d, its last breath or rep at %d", step.Step, step.At+step.Len, breath)
		}
		breath = 0
	}
	for _, m := range s.Marks {
		switch m.Kind {
		case routines.StepMark, routines.SwitchMark:
			whole()
			if m.At != at {
				t.Errorf("%s %d begins at %d, what is before it ends at %d", m.Kind, m.Step, m.At, at)
			}
			at, step = m.At+m.Len, m
			continue
		case routines.BreathMark, routines.RepMark:
			if breath > 0 && breath != m.At {
				t.Errorf("%s %d begins at %d, the one before it ends at %d", m.Kind, m.N, m.At, breath)
			}
			breath = m.At + m.Len
		}
		if m.From == m.At {
			continue
		}
		c, speaks := said[m.From]
		e, _ := measure(c.Clip)
		if beat := max(0, min(e.Beat, e.Len, routines.Rate*3/10)); !speaks || m.From+beat != m.At {
			t.Errorf("%s %s at %d: its word %q begins at %d with its beat after %d", m.Kind, m.Name, m.At, c.Clip.Say, m.From, beat)
		}
	}
	whole()
	if at != s.Len {
		t.Errorf("the last step ends at %d, the score at %d", at, s.Len)
	}
}

// checkSteps holds the laws of next and back.
func checkSteps(t *testing.T, s *routines.Score) {
	t.Helper()
	steps := 0
	for i := 0; i < len(s.Marks); i = s.NextStep(i) {
		steps++
		if s.Marks[i].Kind != routines.StepMark {
			t.Fatalf("mark %d is no step: %+v", i, s.Marks[i])
		}
		next := s.NextStep(i)
		if next <= i || next < len(s.Marks) && s.PreviousStep(next) != i {
			t.Fatalf("after step mark %d comes %d, and before that %d", i, next, s.PreviousStep(next))
		}
		if here := s.StepAt(s.Marks[i].At); here < i || s.Marks[here].At != s.Marks[i].At {
			t.Fatalf("at the start of step mark %d the step is %d", i, here)
		}
		if end := s.Marks[i].At + s.Marks[i].Len; s.Marks[i].Len > 0 && s.StepAt(end-1) != i {
			t.Fatalf("at the end of step mark %d the step is %d", i, s.StepAt(end-1))
		}
	}
	all := 0
	for _, m := range s.Marks {
		if m.Kind == routines.StepMark {
			all++
		}
	}
	if steps != all || s.PreviousStep(0) != 0 || s.StepAt(-1) != 0 {
		t.Fatalf("%d of %d steps were met; before the first comes %d", steps, all, s.PreviousStep(0))
	}
}

// checkClips: what sounds was announced by Clips.
func checkClips(t *testing.T, r *routines.Routine, s *routines.Score) {
	t.Helper()
	clips, err := routines.Clips(r)
	if err != nil {
		return // too long with tones for words, which last longer than some measures say
	}
	known := map[routines.Clip]bool{}
	for _, c := range clips {
		known[c] = true
	}
	for _, c := range s.Cues {
		if !known[c.Clip] {
			t.Errorf("%+v sounds, and Clips does not know it", c.Clip)
		}
	}
}

func TestBothSidesAreEqual(t *testing.T) {
	r, err := routines.Library{routines.Builtin()}.Check("sides.toml", []byte(`
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
		for name, measure := range map[string]routines.Measure{"strange": strange(seed), "hostile": hostile(seed), "letters": letters, "nothing": nothing} {
			s, err := routines.Compile(r, measure, routines.Options{})
			if err != nil {
				continue // a word of hours
			}
			began := slices.IndexFunc(s.Marks, func(m routines.Mark) bool { return m.Side != "" }) // a warning comes before
			for _, m := range s.Marks {
				if first := m.At - s.Marks[began].At; m.Kind == routines.SwitchMark && s.Len-m.At-m.Len != first {
					t.Fatalf("%s %d: the first side lasts %d samples, the second %d", name, seed, first, s.Len-m.At-m.Len)
				}
			}
		}
	}
}

// TestFitIsWithinHalfATurn asks for every length of routines whose one breathing step comes several times.
func TestFitIsWithinHalfATurn(t *testing.T) {
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
			s, err := routines.Compile(r, letters, routines.Options{For: want})
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
			if _, err := routines.Compile(r, letters, routines.Options{For: length}); err == nil {
				t.Errorf("%s: %v was accepted", name, length)
			}
		}
	}
}
