package cli

import (
	"fmt"
	"os"
	"strings"

	"guided/audio/mix"
	"guided/routines"
)

type checkCommand struct {
	Files []string `arg:"" optional:"" help:"Routine files or names; without any, the whole library."`
	parameters
}

// Run tells every problem, and every phrase that does not fit its slot or that no voice has. It fails when a routine
// cannot be played; a phrase that falls back is told, and is no failure.
func (o *checkCommand) Run(p *process) error {
	l, b, options, err := o.open(p)
	if err != nil {
		return err
	}
	names := o.Files
	if len(names) == 0 {
		if names, err = l.Names(); err != nil {
			return err
		}
	}
	wrong := false
	for _, name := range names {
		score, err := checkOne(p, l, b, name, options)
		if err != nil {
			wrong = true
			fmt.Fprintln(p.stdout, err)
			continue
		}
		good := "good"
		if len(score.Notes) > 0 {
			good = "plays, but"
		}
		talk := score.Talk()
		fmt.Fprintf(p.stdout, "%s: %s, %s, %d steps, %.0f words a minute, %.0f %% silence\n", name, good, clock(score.Len), score.Steps, talk.WordsPerMinute, 100*talk.Silence)
		for _, n := range score.Notes {
			fmt.Fprintf(p.stdout, "  line %d, step %q: %s\n", n.Line, n.Step, n.What)
		}
	}
	if wrong {
		return errReported
	}
	return nil
}

func checkOne(p *process, l routines.Library, b *mix.Bank, name string, options routines.Options) (*routines.Score, error) {
	var r *routines.Routine
	var err error
	if isFile(name) && strings.Contains(name, ".") { // any file, whatever its ending
		var data []byte
		if data, err = os.ReadFile(name); err == nil {
			r, err = l.Check(name, data)
		}
	} else {
		r, err = find(l, name)
	}
	if err != nil {
		return nil, err
	}
	return compiled(p, l, b, r, options)
}
