package cli

import (
	"errors"
	"fmt"

	"guided/routines"
)

type checkCommand struct {
	Files []string `arg:"" optional:"" help:"Routine files or names; without any, the whole library."`
	parameters
}

// Run prints every problem, and a note for every phrase that does not fit its slot or that no voice has. It fails when a
// routine cannot be played; a note is no failure.
func (o *checkCommand) Run(p *process) error {
	c, err := o.compiler(p)
	if err != nil {
		return err
	}
	names := o.Files
	if len(names) == 0 {
		if names, err = c.library.Names(p.ctx); errors.Is(err, routines.ErrLeftOut) {
			fmt.Fprintf(p.stderr, "guided: %v\n", err)
		} else if err != nil {
			return err
		}
		for _, conflict := range c.library.Conflicts(p.ctx) {
			fmt.Fprintf(p.stdout, "note: %s\n", conflict)
		}
	}
	failed := false
	for _, name := range names {
		_, score, err := c.score(name)
		if err != nil {
			failed = true
			fmt.Fprintln(p.stdout, err)
			continue
		}
		verdict := "good"
		if len(score.Notes) > 0 {
			verdict = "plays, but"
		}
		talk := score.SpeechStats()
		fmt.Fprintf(p.stdout, "%s: %s, %s, %d steps, %.0f words a minute, %.0f %% silence\n", name, verdict, formatSamples(score.Len), score.Steps, talk.WordsPerMinute, 100*talk.Silence)
		for _, n := range score.Notes {
			fmt.Fprintf(p.stdout, "  line %d, step %q: %s\n", n.Line, n.Step, n.What)
		}
	}
	if failed {
		return errReported
	}
	return nil
}
