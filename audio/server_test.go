package audio

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gopxl/beep/v2"
	"go.uber.org/goleak"
)

// soundServer is a PulseAudio of the test's own, with a null sink named mat.
type soundServer struct {
	t      testing.TB
	dir    string
	socket string
	cmd    *exec.Cmd
}

// startServer starts one in a folder of its own, and points this process at it. Without the programs, the test is
// skipped, except where CI says that they belong there.
func startServer(t testing.TB) *soundServer {
	t.Helper()
	for _, program := range []string{"pulseaudio", "pactl", "parec"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%v; CI installs pulseaudio and pulseaudio-utils", err)
			}
			t.Skipf("%v", err)
		}
	}
	dir, err := os.MkdirTemp("", "guided") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &soundServer{t: t, dir: dir, socket: filepath.Join(dir, "native")}
	t.Cleanup(func() {
		s.kill()
		os.RemoveAll(dir)
	})
	for name, value := range map[string]string{
		"PULSE_SERVER": "unix:" + s.socket, "HOME": dir, "XDG_RUNTIME_DIR": dir, "XDG_CONFIG_HOME": dir,
		"PULSE_COOKIE": "", "PULSE_SINK": "", "DBUS_SESSION_BUS_ADDRESS": "",
	} {
		t.Setenv(name, value)
	}
	s.start()
	return s
}

func (s *soundServer) start() {
	s.t.Helper()
	// A null sink that rewinds renders two seconds ahead when it is idle, and the next sound waits for their end.
	s.cmd = exec.Command("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disallow-exit",
		"--log-target=stderr", "--log-level=error",
		"-L", "module-null-sink sink_name=mat format=s16le rate=48000 channels=2 norewinds=1",
		"-L", "module-native-protocol-unix auth-anonymous=1 socket="+s.socket)
	s.cmd.Stderr = io.Discard
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "the sound server listens", func() bool {
		conn, err := net.Dial("unix", s.socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// kill is kill -9, and waits for the end.
func (s *soundServer) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
	_ = os.Remove(s.socket)
}

// halt is kill -STOP: the server is there, but does not answer.
func (s *soundServer) halt() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
}

// pactl runs a command on the server and returns what it says.
func (s *soundServer) pactl(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("pactl", args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("pactl %v: %v: %s", args, err, out)
	}
	return string(bytes.TrimSpace(out))
}

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
	encode(b, samples, 0)
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

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited 10 s in vain: %s", what)
}

// noLeaks fails a test that leaves goroutines or files behind, of those begun after this call.
func noLeaks(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	files := openFiles(t)
	t.Cleanup(func() {
		goleak.VerifyNone(t, before)
		eventually(t, fmt.Sprintf("no more than %d files are open", files), func() bool { return openFiles(t) <= files })
	})
}

func openFiles(t testing.TB) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list open files")
	}
	return len(list)
}

// playing is a Play that goes on in the background.
type playing struct {
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // once ended

	mu     sync.Mutex
	frames []int // what heard was told
	at     []time.Time
}

func play(t testing.TB, out Output, src beep.Streamer) *playing {
	ctx, cancel := context.WithCancel(t.Context())
	p := &playing{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = out.Play(ctx, src, func(frames int) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.frames, p.at = append(p.frames, frames), append(p.at, time.Now())
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
	})
	return p
}

func (p *playing) heard() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.frames) == 0 {
		return 0
	}
	return p.frames[len(p.frames)-1]
}

// untilHeard waits for so many frames.
func (p *playing) untilHeard(t testing.TB, frames int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d frames are heard", frames), func() bool {
		select {
		case <-p.ended:
			t.Fatalf("Play ended too early, after %d frames: %v", p.heard(), p.err)
		default:
		}
		return p.heard() >= frames
	})
}

// end waits for Play to return.
func (p *playing) end(t testing.TB, within time.Duration) error {
	t.Helper()
	return p.endAfter(t, within, func() {})
}

// endAfter does something that ends Play, and waits for that, and tells how long it took.
func (p *playing) endAfter(t testing.TB, within time.Duration, do func()) error {
	t.Helper()
	began := time.Now()
	do()
	select {
	case <-p.ended:
	case <-time.After(within - time.Since(began)):
		t.Fatalf("Play has not returned within %v", within)
	}
	t.Logf("Play returned after %v: %v", time.Since(began).Round(time.Microsecond), p.err)
	return p.err
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func openOutput(t testing.TB, spec string, leadIn int) Output {
	t.Helper()
	out, err := Open(spec, leadIn, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
