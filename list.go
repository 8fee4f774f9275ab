package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"guided/routines"
)

type listCommand struct{}

// listed is one routine of the list.
type listed struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	About  string  `json:"about,omitempty"`
	Length float64 `json:"length_s"`
	Steps  int     `json:"steps"`
	Error  string  `json:"error,omitempty"`
}

// Run lists every routine; one with problems is listed with them.
func (listCommand) Run(p *process) error {
	l, b, err := p.open()
	if err != nil {
		return err
	}
	names, err := l.Names()
	if err != nil {
		fmt.Fprintf(p.stderr, "guided: %v\n", err)
	}
	var list []listed
	for _, name := range names {
		row := listed{Name: name}
		r, err := l.Load(name)
		if err == nil {
			row.Title, row.About = r.Title, r.About
			var score *routines.Score
			if score, err = routines.Compile(r, b.Measure, routines.Options{}); err == nil {
				row.Length, row.Steps = float64(score.Len)/routines.Rate, score.Steps
			}
		}
		if err != nil {
			row.Error = err.Error()
		}
		list = append(list, row)
	}
	if p.json {
		return p.printJSON(list)
	}
	if len(list) == 0 {
		return errNothing
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, r := range list {
		if r.Error != "" {
			fmt.Fprintf(t, "%s\t-\thas problems; run: guided check %s\n", r.Name, r.Name)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.Name, brief(int(r.Length*routines.Rate)), r.Title)
	}
	return t.Flush()
}

func (p *process) printJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
