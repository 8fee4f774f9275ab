package output

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/audio/audiotest"
)

// longDeadline is how long a test waits for what must happen, but at no particular time. What must be fast is measured by
// the benchmarks of timing_test.go.
const longDeadline = time.Minute

// testOutput is an output whose log is kept.
type testOutput struct {
	audio.Output
	log bytes.Buffer // complete once Play has returned
}

func openOutput(t testing.TB, spec string, leadIn int) *testOutput {
	t.Helper()
	o := &testOutput{}
	var err error
	if o.Output, err = Open(spec, leadIn, slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), &o.log), nil))); err != nil {
		t.Fatal(err)
	}
	return o
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// underruns is how many the output has reported. On a busy machine there may be some in any test with a real device.
func (o *testOutput) underruns() int {
	n := 0
	for _, m := range regexp.MustCompile(`the sound was interrupted.* times=(\d+)`).FindAllStringSubmatch(o.log.String(), -1) {
		times, _ := strconv.Atoi(m[1])
		n += times
	}
	return n
}

// farAhead is a report that asks for no other.
func farAhead(int) int { return audio.FarAhead }

// eachBlock asks for a report after every block.
func eachBlock(f func(frames int)) func(frames int) (next int) {
	return func(frames int) int {
		f(frames)
		return frames + audio.Block
	}
}

// playback is a Play in the background.
type playback struct {
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // valid once ended is closed

	mu     sync.Mutex
	frames []int // each report of Play
	at     []time.Time
}

func play(t testing.TB, out audio.Output, src beep.Streamer) *playback {
	return playWith(t, out, src, func(int) {})
}

// playWith also calls onHeard with each report, on the goroutine of Play.
func playWith(t testing.TB, out audio.Output, src beep.Streamer, onHeard func(frames int)) *playback {
	ctx, cancel := context.WithCancel(t.Context())
	p := &playback{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = out.Play(ctx, src, eachBlock(func(frames int) {
			p.mu.Lock()
			p.frames, p.at = append(p.frames, frames), append(p.at, time.Now())
			p.mu.Unlock()
			onHeard(frames)
		}))
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
	})
	return p
}

// heard is the last report.
func (p *playback) heard() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.frames) == 0 {
		return 0
	}
	return p.frames[len(p.frames)-1]
}

// heardAfter is the first report after a moment, or the last one.
func (p *playback) heardAfter(moment time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, at := range p.at {
		if at.After(moment) {
			return p.frames[i]
		}
	}
	return p.frames[len(p.frames)-1]
}

// waitHeard waits until so many frames are reported.
func (p *playback) waitHeard(t testing.TB, frames int) {
	t.Helper()
	audiotest.Eventually(t, fmt.Sprintf("%d frames are heard", frames), func() bool {
		select {
		case <-p.ended:
			t.Fatalf("Play ended too early, after %d frames: %v", p.heard(), p.err)
		default:
		}
		return p.heard() >= frames
	})
}

// wait waits until Play returns, and returns its error.
func (p *playback) wait(t testing.TB) error {
	t.Helper()
	began := time.Now()
	select {
	case <-p.ended:
	case <-time.After(longDeadline):
		t.Fatalf("Play has not returned within %v", longDeadline)
	}
	t.Logf("Play returned after %v: %v", time.Since(began).Round(time.Microsecond), p.err)
	return p.err
}

// changingNoise is noise that can turn silent at any moment, also where it has been pulled and not heard.
type changingNoise struct {
	changed chan struct{}

	mu        sync.Mutex
	at        int // frames pulled
	frames    int
	silencing bool // silence was asked for, from the next frame on
	quietFrom int
	rewound   int // frames
	rewinds   int
	rewoundAt time.Time
}

func newChangingNoise(frames int) *changingNoise {
	return &changingNoise{changed: make(chan struct{}, 1), frames: frames, quietFrom: frames}
}

func (c *changingNoise) Stream(samples [][2]float64) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.silencing {
		c.silencing, c.quietFrom = false, c.at
	}
	n := min(len(samples), c.frames-c.at)
	for i := range samples[:n] {
		samples[i] = [2]float64{}
		if c.at+i < c.quietFrom {
			samples[i] = audiotest.NoiseAt(c.at + i)
		}
	}
	c.at += n
	return n, n > 0
}

func (c *changingNoise) Err() error { return nil }

func (c *changingNoise) Changed() <-chan struct{} { return c.changed }

func (c *changingNoise) Rewind(frames int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at -= frames
	c.rewound += frames
	c.rewinds++
	c.rewoundAt = time.Now()
}

func (c *changingNoise) pulled() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// silence turns the noise silent, once.
func (c *changingNoise) silence() time.Time {
	c.mu.Lock()
	c.silencing = true
	c.mu.Unlock()
	c.changed <- struct{}{}
	return time.Now()
}

// rendered is what an output must make of so many frames of noise.
func rendered(frames int) []byte {
	samples := make([][2]float64, frames)
	for i := range samples {
		samples[i] = audiotest.NoiseAt(i)
	}
	b := make([]byte, frames*audio.FrameBytes)
	audio.Encode(b, samples, 0)
	return b
}

