package output

import (
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
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
	audiotest.Eventually(s.t, "the recorder runs", func() bool { return r.len() > 0 })
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
	audiotest.Eventually(r.t, "the recorder has heard it all", func() bool { return r.len() >= want })
	r.stop()
	return r.bytes
}

// rendered is what an output must make of a rustle.
func rendered(frames int) []byte {
	samples := make([][2]float64, frames)
	for i := range samples {
		samples[i] = audiotest.NoiseAt(i)
	}
	b := make([]byte, frames*audio.FrameBytes)
	audio.Encode(b, samples, 0)
	return b
}
