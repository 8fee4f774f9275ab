package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guided/cli"
)

// setUpProve writes settings and a short routine. It returns the settings file and a path for the socket of a sound server.
func setUpProve(t *testing.T, output string) (config, socket string) {
	t.Helper()
	isolate(t)
	dir, err := os.MkdirTemp("", "guided") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for path, text := range map[string]string{
		"guided.toml": "[audio]\nlead_in = \"200ms\"\noutput = \"" + output + "\"\n[routines]\ndir = \"" + dir + "\"\n[voice]\nengine = \"none\"\n",
		"short.toml":  "title = \"Short\"\n[[step]]\nbreathe = \"2-2\"\nfor = \"1 breath\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "guided.toml"), filepath.Join(dir, "native")
}

func TestProveOnPulseAudio(t *testing.T) {
	requireProgram(t, "pulseaudio")
	config, socket := setUpProve(t, "pulse:mat")
	for name, value := range map[string]string{"PULSE_SERVER": "unix:" + socket, "XDG_RUNTIME_DIR": filepath.Dir(socket), "PULSE_COOKIE": ""} {
		t.Setenv(name, value)
	}
	server := exec.Command("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disallow-exit",
		"-L", "module-null-sink sink_name=mat format=s16le rate=48000 channels=2 norewinds=1",
		"-L", "module-native-protocol-unix auth-anonymous=1 socket="+socket)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	waitForListener(t, "the sound server", "unix", socket)
	code, out, stderr := runCommand(t, "--config", config, "--json", "prove", "short")
	var p cli.ProofReport
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatalf("%d: %v:\n%s%s", code, err, out, stderr)
	}
	t.Logf("%d of %d cues, worst %.4f ms, drift %.2f ppm, gaps %v, latency %.0f ms", p.Heard, len(p.Cues), p.Worst, p.Drift, p.Gaps, p.Latency)
	if len(p.Cues) == 0 || p.Heard != len(p.Cues) || p.Sink != "mat" {
		t.Errorf("%d of %d cues are heard on %q", p.Heard, len(p.Cues), p.Sink)
	}
	if want := cli.Done; !p.Proved {
		want = cli.Failed // on a loaded machine the sound may be interrupted, which must be reported
		if code != want || len(p.Problems) == 0 {
			t.Errorf("exit %d and the problems %v", code, p.Problems)
		}
	} else if code != want {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestProveRecording(t *testing.T) {
	config, _ := setUpProve(t, "null")
	file := filepath.Join(t.TempDir(), "short.wav")
	if code, _, stderr := runCommand(t, "--config", config, "render", "short", "-o", file); code != cli.Done {
		t.Fatal(stderr)
	}
	code, out, stderr := runCommand(t, "--config", config, "prove", "short", "--recording", file, "--cues")
	if code != cli.Done || !strings.Contains(out, "In,") || !strings.Contains(out, "\nproved: short") {
		t.Errorf("%d:\n%s%s", code, out, stderr)
	}
	sound, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("without its second half", func(t *testing.T) {
		if err := os.WriteFile(file, sound[:len(sound)/2], 0o644); err != nil {
			t.Fatal(err)
		}
		code, out, stderr := runCommand(t, "--config", config, "prove", "short", "--recording", file)
		if code != cli.Failed || !strings.Contains(out, "not heard") {
			t.Errorf("%d:\n%s%s", code, out, stderr)
		}
	})
	t.Run("that is silent", func(t *testing.T) {
		clear(sound[44:])
		if err := os.WriteFile(file, sound, 0o644); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := runCommand(t, "--config", config, "prove", "short", "--recording", file)
		if code != cli.Failed || !strings.Contains(stderr, "muted") {
			t.Errorf("%d: %s", code, stderr)
		}
	})
	t.Run("none, on an output that cannot be recorded", func(t *testing.T) {
		code, _, stderr := runCommand(t, "--config", config, "prove", "short")
		if code != cli.Failed || !strings.Contains(stderr, "--recording") {
			t.Errorf("%d: %s", code, stderr)
		}
	})
}
