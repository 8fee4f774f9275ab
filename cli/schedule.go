package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"guided/audio/mix"
	"guided/config"
	"guided/mqtt"
	"guided/player"
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
		Entries: settings.ScheduleEntries(), File: p.findSchedule(), Zone: settings.Zone(), Night: settings.NightAt,
		ClockTrusted: config.ScheduleClockTrusted(), Log: p.logger(slog.LevelWarn),
		Length: scheduleLength(p.ctx, c.library, c.bank, defaults(settings).Options),
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
	if p.json {
		return p.printJSON(o.Week(time.Now()))
	}
	return p.printWeek(o)
}

// scheduleLength is how long what an entry starts sounds.
func scheduleLength(ctx context.Context, l *routines.Index, bank *mix.Bank, options func(player.Parameters) routines.Options) func(*schedule.Entry) (time.Duration, error) {
	return func(e *schedule.Entry) (time.Duration, error) {
		start, err := e.Command()
		if err != nil {
			return 0, err
		}
		r, err := l.Load(ctx, e.Routine())
		if err != nil {
			return 0, err
		}
		score, err := routines.Compile(ctx, r, bank.Measure, options(start.Parameters))
		if err != nil {
			return 0, err
		}
		return routines.Duration(score.Len), nil
	}
}

// findSchedule is the file of entries of this user's daemon, or where there is none that of the packaged service.
func (p *process) findSchedule() string { return p.findState("schedule.toml") }

// serviceStateDir is the state folder of the packaged service.
const serviceStateDir = "/var/lib/guided"

// findState is a file of the state of this user's daemon with these settings, or where there is none that of the packaged service.
func (p *process) findState(name string) string {
	own := config.StateFile(name, p.config)
	service := filepath.Join(serviceStateDir, filepath.Base(own))
	if _, err := os.Stat(own); !errors.Is(err, fs.ErrNotExist) {
		return own
	}
	if _, err := os.Stat(service); err == nil || errors.Is(err, fs.ErrPermission) {
		return service
	}
	return own
}

// checkSchedule reads the entries that were made on the page.
func (p *process) checkSchedule(c config.Config) (string, error) {
	says, err := schedule.CheckFile(p.findSchedule())
	if n := len(c.ScheduleEntries()); err == nil && n > 0 {
		says = fmt.Sprintf("%d in the settings; %s", n, says)
	}
	return says, err
}

// printWeek prints the runs of the week, and then where each entry stands.
func (p *process) printWeek(o schedule.Outlook) error {
	week := o.Week(time.Now())
	entries, problems := o.List()
	for _, why := range problems {
		fmt.Fprintf(p.stderr, "guided: %s\n", why)
	}
	if len(entries) == 0 {
		_, err := fmt.Fprintln(p.stdout, "nothing is planned; make an entry on the page, or write [[schedule]] into the settings")
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
	fmt.Fprintln(w)
	for _, e := range entries {
		fmt.Fprintf(w, "%s\t%s\t%s\n", e.Name, e.Times, e.Place)
	}
	return w.Flush()
}
