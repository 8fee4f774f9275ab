package routines_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

// seeds are all the routines there are, good and bad.
func seeds(f *testing.F) {
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

// strange measures a text by chance, always the same: nothing, a moment, hours, a beat before its start or behind its end.
func strange(seed uint64) routines.Measure {
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

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string, _ uint64) {
		_, err := routines.Parse("fuzz.toml", []byte(text))
		var problems routines.Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("an error that is no list of problems: %v", err)
		}
		lines := strings.Count(text, "\n") + 1
		for _, p := range problems {
			if p.File != "fuzz.toml" || p.What == "" || p.Line < 0 || p.Line > lines {
				t.Errorf("a problem without its place: %+v in %d lines", p, lines)
			}
		}
	})
}

func FuzzCompile(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		library := routines.Library{os.DirFS("testdata/golden"), routines.Builtin()}
		r, err := library.Check("fuzz.toml", []byte(text))
		if err != nil {
			return
		}
		if wild, err := routines.Compile(r, hostile(seed), routines.Options{}); err == nil {
			checkScore(t, wild)
			checkTiming(t, wild, hostile(seed))
		}
		score, err := routines.Compile(r, strange(seed), routines.Options{})
		if err != nil {
			return // longer than four hours
		}
		checkTiming(t, score, strange(seed))
		checkSteps(t, score)
		checkClips(t, r, score)
		if again, _ := routines.Compile(r, strange(seed), routines.Options{}); again.String() != score.String() {
			t.Error("compiled twice, the scores differ")
		}
		checkScore(t, score)
		if want := time.Duration(seed%1800) * time.Second; want > 0 {
			checkFit(t, r, score, want, strange(seed))
		}
	})
}

// checkScore holds a score against what every score must be.
func checkScore(t *testing.T, s *routines.Score) {
	t.Helper()
	checkOrder(t, s)
	checkSides(t, s)
}

// checkSides holds both sides of every step to the same length.
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

// checkOrder holds everything in its place.
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

// checkReturns holds the law of interruption: the sound comes back at a whole thing.
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
		back := s.Return(at)
		if back > at || back != at && !whole[back] {
			t.Fatalf("interrupted at %d, it comes back at %d, which begins nothing", at, back)
		}
		if twice := s.Return(back); twice != back {
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

// checkFit asks for a length.
func checkFit(t *testing.T, r *routines.Routine, own *routines.Score, want time.Duration, measure routines.Measure) {
	t.Helper()
	s, err := routines.Compile(r, measure, routines.Options{For: want})
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

func TestHugeNestsAreRefusedQuickly(t *testing.T) {
	text := "title = \"Nest\"\n"
	path := "step"
	for range 7 {
		text += "[[" + path + "]]\nrepeat = 100\n"
		path += ".step"
	}
	text += "[[" + path + "]]\nrest = \"1ms\"\n"
	r, err := routines.Parse("nest.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := routines.Compile(r, letters, routines.Options{}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}

func TestWordsStandOnTheirBeat(t *testing.T) {
	r, err := routines.Library{routines.Builtin()}.Load("4-4-6")
	if err != nil {
		t.Fatal(err)
	}
	beats := func(c routines.Clip) (routines.Extent, bool) { // each word's beat at another place
		return routines.Extent{Len: routines.Rate / 2, Beat: 100 * (len(c.Say) + int(c.Say[0]))}, true
	}
	s, err := routines.Compile(r, beats, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	grid := map[int]bool{}
	for _, m := range s.Marks {
		if m.Kind == routines.PhaseMark || m.Kind == routines.CountMark {
			grid[m.At] = true
		}
	}
	counted := 0
	for _, c := range s.Cues {
		if strings.HasSuffix(c.Clip.Say, ",") && !strings.Contains(c.Clip.Say, " ") {
			e, _ := beats(c.Clip)
			if counted++; !grid[c.At+e.Beat] {
				t.Errorf("the beat of %q is at %d, which is no second of a phase", c.Clip.Say, c.At+e.Beat)
			}
		}
	}
	if counted < 100 {
		t.Errorf("only %d words were counted", counted)
	}
}

func BenchmarkCompile(b *testing.B) {
	r, err := routines.Parse("long.toml", []byte("title = \"Long\"\n[[step]]\nbreathe = \"4-4-6\"\nfor = \"15m\"\n"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := routines.Compile(r, letters, routines.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("testdata/golden/everything.toml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := routines.Parse("everything.toml", data); err != nil {
			b.Fatal(err)
		}
	}
}
