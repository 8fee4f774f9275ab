package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"guided/player"
)

const (
	defaultSnooze = 10 * time.Minute
	snoozeAhead   = time.Hour // a run that is due within it can be moved
)

// carryOut carries out skip_run, snooze and schedule.
func (r *Runner) carryOut(c player.Command) reply {
	var a reply
	switch c.Verb {
	case "skip_run":
		a.note, a.err = r.skip()
		a.changed = a.err == nil
	case "snooze":
		a.note, a.err = r.snooze(c)
		a.changed = a.err == nil
	case "schedule":
		a.note, a.changed, a.err = r.switchTo(c)
	default:
		a.err = fmt.Errorf("the schedule knows no %q", c.Verb)
	}
	return a
}

// skip lets the next run pass.
func (r *Runner) skip() (string, error) {
	run, found := r.next(r.cfg.Clock.Now())
	if !found {
		return "", errors.New("nothing is planned; guided schedule shows the coming week")
	}
	r.skipRun(run)
	r.store.saveMemory()
	return fmt.Sprintf("skipped: %s on %s", run.Entry.Name, r.dayAndTime(run.At)), nil
}

func (r *Runner) skipRun(run Run) {
	if !r.removeSnoozed(run) {
		r.store.Skipped[run.Entry.Name] = append(r.store.Skipped[run.Entry.Name], run.Local)
	}
}

// snooze lets the run that sounds come again later, or moves the next one where it is due soon.
func (r *Runner) snooze(c player.Command) (string, error) {
	now, by := r.cfg.Clock.Now(), c.Snooze
	if by == 0 {
		by = defaultSnooze
	}
	e, at := (*Entry)(nil), now.Add(by).Truncate(time.Second)
	if name, sounds := strings.CutPrefix(r.cfg.Player.PlayingFrom(), sourceName); sounds {
		e = r.entry(name)
	}
	next, found := r.next(now)
	switch {
	case e != nil:
	case !found:
		return "", errors.New("nothing of the schedule sounds, and nothing is planned")
	case next.At.Sub(now) > snoozeAhead:
		return "", fmt.Errorf("nothing of the schedule sounds, and the next run is not within an hour: %s on %s; skip_run skips it", next.Entry.Name, r.dayAndTime(next.At))
	default:
		at = next.At.Add(by)
	}
	moved := e
	if moved == nil {
		moved = next.Entry
	}
	if !moved.Night && r.cfg.Night(at) {
		return "", fmt.Errorf("%s would come again in the night, at %s; stop ends it", moved.Name, at.In(r.cfg.Zone).Format("15:04"))
	}
	if e != nil {
		r.cfg.Player.Do(player.Command{Verb: "stop", From: c.From + ", to snooze"})
	} else {
		r.skipRun(next)
	}
	local := at.In(r.cfg.Zone).Format(localLayout+":05") + " snoozed"
	r.store.Snoozed = append(r.store.Snoozed, snoozedRun{moved.Name, local, at})
	r.store.saveMemory()
	return fmt.Sprintf("%s comes at %s", moved.Name, at.In(r.cfg.Zone).Format("15:04")), nil
}

// switchTo switches the schedule or one entry on or off.
func (r *Runner) switchTo(c player.Command) (note string, changed bool, err error) {
	if c.Switch == nil {
		return "", false, errors.New("switch the schedule on or off? write: schedule off, or schedule off NAME")
	}
	on, word := *c.Switch, "off"
	if on {
		word = "on"
	}
	name := "the schedule"
	if c.Entry == "" {
		changed = r.store.Off == on
		r.store.Off = !on
	} else {
		e := r.entry(c.Entry)
		if e == nil {
			return "", false, r.unknownEntry(c.Entry)
		}
		name, changed = e.Name, r.store.isOff(e.Name) == on
		r.store.EntriesOff = slices.DeleteFunc(r.store.EntriesOff, func(n string) bool { return strings.EqualFold(n, e.Name) })
		if !on {
			r.store.EntriesOff = append(r.store.EntriesOff, e.Name)
			slices.Sort(r.store.EntriesOff)
		}
	}
	if changed {
		r.store.saveChoices()
	}
	return name + " is " + word, changed, nil
}

func (r *Runner) dayAndTime(at time.Time) string {
	return at.In(r.cfg.Zone).Format("Monday 2 January at 15:04")
}
