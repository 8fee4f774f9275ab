package schedule

import (
	"context"
	"slices"
	"time"
)

// maxViewRuns is how many runs a View has at most: one every half an hour, day and night.
const maxViewRuns = 7 * 48

// View is the schedule as a page shows it.
type View struct {
	Zone         string      `json:"zone"` // in which times are given
	ClockTrusted bool        `json:"clock_trusted"`
	Off          bool        `json:"off"` // the whole
	Entries      []ViewEntry `json:"entries"`
	Week         []Forecast  `json:"week"`
	More         int         `json:"more,omitempty"` // runs of the week that Week has no room for
	Problems     []string    `json:"problems"`       // what of the entries made on the page is lost or left out
}

// ViewEntry is an entry in words, and where it was made on the page, as it is written.
type ViewEntry struct {
	Name    string         `json:"name"`
	Routine string         `json:"routine"`
	Times   string         `json:"times"`
	Days    string         `json:"days"` // "daily", or such as "mon-wed,fri"
	When    string         `json:"when,omitempty"`
	Place   string         `json:"place"`
	Off     bool           `json:"off"`
	Own     bool           `json:"own"`               // it was made on the page
	Written map[string]any `json:"written,omitempty"` // by its keys, where it is one's own
}

// List are all entries, in their order, with what is wrong with those that are left out.
func (o Outlook) List() (entries []ViewEntry, problems []string) {
	r := o.forecaster()
	entries, problems = []ViewEntry{}, []string{}
	for _, e := range r.entries {
		v := ViewEntry{Name: e.Name, Routine: e.Routine(), Times: e.Times(), Days: e.Days.String(), Place: e.Place, Off: r.store.isOff(e.Name), Own: e.Own}
		if e.When != nil {
			v.When = e.When.String()
		}
		if e.Own {
			v.Written = e.table
		}
		entries = append(entries, v)
	}
	if r.store.lost != "" {
		problems = append(problems, r.store.lost)
	}
	return entries, append(problems, r.store.leftOut...)
}

// View is all of it.
func (o Outlook) View(now time.Time) View {
	v := View{Zone: o.Zone.String(), ClockTrusted: o.ClockTrusted, Off: o.forecaster().store.Off, Week: o.Week(now)}
	v.More = max(0, len(v.Week)-maxViewRuns)
	v.Week = v.Week[:len(v.Week)-v.More]
	v.Entries, v.Problems = o.List()
	return v
}

// Outlook is what the runner would forecast now, but for the lengths of what its entries play.
func (r *Runner) Outlook(ctx context.Context) (o Outlook, err error) {
	err = r.inRun(ctx, func() {
		frozen := *r.store
		frozen.EntriesOff, frozen.Snoozed = slices.Clone(frozen.EntriesOff), slices.Clone(frozen.Snoozed)
		frozen.Done, frozen.Skipped = cloneLists(frozen.Done), cloneLists(frozen.Skipped)
		o = Outlook{
			Zone: r.cfg.Zone, Night: r.cfg.Night, ClockTrusted: r.cfg.ClockTrusted(), Value: r.cfg.Values.value, Log: r.cfg.Log,
			runner: &Runner{cfg: r.cfg, store: &frozen, entries: r.entries, decided: map[string]bool{}},
		}
	})
	return o, err
}

// cloneLists is a map of lists that shares nothing with another one.
func cloneLists(m map[string][]string) map[string][]string {
	clone := map[string][]string{}
	for key, list := range m {
		clone[key] = slices.Clone(list)
	}
	return clone
}
