package config

import "golang.org/x/sys/unix"

// ClockTrusted tells whether the kernel's clock is kept by something that knows the time (adjtimex(2), STA_UNSYNC).
// A Pi without network starts with the time of its last shutdown: what it says of a command's age means nothing.
func ClockTrusted() bool {
	var t unix.Timex
	_, err := unix.Adjtimex(&t)
	return err == nil && t.Status&unix.STA_UNSYNC == 0
}
