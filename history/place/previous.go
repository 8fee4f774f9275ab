package place

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"guided/player"
)

// Three ends within crashWindow that were not in good order are a crash loop: something that was restored may be why.
const (
	crashLoop   = 3
	crashWindow = 5 * time.Minute
)

// Machine is what the keeper asks the machine for.
type Machine struct {
	Boot         string               // the id of this boot; empty: unknown
	Uptime       func() time.Duration // since the boot
	Now          func() time.Time     // the wall clock
	ClockTrusted func() bool          // whether that is right
	Night        func() bool          // whether nothing may start by itself
}

// ThisMachine is the machine that the process runs on.
func ThisMachine(clockTrusted, night func() bool) Machine {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // an unknown one counts as the same
	return Machine{Boot: strings.TrimSpace(string(boot)), Uptime: uptime, Now: time.Now, ClockTrusted: clockTrusted, Night: night}
}

func uptime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// ending is how the process before ended.
type ending string

const (
	firstStart ending = "no process before"
	update     ending = "a restart"   // in good order, as by systemctl restart
	powerCut   ending = "a power cut" // another boot, without an end in good order
	crash      ending = "a crash"     // a panic, the watchdog, kill -9, or no memory
)

// previousEnding is how the process that wrote the file ended; crashes are the ends of this boot that were not in good
// order, this one included. Those that are older than the window are left out.
func previousEnding(k kept, has bool, m Machine) (how ending, crashes []int64) {
	p := k.Process
	if !has {
		return firstStart, nil
	}
	if p.Boot != "" && p.Boot == m.Boot {
		now := int64(m.Uptime().Seconds())
		if !p.Ended {
			p.Crashes = append(p.Crashes, now)
		}
		for _, at := range p.Crashes {
			if at <= now && now-at < int64(crashWindow.Seconds()) {
				crashes = append(crashes, at)
			}
		}
	}
	switch {
	case p.Ended:
		return update, crashes
	case p.Boot == "" || m.Boot == "" || p.Boot == m.Boot:
		return crash, crashes
	}
	return powerCut, crashes
}

// age is how long ago a session was lost; false where that cannot be known.
func (l lost) age(m Machine) (time.Duration, bool) {
	if l.SavedAt == nil || !m.ClockTrusted() {
		return 0, false
	}
	age := m.Now().Sub(*l.SavedAt)
	return age, age >= 0
}

// The modes of [resume].
const (
	Ask   = "ask"
	Auto  = "auto"
	Never = "never"
)

// Resume is the settings of [resume].
type Resume struct {
	Mode   string        // Ask, Auto or Never
	Within time.Duration // how long ago a session may have been lost, and how long it is offered
}

// plan is what becomes of a lost session, and why.
type plan struct {
	do  string // Ask, Auto or Never
	why string
}

// planFor decides what becomes of a lost session.
func (r Resume) planFor(l lost, how ending, m Machine) plan {
	if r.Mode == Never {
		return plan{Never, `resume.mode is "never"`}
	}
	if l.RecordOnly {
		return plan{Never, `resume.mode was "never"`}
	}
	age, known := l.age(m)
	switch {
	case known && age > r.Within:
		return plan{Never, "it was lost too long ago: " + age.Round(time.Second).String()}
	case r.Mode != Auto:
		return plan{Ask, `resume.mode is "ask"`}
	case l.Paused:
		return plan{Ask, "it was paused"}
	case l.Offered:
		return plan{Ask, "it was offered before"}
	case how == crash:
		return plan{Ask, "after a crash nothing goes on by itself"}
	case !known:
		return plan{Ask, "the clock does not tell how long ago that was"}
	case m.Night():
		return plan{Ask, "nothing starts by itself in the night"}
	}
	return plan{Auto, "after " + string(how)}
}

// restored is what a player begins with. setting is audio.volume.
func (k kept) restored(has bool, setting int) player.Restored {
	r := player.Restored{Volume: setting}
	if has {
		r.Selected = k.Selected
		if k.Setting == setting {
			r.Volume = k.Volume
		}
	}
	return r
}
