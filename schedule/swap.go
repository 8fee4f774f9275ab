package schedule

import (
	"context"
	"maps"
	"slices"
	"time"
)

// SetEntries puts other entries of the settings in the place of those there are, while Run runs. They count from now on: of
// an entry that is new, or has other times, nothing that was due before is made up. What is switched off, skipped, snoozed
// or was carried out stays so for the entries of the same name.
func (r *Runner) SetEntries(ctx context.Context, settings []*Entry) error {
	return r.inRun(ctx, func() {
		r.cfg.Entries = settings
		r.swap()
	})
}

// swap makes the entries anew, of the settings and of the file.
func (r *Runner) swap() {
	before, now := r.entries, r.cfg.Clock.Now()
	r.entries = r.store.entries(r.cfg.Entries)
	passed := false
	for _, e := range r.entries {
		if !slices.ContainsFunc(before, e.hasTimesOf) {
			passed = r.pass(e, now) || passed
		}
	}
	if passed {
		r.store.saveMemory()
	}
	due := map[string]bool{}
	for _, run := range r.due(now) {
		due[run.key()] = true
	}
	maps.DeleteFunc(r.waiting, func(key string, _ bool) bool { return !due[key] })
	r.began, r.published.Entries = false, nil
	r.tellTopics()
}

// hasTimesOf reports whether the runs of an entry are those of another one.
func (e *Entry) hasTimesOf(other *Entry) bool {
	return e.Name == other.Name && e.Days == other.Days && slices.Equal(e.Slots, other.Slots)
}

// pass lets the runs of an entry pass that were due up to now and could still be carried out, after a restart too. It reports
// whether there was one.
func (r *Runner) pass(e *Entry, now time.Time) (passed bool) {
	for run := range e.runs(now.Add(-max(AfterAnother, e.window())-OnTime), now, r.cfg.Zone) {
		r.skipRun(run)
		passed = true
	}
	return passed
}
