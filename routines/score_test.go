package routines_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"guided/routines"
)

// compiled parses and compiles a routine that must be right.
func compiled(t *testing.T, text string, measure routines.Measure) *routines.Score {
	t.Helper()
	r, err := routines.Library{routines.Builtin()}.Check("test.toml", []byte("title = \"Test\"\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := routines.Compile(r, measure, routines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReturn(t *testing.T) {
	s := compiled(t, "[[step]]\nsay = \"First this. Then that.\"\n[[step]]\nbreathe = \"4-6\"\nfor = \"3 breaths\"\n[[step]]\nhold = \"30s\"\n", letters)
	var breaths []routines.Mark
	for _, m := range s.Marks {
		if m.Kind == routines.BreathMark {
			breaths = append(breaths, m)
		}
	}
	second := s.Cues[1]
	for _, c := range []struct {
		name     string
		at, want int
	}{
		{"in the first sentence", 1000, 0},
		{"in the second sentence", second.At + second.Len - 1, second.At},
		{"in the silence after words", second.At + second.Len, second.At + second.Len},
		{"in the middle of a breath", breaths[1].At + breaths[1].Len/2, breaths[1].From},
		{"just before the next breath", breaths[2].From - 1, breaths[1].From},
		{"in the word that opens a breath, before its beat", breaths[2].At - 1, breaths[2].From},
		{"at the last sample of the last breath", breaths[2].At + breaths[2].Len - 1, breaths[2].From},
		{"in a silent hold", s.Len - 5*routines.Rate, s.Len - 5*routines.Rate},
		{"at the end", s.Len, s.Len},
		{"before the start", -1, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s.Return(c.at); got != c.want {
				t.Errorf("interrupted at %s, back at %s, want %s", routines.Clock(c.at), routines.Clock(got), routines.Clock(c.want))
			}
		})
	}
}

func TestReturnNeverLandsInAWord(t *testing.T) {
	// In a silent count nothing keeps a cue from going on over the start of the next breath.
	s := compiled(t, `
[[step]]
breathe = "1-1"
for = "8 breaths"
count = "silent"
cues = [{ at = "1s", say = "A cue which goes on for four seconds, over the start of two breaths." }]
`, letters)
	cue := s.Cues[0]
	for at := cue.At + 1; at < cue.At+cue.Len; at += 997 {
		if back := s.Return(at); back > cue.At {
			t.Fatalf("interrupted at %s, back at %s, inside the words that begin at %s", routines.Clock(at), routines.Clock(back), routines.Clock(cue.At))
		}
	}
}

func TestCountdownDoesNotSpeakOverTheWordsBefore(t *testing.T) {
	late := func(c routines.Clip) (routines.Extent, bool) { // every beat is late
		return routines.Extent{Len: routines.Rate / 2, Beat: routines.Rate * 3 / 10}, true
	}
	s := compiled(t, "[[step]]\nsay = \"Hold.\"\nprepare = \"0s\"\nhold = \"3.1s\"\ncountdown = 3\n", late)
	checkScore(t, s)
	checkTiming(t, s, late)
}

func TestSidesInNames(t *testing.T) {
	s := compiled(t, "[[step]]\nsay = \"Fold to the {side}\"\nsides = true\n[[step]]\nname = \"The {other} arm\"\nhold = \"5s\"\nsides = [\"right\", \"left\"]\n", letters)
	var names []string
	for _, m := range s.Marks {
		if m.Kind == routines.StepMark {
			names = append(names, m.Name)
		}
	}
	if got, want := strings.Join(names, ", "), "Fold to the left, Fold to the right, The left arm, The right arm"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestHugeIsRefusedQuickly: nothing that a file can ask for takes long to refuse, or much memory.
func TestHugeIsRefusedQuickly(t *testing.T) {
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
			if _, err := routines.Compile(r, letters, routines.Options{}); err == nil || !strings.Contains(err.Error(), "too long") {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
