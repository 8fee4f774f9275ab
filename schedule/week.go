package schedule

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Outlook is what a forecast is made of: without a daemon that of two files, in a daemon that of its runner, see
// [Runner.Outlook].
type Outlook struct {
	Entries      []*Entry // of the settings
	File         string   // schedule.toml of the state folder
	Zone         *time.Location
	Night        func(t time.Time) bool
	ClockTrusted bool
	Value        func(topic string) (value string, known bool) // as it is now
	Length       func(e *Entry) (time.Duration, error)         // of what an entry plays
	Log          *slog.Logger

	runner *Runner // of whose state it is; nil: of the files
}

// Forecast is one run to come.
type Forecast struct {
	Name    string    `json:"name"`
	Routine string    `json:"routine"`
	At      time.Time `json:"at"`
	Place   string    `json:"place"`             // where its entry is written
	Why     string    `json:"why_not,omitempty"` // why it will not take place, as far as is known
	Note    string    `json:"note,omitempty"`    // what is to be known of one that will
}

// Week is what is planned from an instant on for a week, with why some of it will not take place: as the runner will decide
// if everything stays as it is.
func (o Outlook) Week(now time.Time) []Forecast { return o.forecaster().week(o, now) }

// forecaster is a runner that only says what it would do. A damaged file is left where it is.
func (o Outlook) forecaster() *Runner {
	if o.runner != nil {
		return o.runner
	}
	r := &Runner{cfg: Config{Zone: o.Zone, Night: o.Night, Log: o.Log}, decided: map[string]bool{}}
	r.store = readStore(o.File, o.Log, func(file, lost string, why error) {
		o.Log.Warn("a file of the schedule cannot be read; "+lost, "file", file, "err", why)
	})
	r.entries = r.store.entries(o.Entries)
	return r
}

// week is Outlook.Week of what the runner has.
func (r *Runner) week(o Outlook, now time.Time) []Forecast {
	until := now.AddDate(0, 0, 7)
	var runs []Run
	for _, e := range r.entries {
		runs = slices.AppendSeq(runs, e.runs(now, until, r.cfg.Zone))
	}
	for _, z := range r.store.Snoozed {
		if e := r.entry(z.Entry); e != nil && z.At.After(now) {
			runs = append(runs, Run{e, z.Local, z.At})
		}
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return a.At.Compare(b.At) })
	week := []Forecast{}
	lengths, problems := map[*Entry]time.Duration{}, map[*Entry]error{}
	var busyUntil time.Time
	busyWith := ""
	for _, run := range runs {
		e := run.Entry
		if _, asked := lengths[e]; !asked {
			lengths[e], problems[e] = o.Length(e)
		}
		f := Forecast{Name: e.Name, Routine: e.Routine(), At: run.At.In(o.Zone), Place: e.Place, Why: r.whyNot(run)}
		if !o.ClockTrusted {
			f.Why = cmp.Or(f.Why, "the clock is not trusted")
		}
		if err := problems[e]; err != nil {
			f.Why = cmp.Or(f.Why, err.Error())
		}
		if e.When != nil && f.Why == "" {
			if value, known := o.Value(e.When.Topic); !e.When.Met(value, known) {
				f.Why = "now " + unmet(e.When, value, known)
			}
		}
		begin := run.At
		if wait := busyUntil.Sub(run.At); f.Why == "" && wait > 0 {
			begin = busyUntil
			f.Note = fmt.Sprintf("after %s, at %s", busyWith, busyUntil.In(o.Zone).Format("15:04"))
			if wait > max(AfterAnother, e.window()) {
				f.Note, f.Why = "", fmt.Sprintf("%s sounds until %s", busyWith, busyUntil.In(o.Zone).Format("15:04"))
			}
		}
		if f.Why == "" {
			busyUntil, busyWith = begin.Add(lengths[e]), e.Name
		}
		week = append(week, f)
	}
	return week
}
