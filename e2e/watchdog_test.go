package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guided/cli"
	"guided/player"
)

// systemd hears that the daemon works while there is no broker, and while the sound server takes its connection and then hangs: it
// would do no good to start it again and again.
func TestWatchdogIsFed(t *testing.T) {
	program := buildProgram(t)
	m := newMachine(t, "[audio]\noutput = \"pulse\"\n[voice]\nengine = \"none\"\n")
	dir, err := os.MkdirTemp("", "guided") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	listen := func(name string) (file string, told <-chan string) {
		file = filepath.Join(dir, name)
		socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: file, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { socket.Close() })
		messages := make(chan string, 1000)
		go func() {
			buffer := make([]byte, 4096)
			for {
				n, err := socket.Read(buffer)
				if err != nil {
					return
				}
				messages <- string(buffer[:n])
			}
		}()
		return file, messages
	}
	wantFed := func(t *testing.T, told <-chan string) {
		t.Helper()
		for fed := 0; fed < 2; {
			select {
			case message := <-told:
				if strings.Contains(message, "WATCHDOG=1") {
					fed++
				}
			case <-time.After(30 * time.Second):
				t.Fatal("systemd hears nothing")
			}
		}
	}
	serve := func(t *testing.T, settings, socket string) {
		t.Helper()
		daemon := exec.Command(program, "--config", settings, "serve")
		daemon.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=1500000")
		startProcess(t, daemon)
	}
	t.Run("without a broker", func(t *testing.T) {
		socket, told := listen("alone")
		serve(t, settingsFile(t, fmt.Sprintf("[audio]\noutput = \"null\"\n[mqtt]\nbroker = \"mqtt://%s\"\n[web]\nlisten = \"\"\n", unusedAddress(t))), socket)
		wantFed(t, told)
	})
	t.Run("the sound server hangs", func(t *testing.T) {
		server, accepted := hangingServer(t)
		socket, told := listen("hanging")
		t.Setenv("PULSE_SERVER", "unix:"+server)
		seen := m.observe()
		serve(t, m.config, socket)
		waitFor(t, "the first state", func() bool { return seen.lastState().State == player.Idle })
		if code, out := m.run("send", "start", "4-4-6"); code != cli.Done {
			t.Fatalf("%d: %s", code, out)
		}
		<-accepted
		for len(told) > 0 {
			<-told
		}
		wantFed(t, told)
	})
}
