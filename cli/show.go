package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"guided/routines"
)

type showCommand struct {
	Name string `arg:"" help:"A routine's name or title, or a file."`
	parameters
	Cues bool `help:"Every cue at its sample, instead of the picture." xor:"form"`
	SVG  bool `name:"svg" help:"The timeline as an SVG picture." xor:"form"`
}

// barWidth is the number of columns for the whole length of a routine.
const barWidth = 40

// Run prints the timeline: a bar for each step, where it lies and as long as it lasts.
func (o *showCommand) Run(p *process) error {
	c, err := o.compiler(p)
	if err != nil {
		return err
	}
	r, score, err := c.score(o.Name)
	switch {
	case err != nil:
		return err
	case p.json:
		return p.printJSON(score)
	case o.SVG:
		return routines.WriteSVG(score, p.stdout)
	case o.Cues:
		_, err = io.WriteString(p.stdout, score.String())
		return err
	}
	timeline(p.stdout, r, score)
	return nil
}

func timeline(w io.Writer, r *routines.Routine, score *routines.Score) {
	fmt.Fprintf(w, "%s, %s%s\n", score.Title, formatSamples(score.Len), fades(score))
	if r.About != "" {
		fmt.Fprintln(w, r.About)
	}
	fmt.Fprintln(w)
	for i := 0; i < len(score.Marks); i = score.NextStep(i) {
		m := score.Marks[i]
		if m.Kind != routines.StepMark { // a score that does not begin with a step
			continue
		}
		fmt.Fprintf(w, "%6s  %s  %6s  %s%s\n", formatSamples(m.At), bar(m.At, m.Len, score.Len), formatSamples(m.Len), m.Name, detail(score, i))
	}
	for _, n := range score.Notes {
		fmt.Fprintf(w, "note: line %d, step %q: %s\n", n.Line, n.Step, n.What)
	}
}

// fades says over which time the sound rises and sinks, where it does.
func fades(score *routines.Score) (text string) {
	rising, sinking := 0, score.Len // the end of the last ramp upwards, the start of the first downwards
	for _, r := range slices.Backward(score.Fade) {
		switch {
		case r.To > r.From:
			rising = max(rising, r.At+r.Len)
		case r.To < r.From:
			sinking = r.At
		}
	}
	if rising > 0 {
		text = ", rising over " + formatSamples(rising)
	}
	if sinking < score.Len {
		text += ", sinking over " + formatSamples(score.Len-sinking)
	}
	return text
}

// bar draws the span of a step within the whole, all three in samples. The left edge is on a whole column, the right edge
// on an eighth of one.
func bar(at, length, total int) string {
	eighths := []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}
	scale := func(n, width int) int { return int(int64(n) * int64(width) / int64(total)) } // 32-bit int overflows after 18 minutes
	from := scale(at, barWidth)
	fine := max(1, scale(at+length, barWidth*8)-from*8)
	fine = min(fine, (barWidth-from)*8)
	s := strings.Repeat("·", from) + strings.Repeat("█", fine/8) + eighths[fine%8]
	return s + strings.Repeat("·", max(0, barWidth-from-(fine+7)/8))
}

// detail formats the side of a step and its number of breaths or reps.
func detail(score *routines.Score, i int) string {
	m, text := score.Marks[i], ""
	if m.Side != "" {
		text = ", " + m.Side
	}
	breaths, reps, pattern := 0, 0, ""
	for _, in := range score.Marks[i+1 : score.NextStep(i)] {
		switch in.Kind {
		case routines.BreathMark:
			breaths++
		case routines.RepMark:
			reps++
		case routines.PhaseMark:
			if breaths+reps == 1 {
				pattern += fmt.Sprintf(" %s %.3g", in.Name, float64(in.Len)/routines.Rate)
			}
		}
	}
	switch {
	case breaths > 0:
		text += fmt.Sprintf("  (%d × %s)", breaths, strings.TrimSpace(pattern))
	case reps > 0:
		text += fmt.Sprintf("  (%d reps: %s)", reps, strings.TrimSpace(pattern))
	}
	return text
}
