package config

import "golang.org/x/sys/unix"

// ClockTrusted reports whether the kernel's clock is synchronized (adjtimex(2), STA_UNSYNC). A Raspberry Pi has no
// battery-backed clock: without a network it starts with the time of its last shutdown, and the age of a command cannot be
// known.
func ClockTrusted() bool {
	var t unix.Timex
	_, err := unix.Adjtimex(&t)
	return err == nil && t.Status&unix.STA_UNSYNC == 0
}
