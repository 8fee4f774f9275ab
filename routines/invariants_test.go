package routines_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"guided/routines"
)

// addSeeds adds all routines of testdata, valid and invalid, to a fuzz test.
func addSeeds(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.toml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for i, file := range append(files, "library/4-4-6.toml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), uint64(i))
	}
}

// measureRandom measures clips by a hash: also as missing, empty, an hour long, or with the beat behind the end. Equal
// clips have equal extents.
func measureRandom(seed uint64) routines.Measure {
	return func(c routines.Clip) (routines.Extent, bool) {
		h := fnv.New64a()
		fmt.Fprint(h, c)
		r := rand.New(rand.NewPCG(seed, h.Sum64()))
		e := routines.Extent{Len: r.IntN(2 * routines.Rate), Beat: r.IntN(routines.Rate / 4)}
		switch r.IntN(12) {
		case 0:
			e.Len = 0
		case 1:
			e.Len = r.IntN(3600) * routines.Rate
		case 2:
			e.Beat = e.Len + r.IntN(routines.Rate)
		case 3:
			return routines.Extent{}, false
		}
		return e, true
	}
}

func FuzzCompile(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		library := routines.Library{os.DirFS("testdata/golden"), routines.Builtin()}
		r, err := library.Check(t.Context(), "fuzz.toml", []byte(text))
		if err != nil {
			return
		}
		if wild, err := routines.Compile(t.Context(), r, measureHostile(seed), routines.Options{}); err == nil {
			checkScore(t, wild)
			checkTiming(t, wild, measureHostile(seed))
		}
		score, err := routines.Compile(t.Context(), r, measureRandom(seed), routines.Options{})
		if err != nil {
			return // longer than four hours
		}
		checkTiming(t, score, measureRandom(seed))
		checkSteps(t, score)
		checkClips(t, r, score)
		if again, _ := routines.Compile(t.Context(), r, measureRandom(seed), routines.Options{}); again.String() != score.String() {
			t.Error("compiled twice, the scores differ")
		}
		checkScore(t, score)
		if want := time.Duration(seed%1800) * time.Second; want > 0 {
			checkFit(t, r, score, want, measureRandom(seed))
		}
	})
}

// checkScore checks what is true of every score that was not changed while it played.
func checkScore(t *testing.T, s *routines.Score) {
	t.Helper()
	checkOrder(t, s)
	checkSides(t, s)
}

// checkSides checks that both sides of every step have the same length.
func checkSides(t *testing.T, s *routines.Score) {
	t.Helper()
	sides := map[int]map[string]int{} // lengths, by step
	for _, m := range s.Marks {
		if m.Kind == routines.StepMark && m.Side != "" {
			if sides[m.Step] == nil {
				sides[m.Step] = map[string]int{}
			}
			sides[m.Step][m.Side] = m.Len
		}
	}
	for step, lengths := range sides {
		if l, r := lengths["left"], lengths["right"]; len(lengths) == 2 && l != r {
			t.Errorf("step %d: %d samples on the left, %d on the right", step, l, r)
		}
	}
}

// checkOrder checks that cues and marks are in order and inside the score, and that speech never overlaps.
func checkOrder(t *testing.T, s *routines.Score) {
	t.Helper()
	end, speech := 0, 0
	for i, c := range s.Cues {
		if c.At < 0 || c.Len < 0 || i > 0 && c.At < s.Cues[i-1].At {
			t.Errorf("cue %d stands at %d after %d", i, c.At, end)
		}
		end = c.At
		if c.Clip.Say == "" {
			continue
		}
		if c.At < speech {
			t.Errorf("%q begins at %d, the speech before it ends at %d", c.Clip.Say, c.At, speech)
		}
		if speech = c.At + c.Len; speech > s.Len {
			t.Errorf("%q ends at %d, behind the end %d", c.Clip.Say, speech, s.Len)
		}
	}
	breaths := 0
	for i, m := range s.Marks {
		if i > 0 && m.At < s.Marks[i-1].At || m.At < 0 || m.Len < 0 || m.At+m.Len > s.Len || m.From > m.At || m.From < 0 {
			t.Errorf("mark %d is out of place: %+v in %d", i, m, s.Len)
		}
		switch m.Kind {
		case routines.BreathMark, routines.RepMark:
			if m.At < breaths {
				t.Errorf("%s %d begins at %d inside the one before, which ends at %d", m.Kind, m.N, m.At, breaths)
			}
			breaths = m.At + m.Len
		}
	}
	checkReturns(t, s)
}

