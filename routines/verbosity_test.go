package routines_test

import (
	"strings"
	"testing"

	"guided/routines"
)

const threeRounds = `
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

func TestCompileVerbosity(t *testing.T) {
	for name, tt := range map[string]struct {
		verbosity routines.Verbosity
		count     map[string]int
	}{
		"full: the first round in full":         {routines.Full, map[string]int{"Come to the mat.": 1, "This is for people who like to know why.": 1, "Breathe out, and round your back.": 2, "Round the back.": 4, "Cat": 0}},
		"short: names from the second round on": {routines.Short, map[string]int{"Come to the mat.": 1, "Breathe out, and round your back.": 0, "Round the back.": 2, "Cat": 4}},
		"minimal: names alone":                  {routines.Minimal, map[string]int{"Come to the mat.": 0, "This is for people who like to know why.": 0, "Round the back.": 0, "Cat": 6}},
	} {
		t.Run(name, func(t *testing.T) {
			s := compileWith(t, threeRounds, routines.Options{Verbosity: tt.verbosity})
			for text, want := range tt.count {
				if got := len(cueTimes(s, text)); got != want {
					t.Errorf("%q is said %d times, want %d\n%s", text, got, want, s)
				}
			}
			if got := cueTimes(s, "Stop if it hurts."); len(got) != 1 || got[0] != 0 {
				t.Errorf("the caution is said at %v, want once, first", got)
			}
		})
	}
	t.Run("a caution inside a group with sides stands before both", func(t *testing.T) {
		s := compileWith(t, "title = \"T\"\n[[step]]\nsides = true\n[[step.step]]\nrest = \"3s\"\n[[step.step]]\nhold = \"3s\"\ncaution = \"Gently.\"\n", routines.Options{})
		if got := cueTimes(s, "Gently."); len(got) != 1 || got[0] != 0 {
			t.Errorf("it is said at %v\n%s", got, s)
		}
	})
}

func TestCompileNoHolds(t *testing.T) {
	const box = "title = \"Box\"\n[[step]]\nname = \"How\"\nsay = \"Hold for four.\"\nwithout_holds = \"Long breaths.\"\n[[step]]\nsay = \"And hold.\"\nwithout_holds = \"\"\n[[step]]\nbreathe = \"4-4-4-4\"\nfor = \"3 breaths\"\nteach = { hold = \"Hold it softly\" }\n"
	s := compileWith(t, box, routines.Options{NoHolds: true}).String()
	for _, gone := range []string{"Hold", "hold", "wait"} {
		if strings.Contains(s, gone) {
			t.Errorf("%q is still there:\n%s", gone, s)
		}
	}
	if !strings.Contains(s, "Long breaths.") || strings.Count(s, "  breath ") != 3 || !strings.Contains(s, "breath 3 (384000)") {
		t.Errorf("want three breaths of eight seconds:\n%s", s)
	}
}
