package routines_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

var update = flag.Bool("update", false, "write the golden files anew")

// letters gives a text 60 ms a letter and a beat at 80 ms, so that timelines need no voice.
func letters(c routines.Clip) (routines.Extent, bool) {
	if c.Sound != "" {
		return routines.Extent{Len: routines.Rate / 2}, true
	}
	return routines.Extent{Len: len(c.Say) * routines.Rate * 60 / 1000, Beat: routines.Rate * 80 / 1000}, true
}

// nothing is a machine without any voice.
func nothing(c routines.Clip) (routines.Extent, bool) {
	if c.Sound != "" {
		return letters(c)
	}
	return routines.Extent{}, false
}

func TestGoldenScores(t *testing.T) {
	library := routines.Library{os.DirFS("testdata/golden"), routines.Builtin()}
	files, err := filepath.Glob("testdata/golden/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden routines: %v", err)
	}
	for _, file := range append(files, "library/4-4-6.toml") {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			r, err := library.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			for suffix, measure := range map[string]routines.Measure{".score": letters, ".tones.score": nothing} {
				score, err := routines.Compile(r, measure, routines.Options{})
				if err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join("testdata/golden", name+suffix), score.String())
			}
		})
	}
}

func golden(t *testing.T, file, got string) {
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

func TestLengthAskedFor(t *testing.T) {
	r, err := routines.Library{routines.Builtin()}.Load("4-4-6")
	if err != nil {
		t.Fatal(err)
	}
	own, err := routines.Compile(r, letters, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	breath := 14 * time.Second
	for _, want := range []time.Duration{time.Minute, 5 * time.Minute, 20 * time.Minute} {
		t.Run(want.String(), func(t *testing.T) {
			s, err := routines.Compile(r, letters, routines.Options{For: want})
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
		_, err := routines.Compile(r, letters, routines.Options{For: 3 * time.Second})
		if err == nil || !strings.Contains(err.Error(), "at least") {
			t.Errorf("got %v", err)
		}
	})
}

func TestThreeMinutesOfBreathing(t *testing.T) {
	r, err := routines.Library{routines.Builtin()}.Load("Four, four, six")
	if err != nil {
		t.Fatal(err)
	}
	s, err := routines.Compile(r, letters, routines.Options{})
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
		t.Errorf("%d breaths in %s, want 13 in 182 s", breaths, routines.Clock(length))
	}
}