// checkReturns checks that playback resumes at the start of a cue, breath or rep, wherever it is interrupted.
func checkReturns(t *testing.T, s *routines.Score) {
	t.Helper()
	whole := map[int]bool{}
	for _, m := range s.Marks {
		if m.Kind == routines.BreathMark || m.Kind == routines.RepMark {
			whole[m.From] = true
		}
	}
	for _, c := range s.Cues {
		whole[c.At] = true
	}
	step := max(1, s.Len/300)
	for at := 0; at <= s.Len; at += step {
		back := s.ResumePoint(at)
		if back > at || back != at && !whole[back] {
			t.Fatalf("interrupted at %d, it comes back at %d, which begins nothing", at, back)
		}
		if twice := s.ResumePoint(back); twice != back {
			t.Fatalf("interrupted at %d, it comes back at %d, and from there at %d", at, back, twice)
		}
		if back == at {
			for _, c := range s.Cues {
				if c.Clip.Say != "" && c.At < at && at < c.At+c.Len && !whole[at] {
					t.Fatalf("it comes back at %d, in the middle of %q", at, c.Clip.Say)
				}
			}
		}
	}
}

// measureHostile measures clips by a hash, with lengths and beats at and beyond every limit of an int.
func measureHostile(seed uint64) routines.Measure {
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

// checkTiming checks that steps follow each other without a gap, that breaths are whole, and that every word on a beat
// stands exactly on it.
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

// checkSteps checks StepAt, NextStep and PreviousStep against each other.
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

// checkClips checks that Clips lists every clip of a score.
func checkClips(t *testing.T, r *routines.Routine, s *routines.Score) {
	t.Helper()
	clips, err := routines.Clips(t.Context(), r)
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

// checkChanges makes random changes while a score is heard, and checks that nothing before them differs.
func checkChanges(t *testing.T, r *routines.Routine, heard *routines.Score, measure routines.Measure, chance *rand.Rand) {
	t.Helper()
	var asked routines.Options
	at := 0
	for range 6 {
		if heard.Len-at < 2 {
			return
		}
		at += 1 + chance.IntN((heard.Len-at)/2)
		c := routines.Change{At: at}
		switch chance.IntN(4) {
		case 0:
			c.Pace = 1.05
		case 1:
			c.Pace = 1 / 1.05
		case 2:
			c.Extend.Breaths = 1 + chance.IntN(3)
		case 3:
			c.Extend.Samples = 1 + chance.IntN(60*routines.Rate)
		}
		s, with, err := routines.Revise(t.Context(), r, measure, asked, heard, c)
		if err != nil {
			continue // too long, or too late
		}
		at = with.Changes[len(with.Changes)-1].At
		checkOrder(t, s) // sides differ where the second one was extended
		checkTiming(t, s, measure)
		if !s.EqualBefore(heard, at) {
			t.Errorf("%+v changes what was heard:\n%s\n%s", asked.Changes, heard, s)
			return
		}
		heard, asked = s, with
	}
}

func TestCompileRandomRoutinesKeepInvariants(t *testing.T) {
	library := routines.Library{os.DirFS("testdata/golden"), routines.Builtin()}
	compiledOnce := 0
	for seed := range uint64(150) {
		c := &routineGenerator{Rand: rand.New(rand.NewPCG(seed, 1))}
		c.always("title = \"Random\"\nbreath = %q\ncount = %q", c.pattern(), c.one("spoken", "spoken", "tones", "words", "silent"))
		c.steps("step", 0, false)
		text := c.text.String()
		r, err := library.Check(t.Context(), "random.toml", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for name, measure := range map[string]routines.Measure{"letters": measureLetters, "nothing": measureTonesOnly, "strange": measureRandom(seed), "hostile": measureHostile(seed)} {
			s, err := routines.Compile(t.Context(), r, measure, routines.Options{})
			if err != nil {
				continue // clips of hours
			}
			compiledOnce++
			checkScore(t, s)
			checkTiming(t, s, measure)
			checkSteps(t, s)
			checkClips(t, r, s)
			checkChanges(t, r, s, measure, c.Rand)
			asked := routines.Options{Verbosity: routines.Verbosity(c.one("short", "minimal", "full")), NoHolds: c.IntN(2) == 0}
			if less, err := routines.Compile(t.Context(), r, measure, asked); err == nil {
				checkScore(t, less)
				checkTiming(t, less, measure)
				checkClips(t, r, less)
				checkScore(t, less)
			}
			if again, _ := routines.Compile(t.Context(), r, measure, routines.Options{}); again.String() != s.String() {
				t.Error("compiled twice, the scores differ")
			}
			if fitted, err := routines.Compile(t.Context(), r, measure, routines.Options{For: time.Duration(c.IntN(1800)) * time.Second}); err == nil {
				checkScore(t, fitted)
				checkTiming(t, fitted, measure)
			}
			if t.Failed() {
				t.Fatalf("seed %d, %s\n%s", seed, name, text)
			}
		}
	}
	if compiledOnce < 300 {
		t.Errorf("only %d scores were looked at", compiledOnce)
	}
}
