package mqtt

import "time"

// elapsed is how long ago since was, by the clock of the two that has gone further: the monotonic one stands still while
// the machine is suspended, and the wall clock may be set back.
func elapsed(since, now time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}
