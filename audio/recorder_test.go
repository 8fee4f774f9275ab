package audio

import (
	"encoding/binary"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// recorder keeps what comes out of the sink, and when.
type recorder struct {
	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{}

	mu    sync.Mutex
	bytes []byte
	marks []mark
}

type mark struct {
	bytes int
	at    time.Time
}

// record returns when the recording runs.
func (s *soundServer) record() *recorder {
	s.t.Helper()
	r := &recorder{t: s.t, done: make(chan struct{})}
	r.cmd = exec.Command("parec", "-d", "mat.monitor", "--raw", "--format=s16le", "--rate=48000", "--channels=2", "--latency-msec=10")
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go r.read(out)
	s.t.Cleanup(r.stop)
	eventually(s.t, "the recorder runs", func() bool { return r.len() > 0 })
	return r
}

func (r *recorder) read(out io.Reader) {
	defer close(r.done)
	buf := make([]byte, 64<<10)
	for {
		n, err := out.Read(buf)
		r.mu.Lock()
		r.bytes = append(r.bytes, buf[:n]...)
		r.marks = append(r.marks, mark{len(r.bytes), time.Now()})
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (r *recorder) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bytes)
}

// arrived tells when the byte of an offset had been recorded.
func (r *recorder) arrived(offset int) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.marks {
		if m.bytes > offset {
			return m.at
		}
	}
	r.t.Fatalf("byte %d was not recorded", offset)
	return time.Time{}
}

func (r *recorder) stop() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		<-r.done
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

// sound waits until n bytes beyond now are there, and returns all.
func (r *recorder) sound(more int) []byte {
	r.t.Helper()
	want := r.len() + more
	eventually(r.t, "the recorder has heard it all", func() bool { return r.len() >= want })
	r.stop()
	return r.bytes
}

// rustle is a streamer of noise that is a function of the frame alone, and that is silent between frames from and to.
type rustle struct {
	at, frames int
	quietFrom  int
	pulledAt   time.Time // when the first quiet frame was pulled
	pulled     chan struct{}
}

func newRustle(frames int) *rustle {
	return &rustle{frames: frames, quietFrom: frames, pulled: make(chan struct{})}
}

func (r *rustle) Stream(samples [][2]float64) (int, bool) {
	if r.at == 0 {
		close(r.pulled)
	}
	n := min(len(samples), r.frames-r.at)
	for i := range samples[:n] {
		samples[i] = rustleAt(r.at + i)
		if r.at+i >= r.quietFrom {
			samples[i] = [2]float64{}
			if r.pulledAt.IsZero() {
				r.pulledAt = time.Now()
			}
		}
	}
	r.at += n
	return n, n > 0
}

func (r *rustle) Err() error { return nil }

func rustleAt(i int) [2]float64 {
	const scale = 0.3 / (1 << 16)
	return [2]float64{scale * float64(noise(uint32(i)+1<<31)), scale * float64(noise(uint32(i)+1<<31+1<<30))}
}

// rendered is what an output must make of a rustle.
func rendered(frames int) []byte {
	samples := make([][2]float64, frames)
	for i := range samples {
		samples[i] = rustleAt(i)
	}
	b := make([]byte, frames*frameBytes)
	Encode(b, samples, 0)
	return b
}

// loudFrames are the frames of a recording that are more than dither.
func loudFrames(b []byte) (first, last int) {
	first, last = -1, -1
	for i := 0; i+frameBytes <= len(b); i += frameBytes {
		l, r := int16(binary.LittleEndian.Uint16(b[i:])), int16(binary.LittleEndian.Uint16(b[i+2:]))
		if max(l, -l, r, -r) > 8 {
			if first < 0 {
				first = i / frameBytes
			}
			last = i / frameBytes
		}
	}
	return first, last
}
