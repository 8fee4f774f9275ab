package cli

import (
	"fmt"
	"io"
	"strings"

	"guided/routines"
)

type showCommand struct {
	Name string `arg:"" help:"A routine's name or title, or a file."`
	parameters
	Cues bool `help:"Every cue at its sample, instead of the picture." xor:"form"`
	SVG  bool `name:"svg" help:"The timeline as an SVG picture." xor:"form"`
}

// barWidth is how many columns a routine's whole length takes.
const barWidth = 40

// Run prints the timeline: a bar a step, in its place and as long as it lasts.
func (o *showCommand) Run(p *process) error {
	l, b, options, err := o.open(p)
	if err != nil {
		return err
	}
	r, err := find(l, o.Name)
	if err != nil {
		return err
	}
	score, err := compiled(p, l, b, r, options)
	switch {
	case err != nil:
		return err
	case p.json:
		return p.printJSON(score)
	case o.SVG:
		return routines.Picture(score, p.stdout)
	case o.Cues:
		_, err = io.WriteString(p.stdout, score.String())
		return err
	}
	timeline(p.stdout, r, score)
	return nil
}

func timeline(w io.Writer, r *routines.Routine, score *routines.Score) {
	fmt.Fprintf(w, "%s, %s\n", score.Title, clock(score.Len))
	if r.About != "" {
		fmt.Fprintln(w, r.About)
	}
	fmt.Fprintln(w)
	for i := 0; i < len(score.Marks); i = score.NextStep(i) {
		m := score.Marks[i]
		if m.Kind != routines.StepMark { // a routine begins with one; this is for the reader of a strange score
			continue
		}
		fmt.Fprintf(w, "%6s  %s  %6s  %s%s\n", clock(m.At), bar(m.At, m.Len, score.Len), clock(m.Len), m.Name, detail(score, i))
	}
	for _, n := range score.Notes {
		fmt.Fprintf(w, "note: line %d, step %q: %s\n", n.Line, n.Step, n.What)
	}
}

// bar is a step's place in the whole, in eighths of a column: its left edge in whole columns, its length in eighths.
func bar(at, length, total int) string {
	eighths := []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}
	from := at * barWidth / total
	fine := max(1, (at+length)*barWidth*8/total-from*8)
	fine = min(fine, (barWidth-from)*8)
	s := strings.Repeat("·", from) + strings.Repeat("█", fine/8) + eighths[fine%8]
	return s + strings.Repeat("·", max(0, barWidth-from-(fine+7)/8))
}

// detail tells the side, and how many breaths or reps a step has.
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
