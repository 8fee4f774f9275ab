package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ClockTrusted reports whether something keeps the clock right: the kernel says that it is synchronized (adjtimex(2),
// STA_UNSYNC), or systemd-timesyncd does. A Raspberry Pi has no battery-backed clock: without a network it starts with the
// time of its last shutdown, and the age of a command cannot be known. A clock may also be right without: in a virtual
// machine it is often that of the host, and chrony sets the flag only where it is told to (rtcsync).
func ClockTrusted() bool { return clockTrusted(time.Now(), timesyncFile) }

// ScheduleClockTrusted reports whether something may start by itself by this clock: one that ClockTrusted vouches for, or
// that of a machine which has run for minutes and whose battery-backed clock says the same. A Raspberry Pi without a network
// has the time of its last shutdown, for ever; so nothing starts on it.
func ScheduleClockTrusted() bool {
	return ClockTrusted() || scheduleClock(time.Now(), uptime(), rtcTime)
}

// settled is how long a machine has to run until its clock counts that nothing is known to keep right: time enough for a
// network to correct it.
const settled = 10 * time.Minute

// rtcTime holds the time of the battery-backed clock in seconds since 1970; without one it does not exist.
const rtcTime = "/sys/class/rtc/rtc0/since_epoch"

func scheduleClock(now time.Time, up time.Duration, rtc string) bool {
	if clockWrong(now) || up < settled {
		return false
	}
	data, err := ReadFile(rtc, 64)
	if err != nil {
		return false
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return false
	}
	_, offset := now.Zone()
	apart := func(local int64) bool { return max(now.Unix()-seconds+local, seconds-local-now.Unix()) > 120 }
	return !apart(0) || !apart(int64(offset)) // it may be set to local time, as for Windows
}

// uptime is how long the machine has run, suspended times included.
func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// timesyncFile exists once systemd-timesyncd has set the clock: systemd-timesyncd.service(8).
const timesyncFile = "/run/systemd/timesync/synchronized"

func clockTrusted(now time.Time, timesync string) bool {
	if clockWrong(now) {
		return false
	}
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err == nil && t.Status&unix.STA_UNSYNC == 0 {
		return true
	}
	_, err := os.Stat(timesync)
	return err == nil
}

// written is a day before this program was written: what was before it is the time of no clock that is right.
var written = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// clockWrong reports whether a clock is certainly wrong, as after a start without a battery or a network.
func clockWrong(now time.Time) bool { return now.Before(written) }

// clockProblem is what to tell about a clock that cannot be trusted; nil about one that can.
func clockProblem(now time.Time, trusted bool) error {
	switch {
	case clockWrong(now):
		return fmt.Errorf("the clock says %s, which is wrong: until it is set there are no quiet hours, and the age of a command is not looked at", now.Format(time.DateOnly))
	case !trusted:
		return errors.New("nothing is known to keep the clock right (timedatectl set-ntp true): quiet hours follow it all the same, but the age of a command is not looked at")
	}
	return nil
}
