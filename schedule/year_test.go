package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// yearEntries do not meet, but for the two that do.
const yearEntries = `
[[schedule]]
name = "morning"
routine = "brief"
at = "07:00"
days = "mon-fri"
late = "15m"

[[schedule]]
name = "twin"
routine = "short"
at = "07:00"
days = "tue"

[[schedule]]
name = "hourly"
routine = "short"
every = "3h"
between = "09:30-22:00"

[[schedule]]
name = "night"
routine = "short"
at = "02:30"
night = true

[[schedule]]
name = "never"
routine = "short"
at = "03:15"
`

// TestRunnerForAYear lets a year pass, undisturbed: every run takes place that the calendar has, in its minute, and no other.
func TestRunnerForAYear(t *testing.T) {
	days := 365
	if testing.Short() {
		days = 60
	}
	t.Parallel()
	inWorld(t, "2026-03-01 00:00", berlin, yearEntries, func(w *world) {
		w.stop()
		w.file = "" // nothing is kept
		w.start()
		begin := w.clock.Now()
		w.pass(time.Duration(days) * 24 * time.Hour)
		synctest.Wait()
		var got, want []string
		for _, e := range w.events {
			if e.Type == "schedule_due" {
				got = append(got, e.wall.Truncate(time.Minute).UTC().Format(time.RFC3339)+" "+e.Schedule)
			}
		}
		for _, e := range w.entries {
			for run := range e.runs(begin, w.clock.Now(), w.zone) {
				if e.Name != "never" {
					want = append(want, run.At.UTC().Format(time.RFC3339)+" "+e.Name)
				}
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if len(got) < 5*days || !slices.Equal(got, want) {
			t.Error(difference(got, want))
		}
	})
}

// TestRunnerInABadYear has the clock set in both directions, power cuts, and people who play by themselves, from a seed.
// Nothing starts twice, in the night, or when it is not due.
func TestRunnerInABadYear(t *testing.T) {
	days := 120
	if testing.Short() {
		days = 30
	}
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			inWorld(t, "2026-02-20 00:00", berlin, yearEntries, func(w *world) {
				var snoozed []snoozedRun
				wasSnoozed := func(e told) bool {
					return slices.ContainsFunc(snoozed, func(z snoozedRun) bool { return z.Entry == e.Schedule && e.wall.Sub(z.At).Abs() < AfterAnother+OnTime })
				}
				random := rand.New(rand.NewPCG(seed, 7))
				for end := time.Now().AddDate(0, 0, days); time.Now().Before(end); {
					w.pass(time.Duration(random.Int64N(int64(20 * time.Hour))))
					if w.p.State().Routine == "day" {
						w.say("stop")
					}
					switch random.IntN(5) {
					case 0:
						w.clock.step(time.Duration(random.Int64N(int64(6*time.Hour))) - 3*time.Hour)
					case 1:
						w.stop()
						w.pass(time.Duration(random.Int64N(int64(2 * time.Hour))))
						w.start()
					case 2:
						w.say("start day")
						w.say("pause") // for hours, until it is stopped
					case 3:
						w.say([]string{"skip_run", "snooze", "stop", "schedule off twin", "schedule on twin"}[random.IntN(5)])
						w.stop() // only then is it read without a race
						snoozed = append(snoozed, w.runner.store.Snoozed...)
						w.start()
					case 4: // both at once
						w.stop()
						w.clock.step(time.Duration(random.Int64N(int64(48*time.Hour))) - 24*time.Hour)
						w.start()
					}
				}
				synctest.Wait()
				begun, starts := map[string]bool{}, 0
				for _, e := range w.events {
					if e.Type != "schedule_due" {
						continue
					}
					starts++
					if e.Schedule != "night" && w.isNight(e.wall) {
						t.Errorf("%s starts at %v", e.Schedule, e.wall.In(w.zone))
					}
					if run, found := w.dueFor(e); !found && !wasSnoozed(e) {
						t.Errorf("%s starts at %v, when it is not due", e.Schedule, e.wall.In(w.zone))
					} else if found && begun[run.key()] && !wasSnoozed(e) {
						t.Errorf("%s starts a second time for %s", e.Schedule, run.Local)
					} else if found {
						begun[run.key()] = true
					}
				}
				if starts < days {
					t.Errorf("only %d starts", starts)
				}
			})
		})
	}
}

// dueFor is the run for which an entry has begun: the last one that is due by then.
func (w *world) dueFor(e told) (due Run, found bool) {
	entry := w.runner.entry(e.Schedule)
	for run := range entry.runs(e.wall.Add(-max(AfterAnother, entry.window())-OnTime), e.wall, w.zone) {
		due, found = run, true
	}
	return due, found
}