// checkRecording finds want in a recording, byte for byte and without a gap, and returns at which frame.
func checkRecording(t testing.TB, got, want []byte) int {
	t.Helper()
	at := bytes.Index(got, want[:1024])
	if at < 0 {
		t.Fatal("the beginning was not heard")
	}
	got = got[at:]
	for i := range want {
		if i == len(got) || got[i] != want[i] {
			again := bytes.Index(got[min(i, len(got)):], want[i/4*4:min(len(want), i/4*4+64)])
			t.Fatalf("the sound differs from the render after %.3f s; it goes on %d bytes later", float64(i)/audio.Rate/audio.FrameBytes, again)
		}
	}
	return at / audio.FrameBytes
}

// piece is a stretch of the render found in a recording; all three are frames.
type piece struct{ want, got, frames int }

// pieces are the stretches between the underruns of a device, in order.
type pieces []piece

// frames is how many frames of the render were found.
func (p pieces) frames() int { return p[len(p)-1].want + p[len(p)-1].frames }

// index is where a frame of the render lies in the recording.
func (p pieces) index(frame int) int {
	i, _ := slices.BinarySearchFunc(p, frame, func(p piece, frame int) int { return p.want + p.frames - 1 - frame })
	return p[min(i, len(p)-1)].got + frame - p[min(i, len(p)-1)].want
}

// gapBefore is how many frames of silence the device played before a frame of the render.
func (p pieces) gapBefore(frame int) int {
	for i := 1; i < len(p); i++ {
		if p[i].want == frame {
			return p[i].got - p[i-1].got - p[i-1].frames
		}
	}
	return 0
}

// matchRecording checks that a recording of a real device is the render, byte for byte, up to some frame, and silence after
// it. A device that underruns plays silence and then goes on where it stopped; so there may be gaps, but only when the
// output reported underruns, and every frame must be there.
func matchRecording(t testing.TB, got, want []byte, underruns int) pieces {
	t.Helper()
	at := bytes.Index(got, want[:16*audio.FrameBytes])
	if at < 0 {
		t.Fatal("the beginning was not heard")
	}
	frame := func(b []byte, i int) []byte { return b[i*audio.FrameBytes : (i+1)*audio.FrameBytes] }
	list := pieces{{got: at / audio.FrameBytes}}
	next := 0 // frame of want
	for j := at / audio.FrameBytes; j < len(got)/audio.FrameBytes; j++ {
		last := &list[len(list)-1]
		switch {
		case next < len(want)/audio.FrameBytes && bytes.Equal(frame(got, j), frame(want, next)):
			if last.got+last.frames != j {
				list = append(list, piece{want: next, got: j})
				last = &list[len(list)-1]
			}
			last.frames++
			next++
		case isLoud(frame(got, j)):
			again := bytes.Index(want, got[min(j+1024, len(got)/audio.FrameBytes-16)*audio.FrameBytes:][:16*audio.FrameBytes])
			t.Fatalf("the sound differs from the render after frame %d of %d, %d frames into the recording, with %d underruns: %v; 1024 frames later the recording has frame %d", next, len(want)/audio.FrameBytes, j, underruns, list, again/audio.FrameBytes)
		}
	}
	if len(list) > 1 {
		t.Logf("the recording has %d gaps; the output reported %d underruns", len(list)-1, underruns)
	}
	if len(list) > 1 && underruns == 0 {
		t.Errorf("the sound has gaps without an underrun: %v", list)
	}
	return list
}

func isLoud(frame []byte) bool {
	first, _ := audiotest.LoudFrames(frame)
	return first >= 0
}

// checkPlayed checks that a Play that has ended was recorded as it was rendered, to its last frame, and that its reports
// agree with the recording.
func checkPlayed(t testing.TB, p *playback, out *testOutput, r *recorder, frames int) {
	t.Helper()
	if p.heard() != frames {
		t.Errorf("%d frames are heard at the end, want %d", p.heard(), frames)
	}
	found := matchRecording(t, r.untilSilent(), rendered(frames), out.underruns())
	if found.frames() != frames {
		t.Errorf("%d frames are recorded, want %d", found.frames(), frames)
	}
	for i := 1; i < len(p.frames); i++ {
		if p.frames[i] < p.frames[i-1] {
			t.Errorf("heard went back from %d to %d", p.frames[i-1], p.frames[i])
		}
	}
	late := reportDelays(p, r, found, frames)
	t.Logf("a frame is reported from %v to %v after it was recorded", late[0], late[len(late)-1])
	if usual := late[len(late)/2]; usual.Abs() > audio.RewindDepth/2*time.Second/audio.Rate { // pulled is not heard
		t.Errorf("a frame is usually reported %v after it was recorded", usual)
	}
}

// reportDelays is, for each report of a Play, by how much it came after the frame was recorded, in ascending order.
func reportDelays(p *playback, r *recorder, found pieces, frames int) []time.Duration {
	var late []time.Duration
	for i, n := range p.frames {
		if n > 0 && n < frames {
			late = append(late, p.at[i].Sub(r.arrived(found.index(n)*audio.FrameBytes)))
		}
	}
	slices.Sort(late)
	return late
}
