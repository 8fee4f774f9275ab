package output

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

// startPipewire starts PipeWire with its PulseAudio server in a temporary folder, with a null sink named mat, and points
// this process at it. Without the programs the test is skipped, except in CI.
func startPipewire(t testing.TB) *pulseaudio {
	t.Helper()
	for _, program := range []string{"pipewire", "pipewire-pulse", "wireplumber", "dbus-run-session", "pactl", "parec"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%v; CI installs pipewire, pipewire-pulse, wireplumber, dbus-bin and pulseaudio-utils", err)
			}
			t.Skipf("%v", err)
		}
	}
	dir, err := os.MkdirTemp("", "guided") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &pulseaudio{t: t, dir: dir, socket: filepath.Join(dir, "pulse", "native")}
	for name, value := range map[string]string{
		"PULSE_SERVER": "unix:" + s.socket, "HOME": dir, "XDG_RUNTIME_DIR": dir, "XDG_CONFIG_HOME": dir, "XDG_STATE_HOME": dir,
		"PULSE_COOKIE": "", "PULSE_SINK": "", "DBUS_SESSION_BUS_ADDRESS": "",
	} {
		t.Setenv(name, value)
	}
	// Its own priority, which it asks of a system service: not granted, nice warns and goes on.
	cmd := exec.Command("nice", "-n", "-11", "dbus-run-session", "--", "sh", "-c", "pipewire & wireplumber & pipewire-pulse & wait")
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		os.RemoveAll(dir)
	})
	audiotest.Eventually(t, "the sound server listens", func() bool {
		conn, err := net.Dial("unix", s.socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	audiotest.Eventually(t, "there is a sink", func() bool {
		return exec.Command("pactl", "load-module", "module-null-sink", "sink_name=mat", "rate=48000", "format=s16le").Run() == nil
	})
	return s
}

// PipeWire plays the sound as it is, and takes back what it has not played. On a busy machine its own graph misses beats, and
// what is recorded lacks them: so there are four trials, of which one must be faultless.
func TestPipewirePlaysAndRewinds(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPipewire(t)
	for n := 1; ; n++ {
		trial := &trial{TB: t}
		trial.run(func() { playAndRewind(trial, server) })
		switch {
		case !trial.failed:
			return
		case n == 4:
			t.Fatal("none of the trials was faultless")
		}
		t.Logf("trial %d failed", n)
	}
}

func playAndRewind(t testing.TB, server *pulseaudio) {
	recording := server.record()
	const frames = 5 * audio.Rate
	src := newChangingNoise(frames)
	out := openOutput(t, "pulse:mat", audio.Rate/2) // the recorder is connected a little after the stream
	p := pulseChange(t, out, src)
	if err := p.wait(t); err != nil {
		t.Fatal(err)
	}
	ahead := src.quietFrom - p.heardAfter(src.rewoundAt)
	t.Logf("%d frames were rewound; the silence begins %v after what was heard then", src.rewound, toDuration(ahead))
	if src.rewinds != 1 || ahead > audio.Rate*40/1000 {
		t.Errorf("it was rewound %d times, and the silence begins %v after what was heard then", src.rewinds, toDuration(ahead))
	}
	found := matchRecording(t, recording.untilSilent(), rendered(frames), out.underruns())
	if found.frames() != src.quietFrom {
		t.Errorf("%d frames of sound are heard, want %d", found.frames(), src.quietFrom)
	}
	if p.heard() != frames {
		t.Errorf("%d frames are heard at the end, want all %d", p.heard(), frames)
	}
}

// trial is a test within a test, whose failures are told and do not fail it.
type trial struct {
	testing.TB
	failed bool
}

// run waits for do, which a fatal failure ends.
func (t *trial) run(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	<-done
}

func (t *trial) Errorf(format string, args ...any) {
	t.Helper()
	t.failed = true
	t.Logf(format, args...)
}

func (t *trial) Fatalf(format string, args ...any) {
	t.Helper()
	t.Errorf(format, args...)
	runtime.Goexit()
}

func (t *trial) Fatal(args ...any) {
	t.Helper()
	t.Fatalf("%s", fmt.Sprint(args...))
}
