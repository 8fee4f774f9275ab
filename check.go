package main

import (
	"fmt"
	"os"
	"strings"

	"guided/audio"
	"guided/routines"
)

type checkCommand struct {
	Files []string `arg:"" optional:"" help:"Routine files or names; without any, the whole library."`
}

// Run tells every problem, and every phrase that does not fit its slot or that no voice has. It fails when a routine
// cannot be played; a phrase that falls back is told, and is no failure.
func (o *checkCommand) Run(p *process) error {
	l, b, err := p.open()
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
		score, err := checkOne(p, l, b, name)
		switch {
		case err != nil:
			wrong = true
			fmt.Fprintln(p.stdout, err)
		case len(score.Notes) == 0:
			fmt.Fprintf(p.stdout, "%s: good, %s, %d steps\n", name, brief(score.Len), score.Steps)
		default:
			fmt.Fprintf(p.stdout, "%s: plays, %s, %d steps, but:\n", name, brief(score.Len), score.Steps)
			for _, n := range score.Notes {
				fmt.Fprintf(p.stdout, "  line %d, step %q: %s\n", n.Line, n.Step, n.What)
			}
		}
	}
	if wrong {
		return errTold
	}
	return nil
}

func checkOne(p *process, l routines.Library, b *audio.Bank, name string) (*routines.Score, error) {
	var r *routines.Routine
	var err error
	if exists(name) && strings.Contains(name, ".") { // any file, whatever its ending
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
	return compiled(p, l, b, r, routines.Options{})
}
