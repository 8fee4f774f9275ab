package routines

import "strings"

// Talk is how much is said in a score.
type Talk struct {
	Words          int
	WordsPerMinute float64 // while somebody speaks, with the breaths between his sentences
	Silence        float64 // the part of the whole in which nobody speaks, from 0 to 1
	Longest        int     // samples of the longest silence
}

// Talk counts what is said.
func (s *Score) Talk() Talk {
	var t Talk
	spoken, breaths, end := 0, 0, 0
	for _, c := range s.Cues {
		if c.Clip.Say == "" {
			continue
		}
		t.Words += len(strings.Fields(c.Clip.Say))
		spoken += c.Len
		pause := c.At - end
		if t.Words > len(strings.Fields(c.Clip.Say)) && pause < Rate {
			breaths += pause
		}
		t.Longest = max(t.Longest, pause)
		end = c.At + c.Len
	}
	t.Longest = max(t.Longest, s.Len-end)
	if spoken > 0 {
		t.WordsPerMinute = float64(t.Words) / (inSeconds(spoken+breaths) / 60)
	}
	if s.Len > 0 {
		t.Silence = 1 - inSeconds(spoken)/inSeconds(s.Len)
	}
	return t
}
