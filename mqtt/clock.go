package mqtt

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// elapsed is how long ago since was, by the clock of the two that has gone further: the monotonic one stands still while
// the machine is suspended, and the wall clock may be set back.
func elapsed(since, now time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// A sleepClock knows for how long the machine was suspended during one connection. What the broker or the network kept in
// that time arrives after it as if it were new.
type sleepClock struct {
	suspended func() time.Duration // since the machine was started
	before    atomic.Int64         // suspended when the connection began
}

func newSleepClock() *sleepClock { return &sleepClock{suspended: suspendedSinceBoot} }

// suspendedSinceBoot is the difference of the clocks that go on and that stand still in a suspend.
func suspendedSinceBoot() time.Duration {
	var all, awake unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &all) != nil {
		return 0
	}
	return time.Duration(all.Nano() - awake.Nano())
}

// begin is called when a connection begins.
func (s *sleepClock) begin() { s.before.Store(int64(s.suspended())) }

// slept is for how long the machine was suspended since begin.
func (s *sleepClock) slept() time.Duration { return s.suspended() - time.Duration(s.before.Load()) }
