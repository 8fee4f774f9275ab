package e2e

import (
	"encoding/binary"
	"io"
	"os/exec"
	"sort"
	"sync"
	"testing"
	"time"

	"guided/audio"
)

const (
	// loud is where a sound is taken to begin, in 16-bit steps: -26 dB, and 20 dB below the inputs.
	loud = 1600
	// captureBlock is what the recorder asks for, and so how far ahead of what is heard the null sink mixes.
	captureBlock = 5 * time.Millisecond
)

// capture records the monitor of the null sink, and knows when each frame was heard. A block can arrive late but never early,
// so the earliest of the arrivals around a frame, less the frames before it, is the clock.
type capture struct {
	t  *testing.T
	mu sync.Mutex
	// peaks holds the larger of both channels' magnitudes, by frame.
	peaks    []uint16
	arrivals []blockArrival
}

type blockArrival struct {
	frames int // with those of the block
	at     time.Time
}

func startCapture(l *lab) *capture {
	l.t.Helper()
	c := &capture{t: l.t}
	cmd := exec.Command("parec", "-d", "out.monitor", "--raw", "--format=s16le", "--rate=48000", "--channels=2", "--latency-msec=5")
	sound, writer := io.Pipe()
	cmd.Stdout = writer
	p := l.startCommand(cmd)
	read := make(chan struct{})
	go func() { defer close(read); c.read(sound) }()
	l.t.Cleanup(func() { p.end(); writer.Close(); <-read })
	waitFor(l.t, "the capture", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.arrivals) > 200 })
	return c
}

func (c *capture) read(sound io.Reader) {
	buf, kept := make([]byte, 1<<16), 0
	for {
		n, err := sound.Read(buf[kept:])
		if err != nil {
			return
		}
		now, n := time.Now(), n+kept
		c.mu.Lock()
		for i := 0; i+audio.FrameBytes <= n; i += audio.FrameBytes {
			c.peaks = append(c.peaks, max(magnitude(buf[i:]), magnitude(buf[i+2:])))
		}
		c.arrivals = append(c.arrivals, blockArrival{len(c.peaks), now})
		c.mu.Unlock()
		kept = n % audio.FrameBytes
		copy(buf, buf[n-kept:n])
	}
}

func magnitude(sample []byte) uint16 {
	v := int(int16(binary.LittleEndian.Uint16(sample)))
	return uint16(max(v, -v))
}

func samplesOf(d time.Duration) int       { return int(d * audio.Rate / time.Second) }
func durationOf(frames int) time.Duration { return time.Duration(frames) * time.Second / audio.Rate }

// origin is when frame 0 would have been heard, by the arrivals within some seconds of a frame. The caller holds mu.
func (c *capture) origin(frame int) time.Time {
	const reach = 3 * audio.Rate
	first := sort.Search(len(c.arrivals), func(i int) bool { return c.arrivals[i].frames >= frame-reach })
	first = min(first, len(c.arrivals)-1)
	earliest := c.arrivals[first].at.Add(-durationOf(c.arrivals[first].frames))
	for _, a := range c.arrivals[first:] {
		if a.frames > frame+reach {
			break
		}
		if at := a.at.Add(-durationOf(a.frames)); at.Before(earliest) {
			earliest = at
		}
	}
	return earliest.Add(captureBlock)
}

// frameAt is the frame that was heard at a moment.
func (c *capture) frameAt(at time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, samplesOf(at.Sub(c.origin(len(c.peaks)))))
}

// heardAt is when a frame was heard.
func (c *capture) heardAt(frame int) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.origin(frame).Add(durationOf(frame))
}

// since returns the magnitudes from a frame on.
func (c *capture) since(frame int) []uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]uint16(nil), c.peaks[min(frame, len(c.peaks)):]...)
}

