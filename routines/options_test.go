package routines_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

// laid is a routine as letters measures it.
func laid(t *testing.T, text string, o routines.Options) *routines.Score {
	t.Helper()
	r, err := routines.Parse("text.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := routines.Compile(r, letters, o)
	if err != nil {
		t.Fatal(err)
	}
	checkScore(t, s)
	return s
}

const rounds = `
title = "Rounds"
[[step]]
say     = "Come to the mat."
caution = "Stop if it hurts."
[[step]]
say     = "This is for people who like to know why."
[[step]]
repeat = 3
  [[step.step]]
  name    = "Cat"
  say     = "Breathe out, and round your back."
  short   = "Round the back."
  caution = "Stop if it hurts."
  hold    = "5s"
  sides   = true
`

func TestHowMuchIsSaid(t *testing.T) {
	for name, tt := range map[string]struct {
		verbosity routines.Verbosity
		count     map[string]int
	}{
		"in full the first round teaches": {routines.Full, map[string]int{"Come to the mat.": 1, "This is for people who like to know why.": 1, "Breathe out, and round your back.": 2, "Round the back.": 4, "Cat": 0}},
		"short says the names later":      {routines.Short, map[string]int{"Come to the mat.": 1, "Breathe out, and round your back.": 0, "Round the back.": 2, "Cat": 4}},
		"minimal says the names alone":    {routines.Minimal, map[string]int{"Come to the mat.": 0, "This is for people who like to know why.": 0, "Round the back.": 0, "Cat": 6}},
	} {
		t.Run(name, func(t *testing.T) {
			s := laid(t, rounds, routines.Options{Verbosity: tt.verbosity})
			for text, want := range tt.count {
				if got := len(countWord(s, text)); got != want {
					t.Errorf("%q is said %d times, want %d\n%s", text, got, want, s)
				}
			}
			if got := countWord(s, "Stop if it hurts."); len(got) != 1 || got[0] != 0 {
				t.Errorf("the caution is said at %v, want once, first", got)
			}
		})
	}
	t.Run("a caution inside a group with sides stands before both", func(t *testing.T) {
		s := laid(t, "title = \"T\"\n[[step]]\nsides = true\n[[step.step]]\nrest = \"3s\"\n[[step.step]]\nhold = \"3s\"\ncaution = \"Gently.\"\n", routines.Options{})
		if got := countWord(s, "Gently."); len(got) != 1 || got[0] != 0 {
			t.Errorf("it is said at %v\n%s", got, s)
		}
	})
}

func TestWithoutHolds(t *testing.T) {
	const box = "title = \"Box\"\n[[step]]\nname = \"How\"\nsay = \"Hold for four.\"\nwithout_holds = \"Long breaths.\"\n[[step]]\nsay = \"And hold.\"\nwithout_holds = \"\"\n[[step]]\nbreathe = \"4-4-4-4\"\nfor = \"3 breaths\"\nteach = { hold = \"Hold it softly\" }\n"
	s := laid(t, box, routines.Options{NoHolds: true}).String()
	for _, gone := range []string{"Hold", "hold", "wait"} {
		if strings.Contains(s, gone) {
			t.Errorf("%q is still there:\n%s", gone, s)
		}
	}
	if !strings.Contains(s, "Long breaths.") || strings.Count(s, "  breath ") != 3 || !strings.Contains(s, "breath 3 (384000)") {
		t.Errorf("want three breaths of eight seconds:\n%s", s)
	}
}

func TestBreathSettles(t *testing.T) {
	patterns := func(text string) string {
		var list []string
		breath := ""
		for _, m := range laid(t, text, routines.Options{}).Marks {
			switch m.Kind {
			case routines.BreathMark:
				list = append(list, breath)
				breath = ""
			case routines.PhaseMark:
				breath += fmt.Sprintf("%.4g ", float64(m.Len)/routines.Rate)
			}
		}
		return strings.Join(append(list, breath)[1:], "| ")
	}
	for name, tt := range map[string][2]string{
		"by whole seconds where they are counted":  {"from = \"3-3-4\"\nover = \"4 breaths\"\nbreathe = \"4-4-6\"\nfor = \"6 breaths\"", "3 3 4 | 3 3 5 | 4 4 5 | 4 4 6 | 4 4 6 | 4 4 6 "},
		"by fractions where nothing is counted":    {"from = \"3-4\"\nover = \"2 breaths\"\nbreathe = \"4-6\"\nfor = \"3 breaths\"\ncount = \"swells\"", "3 4 | 3.5 5 | 4 6 "},
		"over half of the step where it is silent": {"from = \"3-4\"\nbreathe = \"4-6\"\nfor = \"4 breaths\"\ncount = \"silent\"", "3 4 | 3.5 5 | 4 6 | 4 6 "},
		"and the whole lasts as long as it says":   {"from = \"3-4\"\nover = \"20s\"\nbreathe = \"4-6\"\nfor = \"40s\"\ncount = \"silent\"", "3 4 | 3.5 5 | 4 6 | 4 6 "},
	} {
		t.Run(name, func(t *testing.T) {
			if got := patterns("title = \"T\"\n[[step]]\n" + tt[0] + "\n"); got != tt[1] {
				t.Errorf("got  %s\nwant %s", got, tt[1])
			}
		})
	}
}

func TestFit(t *testing.T) {
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
	t.Run("rests take what whole breaths leave", func(t *testing.T) {
		for _, want := range []time.Duration{100, 120, 151, 200, 251, 300, 333, 390} {
			s := laid(t, yoga, routines.Options{For: want * time.Second})
			if off := routines.Duration(s.Len) - want*time.Second; off.Abs() > 5*time.Second {
				t.Errorf("asked for %vs, it lasts %v", int(want), routines.Duration(s.Len))
			}
		}
	})
	t.Run("what a routine writes is what it lasts when asked for just that", func(t *testing.T) {
		own := laid(t, yoga, routines.Options{})
		if got := laid(t, yoga, routines.Options{For: routines.Duration(own.Len)}); got.String() != own.String() {
			t.Errorf("got\n%s\nwant\n%s", got, own)
		}
	})
	t.Run("what cannot be is refused with what can", func(t *testing.T) {
		r, err := routines.Parse("yoga.toml", []byte(yoga))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []time.Duration{30 * time.Second, 20 * time.Minute} {
			_, err := routines.Compile(r, letters, routines.Options{For: want})
			if err == nil || !strings.Contains(err.Error(), "at least 1m") || !strings.Contains(err.Error(), "at most 7m") {
				t.Errorf("%v: %v", want, err)
			}
		}
	})
	t.Run("a protocol's limit wins", func(t *testing.T) {
		const sleep = "title = \"Sleep\"\n[[step]]\nbreathe = \"4-7-8\"\nfor = \"4 breaths\"\nfit = [\"4 breaths\", \"8 breaths\"]\n"
		if n := strings.Count(laid(t, sleep, routines.Options{For: 155 * time.Second}).String(), "  breath "); n != 8 {
			t.Errorf("%d breaths, want 8", n)
		}
		r, _ := routines.Parse("sleep.toml", []byte(sleep))
		if _, err := routines.Compile(r, letters, routines.Options{For: 5 * time.Minute}); err == nil {
			t.Error("more than eight breaths were not refused")
		}
	})
	t.Run("a routine in which nothing can change says so", func(t *testing.T) {
		r, _ := routines.Parse("still.toml", []byte("title = \"Still\"\n[[step]]\nhold = \"10s\"\n"))
		if _, err := routines.Compile(r, letters, routines.Options{For: time.Minute}); err == nil || !strings.Contains(err.Error(), "nothing that could be stretched") {
			t.Errorf("got %v", err)
		}
	})
}
