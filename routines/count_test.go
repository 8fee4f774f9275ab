package routines_test

import (
	"fmt"
	"strings"
	"testing"

	"guided/routines"
)

func TestCompileBreathPatternRamp(t *testing.T) {
	patterns := func(text string) string {
		var list []string
		breath := ""
		for _, m := range compileWith(t, text, routines.Options{}).Marks {
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

func TestCompileCountWordsOnTheirBeat(t *testing.T) {
	r, err := routines.Library{routines.Builtin()}.Load(t.Context(), "4-4-6")
	if err != nil {
		t.Fatal(err)
	}
	beats := func(c routines.Clip) (routines.Extent, bool) { // each word's beat at another place
		return routines.Extent{Len: routines.Rate / 2, Beat: 100 * (len(c.Say) + int(c.Say[0]))}, true
	}
	s, err := routines.Compile(t.Context(), r, beats, routines.Options{})
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
