package output

import (
	"context"
	"guided/audio"
	"io"
	"time"
)

// The sound that is heard comes in steps, a little late and a little early. Only where it has not come for tapPatience
// is there silence, in steps of tapSilence; the silence that is due is made good before the next sound, so that a
// stream keeps time over any number of pauses and a player's buffer at its other end never runs dry.
const (
	tapPatience = 200 * time.Millisecond
	tapSilence  = 50 * time.Millisecond
)

// tapListener is one of a Tap. It makes its silence itself, so nothing runs where nobody reads.
type tapListener struct {
	ctx    context.Context
	tap    *Tap
	next   int       // the frame of the tap to read next
	until  time.Time // when what was read last was due
	silent bool      // since the last sound, or since it began
}

func (l *tapListener) Read(b []byte) (int, error) {
	if len(b) < audio.FrameBytes {
		return 0, io.ErrShortBuffer
	}
	b = b[:min(len(b), audio.Depth*audio.FrameBytes)/audio.FrameBytes*audio.FrameBytes]
	for l.ctx.Err() == nil {
		n, more := l.take(b)
		if n == 0 {
			n = l.await(b, more)
		}
		if n > 0 {
			return n * audio.FrameBytes, nil
		}
	}
	return 0, io.EOF
}

// take reads frames that were heard, or the silence that is due before them. more is closed when there are others.
func (l *tapListener) take(b []byte) (n int, more <-chan struct{}) {
	t := l.tap
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.head == l.next || t.ring == nil {
		return 0, t.more
	}
	if missed := t.head - tapKept - l.next; missed > 0 {
		l.next += (missed + audio.Block - 1) / audio.Block * audio.Block
		l.silent = false // what was due before is missed too
	}
	begins := t.at.Add(-lasting(t.head - l.next))
	if l.silent {
		if n := l.silence(b, begins); n > 0 {
			return n, nil
		}
		l.silent = false
	}
	at := l.next % tapKept
	n = min(len(b)/audio.FrameBytes, t.head-l.next, tapKept-at)
	copy(b, t.ring[at*audio.FrameBytes:(at+n)*audio.FrameBytes])
	l.next += n
	l.until = begins.Add(lasting(n))
	return n, nil
}

// silence gives what is due up to a time, which may be none, and of that no more than the last two seconds.
func (l *tapListener) silence(b []byte, to time.Time) int {
	if oldest := time.Now().Add(-lasting(tapKept)); l.until.Before(oldest) {
		l.until = oldest
	}
	n := min(len(b)/audio.FrameBytes, int(framesIn(to.Sub(l.until))))
	if n <= 0 {
		return 0
	}
	clear(b[:n*audio.FrameBytes])
	l.until = l.until.Add(lasting(n))
	return n
}

// await waits for more, and gives silence where it does not come.
func (l *tapListener) await(b []byte, more <-chan struct{}) int {
	patience := tapPatience
	if l.silent {
		patience += tapSilence
	}
	late := time.NewTimer(time.Until(l.until.Add(patience)))
	defer late.Stop()
	select {
	case <-l.ctx.Done():
	case <-more:
	case now := <-late.C:
		l.silent = true
		return l.silence(b, now.Add(-tapPatience))
	}
	return 0
}
