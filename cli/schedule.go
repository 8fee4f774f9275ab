package cli

import (
	"context"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"guided/config"
	"guided/mqtt"
	"guided/routines"
	"guided/schedule"
)

type scheduleCommand struct{}

// askValues is how long the broker may take to tell the values of conditions.
const askValues = 2 * time.Second

// Run shows what starts by itself in the coming week, and why some of it will not. It needs no daemon; of the broker it asks
// the values of conditions.
func (scheduleCommand) Run(p *process) error {
	c, err := parameters{}.compiler(p)
	if err != nil {
		return err
	}
	settings, err := p.settings()
	if err != nil {
		return err
	}
	o := schedule.Outlook{
		Entries: settings.ScheduleEntries(), File: config.StateFile("schedule.toml", p.config), Zone: settings.Zone(), Night: settings.NightAt,
		ClockTrusted: config.ScheduleClockTrusted(), Log: p.logger(slog.LevelWarn),
		Length: func(e *schedule.Entry) (time.Duration, error) {
			start, err := e.Command()
			if err != nil {
				return 0, err
			}
			r, err := c.library.Load(p.ctx, e.Routine())
			if err != nil {
				return 0, err
			}
			score, err := routines.Compile(p.ctx, r, c.bank.Measure, defaults(settings).Options(start.Parameters))
			if err != nil {
				return 0, err
			}
			return routines.Duration(score.Len), nil
		},
	}
	var topics []string
	for _, e := range o.Entries {
		if e.When != nil {
			topics = append(topics, e.When.Topic)
		}
	}
	values := map[string]string{}
	if len(topics) > 0 {
		ctx, cancel := context.WithTimeout(p.ctx, askValues)
		defer cancel()
		if values, err = mqtt.Retained(ctx, settings.MQTTOptions(nil), topics); err != nil {
			fmt.Fprintf(p.stderr, "guided: the conditions are not known: %v\n", err)
		}
	}
	o.Value = func(topic string) (string, bool) {
		value, known := values[topic]
		return value, known
	}
	return p.printWeek(o.Week(time.Now()))
}

func (p *process) printWeek(week []schedule.Forecast) error {
	if p.json {
		return p.printJSON(week)
	}
	if len(week) == 0 {
		_, err := fmt.Fprintln(p.stdout, "nothing is planned; write [[schedule]] into the settings")
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, f := range week {
		note := f.Note
		if f.Why != "" {
			note = "no: " + f.Why
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.At.Format("Mon 2 Jan"), f.At.Format("15:04"), f.Name, f.Routine, note)
	}
	return w.Flush()
}
