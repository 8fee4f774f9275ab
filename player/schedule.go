package player

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Schedule is what starts by itself, as observers see it.
type Schedule struct {
	NextRun    *time.Time // nil: nothing is planned, or the clock is not trusted
	Off        bool       // nothing starts
	EntriesOff []string   // the names of the entries that are switched off
	Entries    []ScheduleEntry
}

// ScheduleEntry is one entry of the schedule.
type ScheduleEntry struct {
	Name    string `json:"name"`
	Routine string `json:"routine"`
	Times   string `json:"times"`          // such as "07:00 on mon-fri"
	When    string `json:"when,omitempty"` // its condition
	Place   string `json:"place"`          // where it is written
}

// ErrBusy refuses an unattended start where something plays, is paused, or is about to.
var ErrBusy = errors.New("something plays already, and nothing that starts by itself interrupts it")

// scheduleTimeout is how long the schedule may take to answer a command.
const scheduleTimeout = 10 * time.Second

// HandleSchedule gives the commands skip_run, snooze and schedule to do, which returns a note for whoever asked. Call it
// before Run.
func (p *Player) HandleSchedule(do func(ctx context.Context, c Command) (note string, changed bool, err error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scheduler = do
}

// SetSchedule publishes what is planned. The player keeps s.
func (p *Player) SetSchedule(s Schedule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entries := !slices.Equal(s.Entries, p.schedule.Entries)
	p.schedule = s
	p.publishState()
	if entries {
		p.info.Schedule = s.Entries
		p.publishInfo()
	}
}

// StartUnattended starts a routine that nobody asks for at this moment. It plays only where nothing plays, else it fails
// with ErrBusy; it waits for nobody to say next, leaves the selection as it is, and with softly it has the quiet profile.
// answer is called once, and must not block.
func (p *Player) StartUnattended(c Command, softly bool, answer func(error)) {
	v, err := findVerb(c.Verb)
	if err != nil || v.name != "start" {
		answer(fmt.Errorf("%q is no start", c.Verb))
		return
	}
	c.unattended, c.softly = true, softly
	logged := p.logged(c, func(Response) {})
	p.enqueue(v, c, func(changed bool, _ string, err error) {
		if !errors.Is(err, ErrBusy) { // whoever asks tells that, and may ask again
			logged(response(c, changed, err))
		}
		answer(err)
	})
}

// PlayingFrom is who started what plays, is paused or is about to play, as Command.From; empty for nothing.
func (p *Player) PlayingFrom() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.current(); r != nil {
		return r.from
	}
	return ""
}

// Chime lets a soft tone sound, where nothing plays.
func (p *Player) Chime() error {
	pcm, err := p.cfg.Bank.Tone("chime")
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current() != nil || p.startInHand() != nil {
		return ErrBusy
	}
	p.announce(overlay{pcm: pcm})
	return nil
}

// ScheduleDue publishes that a run of the schedule begins.
func (p *Player) ScheduleDue(entry, routine string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishEvent(Event{Type: "schedule_due", Schedule: entry, Routine: routine, At: p.now()})
}

// ScheduleMissed publishes that a run of the schedule does not take place, and why.
func (p *Player) ScheduleMissed(entry, routine, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishEvent(Event{Type: "schedule_missed", Schedule: entry, Routine: routine, Error: why, At: p.now()})
}

// askSchedule has the schedule carry out a command, beside the slow commands, which it does not wait for.
func (p *Player) askSchedule(c Command, answer func(note string, changed bool, err error)) {
	p.mu.Lock()
	do := p.scheduler
	var err error
	switch {
	case do == nil:
		err = errors.New("nothing is scheduled here; write [[schedule]] into the daemon's settings")
	case p.slow.ended:
		err = errEnding
	case p.slow.inHand >= maxSlowCommands:
		err = errTooMany
	default:
		p.slow.inHand++
		p.background.Add(1)
	}
	p.mu.Unlock()
	if err != nil {
		answer("", false, err)
		return
	}
	go func() {
		defer p.background.Done()
		ctx, cancel := context.WithTimeoutCause(context.Background(), scheduleTimeout, errTooSlow)
		defer cancel()
		note, changed, err := do(ctx, c)
		p.mu.Lock()
		p.slow.inHand--
		p.mu.Unlock()
		answer(note, changed, err)
	}()
}

// parseSnooze reads how long to wait, which may be left out.
func parseSnooze(c *Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	return setFor(c, strings.Join(words, ""))
}

// parseSchedule reads on or off, and the name of an entry of several words.
func parseSchedule(c *Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	c.Entry, _ = unquote(strings.Join(words[1:], " "))
	return setSwitch(c, words[0])
}

func setSwitch(c *Command, value string) error {
	on := strings.EqualFold(value, "on") || strings.EqualFold(value, "true")
	if !on && !strings.EqualFold(value, "off") && !strings.EqualFold(value, "false") {
		return fmt.Errorf("switch: %q is neither on nor off", shorten(value))
	}
	c.Switch = &on
	return nil
}

func setEntry(c *Command, value string) error {
	if len(value) > maxName {
		return fmt.Errorf("entry: a name of %d bytes is too long; %d are allowed", len(value), maxName)
	}
	c.Entry = value
	return nil
}
