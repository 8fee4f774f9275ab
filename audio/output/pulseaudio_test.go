package output

import (
	"bytes"
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
)

// pulseaudio is a PulseAudio server of the test's own, with a null sink named mat.
type pulseaudio struct {
	t      testing.TB
	dir    string
	socket string
	cmd    *exec.Cmd
}

// startPulseaudio starts a server in a temporary folder, and points this process at it. Without the programs the test is
// skipped, except in CI.
func startPulseaudio(t testing.TB) *pulseaudio {
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
	s := &pulseaudio{t: t, dir: dir, socket: filepath.Join(dir, "native")}
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

func (s *pulseaudio) start() {
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

// kill sends SIGKILL and waits until the server has exited.
func (s *pulseaudio) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
	_ = os.Remove(s.socket)
}

// halt sends SIGSTOP: the server accepts connections, but does not answer.
func (s *pulseaudio) halt() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
}

// resume ends a halt.
func (s *pulseaudio) resume() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		s.t.Fatal(err)
	}
}

// pactl runs a command on the server and returns its output.
func (s *pulseaudio) pactl(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("pactl", args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("pactl %v: %v: %s", args, err, out)
	}
	return string(bytes.TrimSpace(out))
}

// recorder records what a program writes to its standard output, and when.
type recorder struct {
	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{}

	mu       sync.Mutex
	bytes    []byte
	arrivals []arrival
}

// arrival is when so many bytes had been recorded.
type arrival struct {
	bytes int
	at    time.Time
}

// startRecorder starts a program that writes raw audio to its standard output.
func startRecorder(t testing.TB, cmd *exec.Cmd) *recorder {
	t.Helper()
	r := &recorder{t: t, cmd: cmd, done: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go r.read(out)
	t.Cleanup(r.stop)
	return r
}

// record records what the sink mat plays, and returns when the recording has begun.
func (s *pulseaudio) record() *recorder {
	s.t.Helper()
	return s.recordSink("mat", 10)
}

// recordSink records what a sink plays, in pieces of so many milliseconds.
func (s *pulseaudio) recordSink(sink string, latency int) *recorder {
	s.t.Helper()
	r := startRecorder(s.t, exec.Command("parec", "-d", sink+".monitor", "--raw", "--format=s16le", "--rate=48000", "--channels=2", fmt.Sprintf("--latency-msec=%d", latency)))
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
		r.arrivals = append(r.arrivals, arrival{len(r.bytes), time.Now()})
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

// arrived is when the byte at an offset had been recorded.
func (r *recorder) arrived(offset int) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.arrivals {
		if a.bytes > offset {
			return a.at
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

// untilSilent waits until a fifth of a second more was recorded and as much of it is silent, and returns the recording.
func (r *recorder) untilSilent() []byte {
	r.t.Helper()
	const silence = audio.Rate / 5 * audio.FrameBytes
	want := r.len() + silence
	audiotest.Eventually(r.t, "the recording ends in silence", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.bytes) >= want && !isLoud(r.bytes[(len(r.bytes)-silence)/audio.FrameBytes*audio.FrameBytes:])
	})
	r.stop()
	return r.bytes
}
