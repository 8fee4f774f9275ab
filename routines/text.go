package routines

import (
	"fmt"
	"math"
	"strings"
)

// String is the score as a page: one line a mark or cue, with its sample and its time. Golden files hold it.
func (s *Score) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q: %s, %d samples, %d steps\n", s.Name, s.Title, Clock(s.Len), s.Len, s.Steps)
	c := 0
	for _, m := range append(s.Marks[:len(s.Marks):len(s.Marks)], Mark{At: math.MaxInt}) {
		for ; c < len(s.Cues) && s.Cues[c].At < m.At; c++ {
			cue := s.Cues[c]
			what := fmt.Sprintf("say %q", cue.Clip.Say)
			if cue.Clip.Sound != "" {
				what = "sound " + cue.Clip.Sound
			}
			fmt.Fprintf(&b, "%9d %s       %s (%d)\n", cue.At, Clock(cue.At), what, cue.Len)
		}
		if m.At == math.MaxInt {
			break
		}
		fmt.Fprintf(&b, "%9d %s %s\n", m.At, Clock(m.At), m.text())
	}
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "note: line %d, %q: %s\n", n.Line, n.Step, n.What)
	}
	return b.String()
}

func (m Mark) text() string {
	side := ""
	if m.Side != "" {
		side = " " + m.Side
	}
	switch m.Kind {
	case StepMark:
		return fmt.Sprintf("step %d %q%s (%d)", m.Step, m.Name, side, m.Len)
	case BreathMark, RepMark:
		return fmt.Sprintf("  %s %d (%d)", m.Kind, m.N, m.Len)
	case CountMark:
		return fmt.Sprintf("    count %d", m.N)
	case SwitchMark:
		return fmt.Sprintf("  switch to%s (%d)", side, m.Len)
	default:
		return fmt.Sprintf("   %s %s%s (%d)", m.Kind, m.Name, side, m.Len)
	}
}

// Clock is a sample as minutes, seconds and milliseconds.
func Clock(samples int) string {
	ms := samples / (Rate / 1000)
	return fmt.Sprintf("%d:%02d.%03d", ms/60_000, ms/1000%60, ms%1000)
}
