package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"guided/player"
)

type statusCommand struct{}

// Run asks the daemon what it does, and prints it with the last commands that it was given.
func (statusCommand) Run(p *process) error {
	r, err := p.ask("status")
	switch {
	case err != nil:
		return err
	case r.Status != "ok":
		return errors.New(r.Error)
	case r.Report == nil:
		return errors.New("the daemon is of an older version, and tells no more than that it runs; restart it")
	case p.json:
		return p.printJSON(r.Report)
	}
	for _, line := range statusLines(r.Report.State, time.Now()) {
		fmt.Fprintln(p.stdout, line)
	}
	if len(r.Report.Commands) > 0 {
		fmt.Fprintln(p.stdout, "\nThe last commands:")
	}
	for _, g := range r.Report.Commands {
		what := strings.TrimSpace(g.Verb + " " + g.Routine)
		if g.Error != "" {
			what += ": refused, " + g.Error
		}
		if _, err := fmt.Fprintf(p.stdout, "  %s  %-40s  %s\n", g.At.Local().Format("Mon 15:04:05"), g.From, what); err != nil {
			return err
		}
	}
	return nil
}

// statusLines tell a state to a person.
func statusLines(s player.State, now time.Time) []string {
	lines := []string{string(s.State)}
	if s.Routine != "" {
		lines[0] += ": " + s.Title
	}
	if s.StepNumber > 0 {
		step := fmt.Sprintf("step %d of %d: %s", s.StepNumber, s.Steps, s.Step)
		if s.Side != "" {
			step += ", " + s.Side
		}
		position := s.Position
		if s.EndsAt != nil {
			position = max(position, s.Length-s.EndsAt.Sub(now).Seconds())
		}
		lines = append(lines, step, fmt.Sprintf("%s of %s", formatSeconds(min(position, s.Length)), formatSeconds(s.Length)))
	}
	if s.Error != "" {
		lines = append(lines, "problem: "+s.Error)
	}
	if o := s.ResumeOffer; o != nil {
		lines = append(lines, fmt.Sprintf("offered: %s, step %s, until %s; guided send resume goes on with it", o.Title, o.Step, o.Until.Local().Format("15:04")))
	}
	if s.Selected != "" {
		lines = append(lines, "selected: "+s.Selected)
	}
	lines = append(lines, fmt.Sprintf("volume: %d", s.Volume))
	switch {
	case s.Schedule == "off":
		lines = append(lines, "the schedule is off: nothing starts by itself")
	case len(s.EntriesOff) > 0:
		lines = append(lines, "off in the schedule: "+strings.Join(s.EntriesOff, ", "))
	}
	if s.NextRun != nil {
		lines = append(lines, "next run: "+s.NextRun.Local().Format("Mon 2 Jan 15:04"))
	}
	return lines
}
