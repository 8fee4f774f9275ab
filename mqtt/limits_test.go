package mqtt

import "testing"

func TestLimitsRetryGrowsToTheLast(t *testing.T) {
	p := defaultLimits()
	for failures := range 100 {
		wait := p.retry(failures)
		low := min(p.lastRetry, p.firstRetry<<min(failures, 10)) * 4 / 5
		if wait < low || wait > p.lastRetry {
			t.Errorf("after %d failures: %v", failures, wait)
		}
	}
}
