package output

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"

	"github.com/gopxl/beep/v2"
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
	audiotest.Eventually(s.t, "the sound server listens", func() bool {
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

// playing is a Play that goes on in the background.
type playing struct {
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // once ended

	mu     sync.Mutex
	frames []int // what heard was told
	at     []time.Time
}

func play(t testing.TB, out audio.Output, src beep.Streamer) *playing {
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
	audiotest.Eventually(t, fmt.Sprintf("%d frames are heard", frames), func() bool {
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

func openOutput(t testing.TB, spec string, leadIn int) audio.Output {
	t.Helper()
	out, err := Open(spec, leadIn, audiotest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
