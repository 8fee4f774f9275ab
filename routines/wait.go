package routines

import "strings"

// untilNext is what a hold says that waits for the listener.
const untilNext = "until next"

const (
	waitInFile = 30 * Rate      // how long such a hold lasts where nobody can say next: in a file
	maxWait    = 15 * 60 * Rate // how long the listener is waited for
)

// holdsUntilNext reads a hold that waits for the listener; what would need its length is refused.
func (t *tableReader) holdsUntilNext() bool {
	text, _ := t.values["hold"].(string)
	if !strings.EqualFold(strings.Join(strings.Fields(text), " "), untilNext) {
		return false
	}
	for _, key := range []string{"breathe", "countdown", "cues", "fit"} {
		if t.has(key) {
			t.problemf(key, "has no meaning in a hold until next: nobody knows how long it lasts")
		}
	}
	return true
}

// layOutWait writes a hold that lasts until the listener goes on, or its stand-in.
func (c *compiler) layOutWait() {
	n := waitInFile
	if c.options.Waits {
		n = maxWait
		c.addMark(Mark{Kind: WaitMark, At: c.at, Len: n})
	}
	c.advance(n)
}

// Waits is the wait that is going on at a sample, false for none.
func (s *Score) Waits(at int) (Mark, bool) {
	for _, m := range s.Marks {
		if m.Kind == WaitMark && m.At <= at && at < m.At+m.Len {
			return m, true
		}
	}
	return Mark{}, false
}

// Told is a sample as a listener counts it: what was waited for him is left out.
func (s *Score) Told(at int) int {
	n := at
	for _, m := range s.Marks {
		if m.Kind == WaitMark && m.At < at {
			n -= min(at-m.At, m.Len)
		}
	}
	return n
}
