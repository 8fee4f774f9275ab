package routines_test

import (
	"testing"

	"guided/routines"
)

func TestScoreReturn(t *testing.T) {
	s := compileSteps(t, "[[step]]\nsay = \"First this. Then that.\"\n[[step]]\nbreathe = \"4-6\"\nfor = \"3 breaths\"\n[[step]]\nhold = \"30s\"\n", measureLetters)
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
			if got := s.ResumePoint(c.at); got != c.want {
				t.Errorf("interrupted at %s, back at %s, want %s", routines.Timecode(c.at), routines.Timecode(got), routines.Timecode(c.want))
			}
		})
	}
}

func TestScoreReturnDuringCueAcrossBreaths(t *testing.T) {
	// In a silent count a cue may be spoken across the start of the next breath.
	s := compileSteps(t, `
[[step]]
breathe = "1-1"
for = "8 breaths"
count = "silent"
cues = [{ at = "1s", say = "A cue which goes on for four seconds, over the start of two breaths." }]
`, measureLetters)
	cue := s.Cues[0]
	for at := cue.At + 1; at < cue.At+cue.Len; at += 997 {
		if back := s.ResumePoint(at); back > cue.At {
			t.Fatalf("interrupted at %s, back at %s, inside the words that begin at %s", routines.Timecode(at), routines.Timecode(back), routines.Timecode(cue.At))
		}
	}
}