// onset waits for the first loud frame after a moment and returns when it was heard. It looks from a little earlier, so that
// a clock that is wrong shows as a sound before its trigger.
func (c *capture) onset(since time.Time) time.Time {
	c.t.Helper()
	from, found := c.frameAt(since.Add(-20*time.Millisecond)), -1
	waitFor(c.t, "a sound", func() bool {
		found = firstLoud(c.since(from))
		return found >= 0
	})
	wait(c.t, 100*time.Millisecond) // for more arrivals around it
	return c.heardAt(from + found)
}

// silence waits until nothing has been loud for a quarter of a second, and returns when the last loud frame after a moment was
// heard; the zero time for none.
func (c *capture) silence(since time.Time) (last time.Time) {
	c.t.Helper()
	from, frame := c.frameAt(since), -1
	waitFor(c.t, "silence", func() bool {
		peaks := c.since(from)
		frame = lastLoud(peaks)
		return len(peaks)-frame > audio.Rate/4
	})
	if frame < 0 {
		return time.Time{}
	}
	return c.heardAt(from + frame)
}

func firstLoud(peaks []uint16) int {
	for i, v := range peaks {
		if v >= loud {
			return i
		}
	}
	return -1
}

func lastLoud(peaks []uint16) int {
	for i := len(peaks) - 1; i >= 0; i-- {
		if peaks[i] >= loud {
			return i
		}
	}
	return -1
}

// gaps counts the runs of at least 2 ms of digital silence in what was noise without an end, and returns the longest.
func gaps(peaks []uint16) (count int, longest time.Duration) {
	run := 0
	for _, v := range append(peaks, loud) {
		if v == 0 {
			run++
			continue
		}
		if d := durationOf(run); d >= 2*time.Millisecond {
			count, longest = count+1, max(longest, d)
		}
		run = 0
	}
	return count, longest
}

// checkCapture lets the capture record what is known: silence; ten clicks half a second apart; noise with a gap of 10 ms.
// The sound cannot be heard before paplay is started, nor its end after paplay has seen it drained.
func checkCapture(l *lab, inputs string) {
	l.t.Helper()
	c := startCapture(l)
	quiet := time.Now()
	wait(l.t, 500*time.Millisecond)
	if at := firstLoud(c.since(c.frameAt(quiet))); at >= 0 {
		l.t.Fatalf("the capture hears a sound in silence, at frame %d", at)
	}
	began := time.Now()
	l.run("paplay", inputs+"/clicks.wav")
	ended := time.Now()
	first := c.onset(began)
	peaks := c.since(c.frameAt(first.Add(-time.Millisecond)))
	clicks := 0
	for i := 0; i < len(peaks); clicks++ {
		next := firstLoud(peaks[i:])
		if next < 0 {
			break
		}
		if clicks > 1 && (next < clickSpacing-clickFrames-2-audio.Rate/10 || next > clickSpacing-audio.Rate/10+2) { // the first may lose a block
			l.t.Fatalf("click %d is %d frames behind the one before", clicks, next+audio.Rate/10)
		}
		i += next + audio.Rate/10
	}
	rest := durationOf(clickCount * clickSpacing)
	if early, late := first.Sub(began), ended.Add(-rest).Sub(first); clicks != clickCount || early < 0 || late < -captureBlock {
		l.t.Fatalf("%d clicks; the first was heard %v after the start, and %v before it can have been", clicks, early, -late)
	}
	began = time.Now()
	l.run("paplay", inputs+"/gap.wav")
	wait(l.t, 100*time.Millisecond)
	noise := c.since(c.frameAt(began))
	begin, end := firstLoud(noise), lastLoud(noise)
	if begin < 0 {
		l.t.Fatal("the capture hears no noise")
	}
	if n, longest := gaps(noise[begin:end]); n != 1 || (longest-10*time.Millisecond).Abs() > time.Millisecond {
		l.t.Fatalf("of noise with one gap of 10 ms the capture hears %d gaps, the longest of %v", n, longest)
	}
}
