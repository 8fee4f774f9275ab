package output

import (
	"testing"
	"time"

	"guided/audio/audiotest"
)

// An alarm of the kernel is never late for ever, whatever was asked of it before, and ends with its goroutine.
func TestKernelAlarm(t *testing.T) {
	audiotest.NoLeaks(t)
	var a alarm
	if err := a.useKernel(); err != nil {
		t.Fatal(err)
	}
	for name, waits := range map[string][]time.Duration{
		"soon":                       {time.Millisecond},
		"at once":                    {0},
		"before":                     {-time.Hour},
		"never, and then soon":       {1<<63 - 1, time.Millisecond},
		"soon, and then soon again":  {1, time.Millisecond},
		"when it has just delivered": {1, 1, 1, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			var delivers <-chan time.Time
			for _, d := range waits {
				delivers = a.after(d)
			}
			select {
			case <-delivers:
			case <-time.After(longDeadline):
				t.Error("it does not deliver")
			}
		})
	}
	a.after(1<<63 - 1)
	a.close()
}
