package schedule

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"guided/player"
)

// OnTime is how late a run may start without being late: a restart of the daemon takes as long, or an answer of the broker.
const OnTime = time.Minute

// AfterAnother is how long a run may wait for the end of another scheduled one.
const AfterAnother = 15 * time.Minute

const (
	trustEvery = 30 * time.Second // how often an untrusted clock is asked for again
	chimeAhead = 6 * time.Second
	chimeLast  = 4 * time.Second // less ahead than that it could be cut
	lookBack   = 48 * time.Hour  // for runs that were missed
	sourceName = "schedule: "    // before the entry's name, in Command.From
)

// Config is what a runner is made of.
type Config struct {
	Entries      []*Entry               // of the settings; SetEntries changes them
	File         string                 // schedule.toml of the state folder; "": nothing is kept
	Zone         *time.Location         // in which times are given
	Night        func(t time.Time) bool // whether an instant lies in the night
	ClockTrusted func() bool
	Clock        Clock
	Values       *Values // of the conditions' topics
	Player       *player.Player
	Log          *slog.Logger
}

// Runner starts what is due. All of its state belongs to the goroutine of Run.
type Runner struct {
	cfg     Config
	asked   chan func()
	topics  chan []string // the newest one, of the conditions
	started chan outcome  // of the start in hand; it has room for one
	ended   chan struct{}

	store     *store
	entries   []*Entry
	starting  *Run            // its start is in the player's hands
	waiting   map[string]bool // runs that wait for the end of another one, by key
	decided   map[string]bool // runs that will not take place, which was told
	chimed    string          // the key of the run that was announced last
	first     time.Time       // when a trusted clock was looked at first,
	last      time.Time       // and last
	untrusted bool
	published player.Schedule
	began     bool
}

type reply struct {
	note    string
	changed bool
	err     error
}

// outcome is how the start of a run went.
type outcome struct {
	run Run
	err error
}

// NewRunner reads the file of the state folder, and takes over the player's commands for the schedule.
func NewRunner(cfg Config) *Runner {
	r := &Runner{
		cfg: cfg, asked: make(chan func()), topics: make(chan []string, 1), started: make(chan outcome, 1), ended: make(chan struct{}),
		store: openStore(cfg.File, cfg.Log), waiting: map[string]bool{}, decided: map[string]bool{},
	}
	r.entries = r.store.entries(cfg.Entries)
	r.store.forget(r.entries, cfg.Clock.Now())
	r.tellTopics()
	cfg.Player.HandleSchedule(r.do)
	return r
}

// do has the runner carry out a command.
func (r *Runner) do(ctx context.Context, c player.Command) (note string, changed bool, err error) {
	var a reply
	if err := r.inRun(ctx, func() { a = r.carryOut(c) }); err != nil {
		return "", false, err
	}
	return a.note, a.changed, a.err
}

