package routines_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

var update = flag.Bool("update", false, "write the golden files anew")

// measureLetters gives a text 60 ms for each letter and a beat after 80 ms, so that scores need no voice.
func measureLetters(c routines.Clip) (routines.Extent, bool) {
	if c.Sound != "" {
		return routines.Extent{Len: routines.Rate / 2}, true
	}
	return routines.Extent{Len: len(c.Say) * routines.Rate * 60 / 1000, Beat: routines.Rate * 80 / 1000}, true
}

// measureTonesOnly has every tone and no speech, like a machine without a voice.
func measureTonesOnly(c routines.Clip) (routines.Extent, bool) {
	if c.Sound != "" {
		return measureLetters(c)
	}
	return routines.Extent{}, false
}

func TestCompileGoldenScores(t *testing.T) {
	library := routines.Library{os.DirFS("testdata/golden"), routines.Builtin()}
	files, err := filepath.Glob("testdata/golden/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden routines: %v", err)
	}
	for _, file := range append(files, "library/4-4-6.toml") {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			r, err := library.Load(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			for suffix, measure := range map[string]routines.Measure{".score": measureLetters, ".tones.score": measureTonesOnly} {
				score, err := routines.Compile(t.Context(), r, measure, routines.Options{})
				if err != nil {
					t.Fatal(err)
				}
				compareGolden(t, filepath.Join("testdata/golden", name+suffix), score.String())
			}
		})
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s:%d\n got %s\nwant %s", file, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s: got %d lines, want %d", file, len(g), len(w))
}

func TestCompileRoundsBreathingToWholeBreaths(t *testing.T) {
	r, err := routines.Library{routines.Builtin()}.Load(t.Context(), "Four, four, six")
	if err != nil {
		t.Fatal(err)
	}
	s, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	breaths, length := 0, 0
	for _, m := range s.Marks {
		if m.Kind == routines.BreathMark {
			breaths++
			length += m.Len
		}
	}
	if breaths != 13 || length != 182*routines.Rate {
		t.Errorf("%d breaths in %s, want 13 in 182 s", breaths, routines.Timecode(length))
	}
}

func TestCompileRefusesDeepRepeats(t *testing.T) {
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
	if _, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}

// benchRoutines are routines of several sizes: counted breathing of three and fifteen minutes, yoga, and 10 to 1,000 steps
// with words, a hold and a countdown.
func benchRoutines(b *testing.B) map[string]*routines.Routine {
	b.Helper()
	list := map[string]*routines.Routine{}
	for _, name := range []string{"4-4-6", "yoga"} {
		r, err := routines.Library{routines.Builtin()}.Load(b.Context(), name)
		if err != nil {
			b.Fatal(err)
		}
		list[name] = r
	}
	texts := map[string]string{"15 minutes of 4-4-6": "title = \"Long\"\n[[step]]\nbreathe = \"4-4-6\"\nfor = \"15m\"\n"}
	for _, n := range []int{10, 100, 1000} {
		text := "title = \"Steps\"\n"
		for i := range n {
			text += fmt.Sprintf("[[step]]\nname = \"Step %d\"\nsay = \"This is step %d.\"\nhold = \"8s\"\ncountdown = 3\n", i, i)
		}
		texts[fmt.Sprintf("%d steps", n)] = text
	}
	for name, text := range texts {
		r, err := routines.Parse("bench.toml", []byte(text))
		if err != nil {
			b.Fatal(err)
		}
		list[name] = r
	}
	return list
}

func BenchmarkCompile(b *testing.B) {
	for name, r := range benchRoutines(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := routines.Compile(b.Context(), r, measureLetters, routines.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRevise makes the breath slower in the middle of a routine.
func BenchmarkRevise(b *testing.B) {
	for name, r := range benchRoutines(b) {
		heard, err := routines.Compile(b.Context(), r, measureLetters, routines.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := routines.Revise(b.Context(), r, measureLetters, routines.Options{}, heard, routines.Change{At: heard.Len / 2, Pace: 1.05}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLookups asks a score of 1,000 steps what a report of what was heard asks.
func BenchmarkLookups(b *testing.B) {
	s, err := routines.Compile(b.Context(), benchRoutines(b)["1000 steps"], measureLetters, routines.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		at := n * 7919 * 480 % s.Len
		s.WaitAt(at)
		s.MarksFrom(at)
		s.Elapsed(at)
		s.ResumePoint(at)
		s.NextStep(s.StepAt(at))
	}
}

// compileSteps parses and compiles a valid routine without a title, which may include built-in ones.
func compileSteps(t *testing.T, text string, measure routines.Measure) *routines.Score {
	t.Helper()
	r, err := routines.Library{routines.Builtin()}.Check(t.Context(), "test.toml", []byte("title = \"Test\"\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := routines.Compile(t.Context(), r, measure, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever a file asks for, it is refused before it costs much time or memory.
func TestCompileRefusesHugeRoutinesQuickly(t *testing.T) {
	var nest strings.Builder
	path := "step"
	for range 8 {
		fmt.Fprintf(&nest, "[[%s]]\nrepeat = 100\n", path)
		path += ".step"
	}
	for name, text := range map[string]string{
		"repeats of silence":         nest.String() + "[[" + path + "]]\nrest = \"1ms\"\n",
		"repeats of a missing sound": nest.String() + "[[" + path + "]]\nsound = \"bell\"\nfor = \"1ms\"\n",
		"repeats of a silent count":  nest.String() + "[[" + path + "]]\nbreathe = \"0.5-0.5\"\nfor = \"1h\"\ncount = \"silent\"\n",
		"the busiest breaths":        "[[step]]\nbreathe = \"0.5+0.01-0.01-0.5-0.01\"\nfor = \"3h59m\"\n",
		"many steps of hours":        strings.Repeat("[[step]]\nhold = \"4h\"\nsides = true\nswitch = \"4h\"\nprepare = \"4h\"\nrepeat = 100\n", 900),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := routines.Parse("huge.toml", []byte("title = \"Huge\"\n"+text))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := routines.Compile(t.Context(), r, measureLetters, routines.Options{}); err == nil || !strings.Contains(err.Error(), "too long") {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// parseSteps parses a valid routine without a title.
func parseSteps(t *testing.T, text string) *routines.Routine {
	t.Helper()
	r, err := routines.Parse("test.toml", []byte("title = 'Test'\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// compileWith parses a valid routine, compiles it with measureLetters and checks the score.
func compileWith(t *testing.T, text string, o routines.Options) *routines.Score {
	t.Helper()
	r, err := routines.Parse("text.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := routines.Compile(t.Context(), r, measureLetters, o)
	if err != nil {
		t.Fatal(err)
	}
	checkScore(t, s)
	return s
}
