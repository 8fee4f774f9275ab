package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endsWithin is how soon a process ends after a signal. The promise is 5 s; a busy machine may take longer.
const endsWithin = 10 * time.Second

// hangingServer accepts connections on a Unix socket and never answers. It returns the socket's file.
func hangingServer(t *testing.T) (file string, accepted chan struct{}) {
	t.Helper()
	dir, err := os.MkdirTemp("", "guided") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	file, accepted = filepath.Join(dir, "native"), make(chan struct{}, 1000)
	l, err := net.Listen("unix", file)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			accepted <- struct{}{}
		}
	}()
	t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
	return file, accepted
}

// A signal ends every long work soon: the sound that is rendered, the speech program that hangs, the sound server that does
// not answer.
func TestSignalsEndLongWork(t *testing.T) {
	program := buildProgram(t)
	dir := isolate(t)
	socket, accepted := hangingServer(t)
	marker := filepath.Join(dir, "speaking")
	engine := filepath.Join(dir, "engine")
	writeFile(t, engine, "#!/bin/sh\ntrap '' TERM INT HUP\ntouch "+marker+"\nwhile :; do sleep 1; done\n")
	if err := os.Chmod(engine, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "hours.toml"), "title = \"Hours\"\n"+strings.Repeat("[[step]]\nhold = \"1h\"\n", 3))
	writeFile(t, filepath.Join(dir, "says.toml"), "title = \"Says\"\n[[step]]\nsay = \"Xylophones are never recorded.\"\n")
	settings := settingsFile(t, fmt.Sprintf("[audio]\noutput = \"pulse\"\n[mqtt]\nbroker = \"mqtt://%s\"\n[routines]\ndir = %q\n[web]\nlisten = \"\"\n[voice]\nengine = \"command\"\ncommand = [%q]\n",
		unusedAddress(t), dir, engine))
	hangup := make(chan os.Signal, 1) // under nohup the processes that are started here would ignore it; one that is caught here they do not
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for name, tt := range map[string]struct {
		args  []string
		began func() bool
	}{
		"render, writing": {[]string{"render", "hours", "-o", filepath.Join(dir, "out.wav")}, func() bool {
			hidden, _ := filepath.Glob(filepath.Join(dir, ".out*"))
			return len(hidden) > 0
		}},
		"render, while the speech program hangs": {[]string{"render", "says", "-o", filepath.Join(dir, "out.wav")}, func() bool { return os.Remove(marker) == nil }},
		"play, while the sound server hangs":     {[]string{"play", "hours"}, func() bool { <-accepted; return true }},
		"serve, while the speech program hangs":  {[]string{"serve"}, func() bool { return os.Remove(marker) == nil }},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
			if sig == syscall.SIGHUP && tt.args[0] == "serve" {
				continue // it reads its settings again
			}
			t.Run(fmt.Sprintf("%s: %v", name, sig), func(t *testing.T) {
				_ = os.Remove(marker) // of the test before, or none
				cmd := exec.Command(program, append([]string{"--config", settings}, tt.args...)...)
				cmd.Env = append(os.Environ(), "PULSE_SERVER=unix:"+socket)
				log, ended := startProcess(t, cmd)
				waitFor(t, "the work", tt.began)
				at := time.Now()
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatalf("%v\n%s", err, log)
				}
				select {
				case <-ended:
				case <-time.After(endsWithin):
					t.Fatalf("it has not ended after %v:\n%s", endsWithin, log)
				}
				t.Logf("ended %v after the signal: %v", time.Since(at).Round(time.Millisecond), cmd.ProcessState)
				if !cmd.ProcessState.Exited() {
					t.Errorf("it did not end in good order: %v", cmd.ProcessState)
				}
				if hidden, _ := filepath.Glob(filepath.Join(dir, ".out*")); len(hidden) > 0 {
					t.Errorf("it leaves %v", hidden)
				}
				if _, err := os.Stat(filepath.Join(dir, "out.wav")); err == nil {
					t.Error("it leaves half a file")
				}
			})
		}
	}
}
