package cli

import (
	"cmp"
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

// ListedRoutine is one routine of `guided --json list`. Error is why it cannot be played.
type ListedRoutine struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	About string `json:"about,omitempty"`
	routines.Metadata
	Length float64 `json:"length_s"`
	Steps  int     `json:"steps"`
	Error  string  `json:"error,omitempty"`
}

// Run lists the routines that match the flags. Without flags it also lists those with problems.
func (o *listCommand) Run(p *process) error {
	if err := o.check(); err != nil {
		return err
	}
	c, err := parameters{}.compiler(p)
	if err != nil {
		return err
	}
	names, err := c.library.Names(p.ctx)
	if err = cmp.Or(c.routinesProblem, err); err != nil {
		fmt.Fprintf(p.stderr, "guided: %v\n", err)
	}
	list := []ListedRoutine{}
	for _, name := range names {
		row := ListedRoutine{Name: name}
		r, err := c.library.Load(p.ctx, name)
		if err == nil {
			row.Title, row.About, row.Metadata = r.Title, r.About, r.Metadata
			var score *routines.Score
			if score, err = routines.Compile(p.ctx, r, c.bank.Measure, c.options); err == nil {
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
		return routines.ErrNoRoutines
	case len(list) == 0:
		return fmt.Errorf("none of the %d routines is like that; ask for less", len(names))
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, r := range list {
		if r.Error != "" {
			fmt.Fprintf(t, "%s\t-\thas problems; run: guided check %s\n", r.Name, r.Name)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Name, formatSeconds(r.Length), r.Title, facts(r.Metadata))
	}
	return t.Flush()
}

// facts formats the position, the equipment and the level of a routine.
func facts(f routines.Metadata) string {
	var words []string
	for _, list := range []string{strings.Join(f.Position, "/"), strings.Join(f.Equipment, ", "), f.Level} {
		if list != "" {
			words = append(words, list)
		}
	}
	return strings.Join(words, ", ")
}

// check refuses values that no routine can have.
func (o *listCommand) check() error {
	for _, filter := range []struct {
		flag, value string
		known       []string
	}{{"position", o.Position, routines.Positions()}, {"level", o.Level, routines.Levels()}} {
		if filter.value != "" && !slices.Contains(filter.known, filter.value) {
			return fmt.Errorf("--%s %s: use one of %s", filter.flag, filter.value, strings.Join(filter.known, ", "))
		}
	}
	return nil
}

// matches reports whether a routine passes every filter.
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
	filtered := o.Position != "" || o.Equipment != "" || o.Level != "" || len(o.Tag) > 0 || o.Under > 0 || o.Over > 0
	return (o.Position == "" || slices.Contains(r.Position, o.Position)) && (o.Level == "" || r.Level == o.Level) &&
		(o.Under == 0 || length < o.Under) && (o.Over == 0 || length > o.Over) && !(filtered && r.Error != "")
}

func (p *process) printJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
