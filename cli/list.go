package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"guided/routines"
)

type listCommand struct {
	Position  string        `help:"Only what is done there: chair, floor, standing or wall." placeholder:"chair"`
	Equipment string        `help:"Only what needs nothing else: none, or a list such as mat,band." placeholder:"none"`
	Level     string        `help:"Only this level: easy, medium or hard." placeholder:"easy"`
	Tag       []string      `help:"Only what has this tag." placeholder:"sleep"`
	Under     time.Duration `help:"Only what is shorter." placeholder:"5m"`
	Over      time.Duration `help:"Only what is longer." placeholder:"5m"`
}

// ListedRoutine is one routine of the list.
type ListedRoutine struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	About string `json:"about,omitempty"`
	routines.Facts
	Length float64 `json:"length_s"`
	Steps  int     `json:"steps"`
	Error  string  `json:"error,omitempty"`
}

// Run lists every routine that is asked for; one with problems is listed with them where nothing is asked for.
func (o *listCommand) Run(p *process) error {
	if err := o.check(); err != nil {
		return err
	}
	l, b, options, err := parameters{}.open(p)
	if err != nil {
		return err
	}
	names, err := l.Names()
	if err != nil {
		fmt.Fprintf(p.stderr, "guided: %v\n", err)
	}
	list := []ListedRoutine{}
	for _, name := range names {
		row := ListedRoutine{Name: name}
		r, err := l.Load(name)
		if err == nil {
			row.Title, row.About, row.Facts = r.Title, r.About, r.Facts
			var score *routines.Score
			if score, err = routines.Compile(r, b.Measure, options); err == nil {
				row.Length, row.Steps = float64(score.Len)/routines.Rate, score.Steps
			}
		}
		if err != nil {
			row.Error = err.Error()
		}
		if o.matches(row) {
			list = append(list, row)
		}
	}
	switch {
	case p.json:
		return p.printJSON(list)
	case len(names) == 0:
		return routines.ErrNone
	case len(list) == 0:
		return fmt.Errorf("none of the %d routines is like that; ask for less", len(names))
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, r := range list {
		if r.Error != "" {
			fmt.Fprintf(t, "%s\t-\thas problems; run: guided check %s\n", r.Name, r.Name)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Name, clock(int(r.Length*routines.Rate)), r.Title, facts(r.Facts))
	}
	return t.Flush()
}

// facts is where a routine is done, with what, and how hard it is, in a few words.
func facts(f routines.Facts) string {
	var words []string
	for _, list := range []string{strings.Join(f.Position, "/"), strings.Join(f.Equipment, ", "), f.Level} {
		if list != "" {
			words = append(words, list)
		}
	}
	return strings.Join(words, ", ")
}

// check refuses what no routine can be.
func (o *listCommand) check() error {
	for _, q := range []struct {
		flag, value string
		known       []string
	}{{"position", o.Position, routines.Positions()}, {"level", o.Level, routines.Levels()}} {
		if q.value != "" && !slices.Contains(q.known, q.value) {
			return fmt.Errorf("--%s %s: use one of %s", q.flag, q.value, strings.Join(q.known, ", "))
		}
	}
	return nil
}

// matches tells whether a routine is what was asked for.
func (o *listCommand) matches(r ListedRoutine) bool {
	length := time.Duration(r.Length * float64(time.Second))
	for _, tag := range o.Tag {
		if !slices.Contains(r.Tags, tag) {
			return false
		}
	}
	if o.Equipment != "" {
		for _, thing := range r.Equipment {
			if !slices.Contains(strings.Split(o.Equipment, ","), thing) {
				return false
			}
		}
	}
	asked := o.Position != "" || o.Equipment != "" || o.Level != "" || len(o.Tag) > 0 || o.Under > 0 || o.Over > 0
	return (o.Position == "" || slices.Contains(r.Position, o.Position)) && (o.Level == "" || r.Level == o.Level) &&
		(o.Under == 0 || length < o.Under) && (o.Over == 0 || length > o.Over) && !(asked && r.Error != "")
}

func (p *process) printJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