// inRun has the goroutine of Run do something, and waits until it is done.
func (r *Runner) inRun(ctx context.Context, do func()) error {
	done := make(chan struct{})
	select {
	case r.asked <- func() { do(); close(done) }:
		<-done
		return nil
	case <-r.ended:
		return errors.New("guided is ending")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Run starts what is due until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	defer close(r.ended)
	watching, leave := context.WithCancel(ctx)
	defer leave()
	states := r.cfg.Player.Watch(watching).States
	for {
		r.step()
		for again := false; !again; {
			again = true
			select {
			case <-ctx.Done():
				return
			case <-r.cfg.Clock.C():
			case <-r.cfg.Values.changed:
			case do := <-r.asked:
				do()
			case o := <-r.started:
				r.settle(o)
			case _, open := <-states:
				if !open {
					states = nil
				}
				again = len(r.waiting) > 0 // for the end of what plays
			}
		}
	}
}

// step starts or drops what is due, publishes what is planned, and asks the clock for the next instant at which there is
// something to do.
func (r *Runner) step() {
	now := r.cfg.Clock.Now()
	if len(r.entries) == 0 {
		r.publish(time.Time{})
		return
	}
	if !r.cfg.ClockTrusted() {
		if !r.untrusted {
			r.cfg.Log.Warn("nothing starts by itself until the clock is trusted; guided doctor tells more", "clock", now.Format(time.RFC3339))
		}
		r.untrusted = true
		r.publish(time.Time{})
		r.wakeAt(now.Add(trustEvery))
		return
	}
	if r.untrusted {
		r.cfg.Log.Info("the clock is trusted, and the schedule goes on", "clock", now.Format(time.RFC3339))
		r.untrusted = false
	}
	wake := time.Time{}
	sooner := func(t time.Time) {
		if t.After(now) && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	if r.last.IsZero() {
		r.first = now
	}
	for _, run := range r.due(now) {
		sooner(r.consider(run, now))
	}
	r.last = now
	r.prune(now)
	for _, e := range r.entries {
		for run := range e.runs(now, now.Add(horizon), r.cfg.Zone) {
			sooner(run.At)
			sooner(r.announce(run, now))
			break
		}
	}
	for _, z := range r.store.Snoozed {
		sooner(z.At)
	}
	if next, found := r.next(now); found {
		r.publish(next.At)
	} else {
		r.publish(time.Time{})
	}
	r.wakeAt(wake)
}

func (r *Runner) wakeAt(at time.Time) {
	if err := r.cfg.Clock.Set(at); err != nil {
		r.cfg.Log.Error("the schedule's timer fails; nothing starts by itself", "err", err)
	}
}

// key tells runs apart.
func (run Run) key() string { return run.Entry.Name + "\n" + run.Local }

// due are the runs up to now of which it is not decided what becomes of them, in the order in which they are due.
func (r *Runner) due(now time.Time) (due []Run) {
	for _, e := range r.entries {
		from := now.Add(-max(AfterAnother, e.window()) - OnTime) // those that have waited too long too
		if !r.last.IsZero() && r.last.Before(from) {             // what the clock has jumped over is told
			from = r.last
			if earliest := now.Add(-lookBack); from.Before(earliest) {
				from = earliest
			}
		}
		for run := range e.runs(from, now, r.cfg.Zone) {
			due = append(due, run)
		}
	}
	for _, z := range r.store.Snoozed {
		if e := r.entry(z.Entry); e != nil && !z.At.After(now) {
			due = append(due, Run{e, z.Local, z.At})
		}
	}
	due = slices.DeleteFunc(due, func(run Run) bool {
		return r.decided[run.key()] || r.store.wasDone(run) || r.starting != nil && r.starting.key() == run.key()
	})
	slices.SortStableFunc(due, func(a, b Run) int { return a.At.Compare(b.At) })
	return due
}

// window is how late a run may start.
func (e *Entry) window() time.Duration { return max(OnTime, e.Late) }

// consider starts a run that is due, drops it, or lets it wait. A run that waits is to be looked at again at the latest at
// the instant that is returned.
func (r *Runner) consider(run Run, now time.Time) (again time.Time) {
	e, late := run.Entry, now.Sub(run.At)
	switch {
	case r.store.Off || r.store.isOff(e.Name) || r.store.wasSkipped(run):
		r.decide(run) // it was asked for
		return
	case r.waiting[run.key()] && late > max(AfterAnother, e.window()):
		r.drop(run, "the scheduled run before it has not ended in time")
		return
	case late > e.window() && !r.waiting[run.key()]:
		if r.last.IsZero() { // the daemon was not there
			r.decide(run)
			return
		}
		r.drop(run, "it was missed: the clock was set, or this machine slept")
		return
	case !e.Night && (r.cfg.Night(run.At) || r.cfg.Night(now)):
		r.drop(run, "it is night; night = true lets it start, softly")
		return
	}
	if e.When != nil {
		value, known := r.cfg.Values.value(e.When.Topic)
		if by := later(run.At, r.first).Add(OnTime); !known && now.Before(by) {
			return by // the broker has not told yet
		}
		if !e.When.Met(value, known) {
			r.drop(run, unmet(e.When, value, known))
			return
		}
	}
	from := r.cfg.Player.PlayingFrom()
	if r.starting != nil || strings.HasPrefix(from, sourceName) {
		r.waiting[run.key()] = true
		return run.At.Add(max(AfterAnother, e.window()) + time.Second)
	}
	if from != "" {
		r.drop(run, player.ErrBusy.Error())
		return
	}
	r.start(run, now)
	return
}

// start gives a run to the player. It counts as carried out before: a power cut must not let it come twice.
func (r *Runner) start(run Run, now time.Time) {
	r.store.done(run)
	r.removeSnoozed(run)
	r.store.saveMemory()
	c, err := run.Entry.Command()
	if err != nil {
		r.settle(outcome{run, err})
		return
	}
	delete(r.waiting, run.key())
	r.starting = &run
	r.cfg.Player.StartUnattended(c, r.cfg.Night(now), func(err error) { r.started <- outcome{run, err} })
}

// settle takes note of how the start of a run went.
func (r *Runner) settle(o outcome) {
	r.starting = nil
	switch {
	case o.err == nil:
		r.cfg.Log.Info("a scheduled run begins", "name", o.run.Entry.Name, "planned", o.run.Local, "routine", o.run.Entry.Routine())
		r.cfg.Player.ScheduleDue(o.run.Entry.Name, o.run.Entry.Routine())
	case errors.Is(o.err, player.ErrBusy):
		r.drop(o.run, o.err.Error())
	default:
		r.drop(o.run, "it cannot start: "+o.err.Error())
	}
}

// drop tells that a run does not take place.
func (r *Runner) drop(run Run, why string) {
	r.decide(run)
	r.cfg.Log.Warn("a scheduled run does not take place", "name", run.Entry.Name, "planned", run.Local, "routine", run.Entry.Routine(), "why", why)
	r.cfg.Player.ScheduleMissed(run.Entry.Name, run.Entry.Routine(), why)
}

func (r *Runner) decide(run Run) {
	r.decided[run.key()] = true
	delete(r.waiting, run.key())
	if r.removeSnoozed(run) {
		r.store.saveMemory()
	}
}

// removeSnoozed drops a run from those that were moved, and reports whether it was one.
func (r *Runner) removeSnoozed(run Run) bool {
	n := len(r.store.Snoozed)
	r.store.Snoozed = slices.DeleteFunc(r.store.Snoozed, func(z snoozedRun) bool { return z.Entry == run.Entry.Name && z.Local == run.Local })
	return len(r.store.Snoozed) < n
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// prune drops decisions of long ago.
func (r *Runner) prune(now time.Time) {
	if len(r.decided) < 1000 {
		return
	}
	old := now.Add(-2 * lookBack).Format(localLayout)
	for key := range r.decided {
		if _, local, _ := strings.Cut(key, "\n"); local < old {
			delete(r.decided, key)
		}
	}
}

// announce lets the tone sound ahead of a run that will start as far as is known, and returns when that is to be.
func (r *Runner) announce(run Run, now time.Time) time.Time {
	e, ahead := run.Entry, run.At.Sub(now)
	if !e.Chime || ahead > chimeAhead {
		return run.At.Add(-chimeAhead)
	}
	if ahead < chimeLast || r.chimed == run.key() || r.cfg.Night(run.At) || r.whyNot(run) != "" {
		return time.Time{}
	}
	if e.When != nil && !e.When.Met(r.cfg.Values.value(e.When.Topic)) {
		return time.Time{}
	}
	r.chimed = run.key()
	if err := r.cfg.Player.Chime(); err != nil && !errors.Is(err, player.ErrBusy) {
		r.cfg.Log.Warn("a scheduled run cannot be announced", "name", e.Name, "err", err)
	}
	return time.Time{}
}

// whyNot is why a planned run will not take place as far as its time and the switches tell; "" where it will.
func (r *Runner) whyNot(run Run) string {
	switch {
	case r.store.Off:
		return "the schedule is switched off"
	case r.store.isOff(run.Entry.Name):
		return "it is switched off"
	case r.store.wasSkipped(run):
		return "it is skipped"
	case r.store.wasDone(run):
		return "it was carried out"
	case !run.Entry.Night && r.cfg.Night(run.At):
		return "it is night"
	}
	return ""
}

// next is the first run after an instant that will take place as far as is known.
func (r *Runner) next(now time.Time) (next Run, found bool) {
	take := func(run Run) {
		if !found || run.At.Before(next.At) {
			next, found = run, true
		}
	}
	for _, e := range r.entries {
		if r.store.Off || r.store.isOff(e.Name) {
			continue
		}
		for run := range e.runs(now, now.Add(horizon), r.cfg.Zone) {
			if r.whyNot(run) == "" {
				take(run)
				break
			}
		}
	}
	for _, z := range r.store.Snoozed {
		if e := r.entry(z.Entry); e != nil && z.At.After(now) {
			if run := (Run{e, z.Local, z.At}); r.whyNot(run) == "" {
				take(run)
			}
		}
	}
	return next, found
}

func (r *Runner) entry(name string) *Entry {
	i := slices.IndexFunc(r.entries, func(e *Entry) bool { return strings.EqualFold(e.Name, name) })
	if i < 0 {
		return nil
	}
	return r.entries[i]
}

// unmet is why a condition is not met.
func unmet(c *Condition, value string, known bool) string {
	if !known {
		return "it is not known whether " + c.String() + "; publish it as retained"
	}
	return c.Topic + " is " + cmp.Or(cut(value, maxName), "empty") + ", not " + c.Is
}
