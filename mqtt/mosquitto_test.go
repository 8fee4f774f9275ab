package mqtt

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A mosquitto is a real broker on a port of its own.
type mosquitto struct {
	t      *testing.T
	port   int
	dir    string
	scheme string
	cmd    *exec.Cmd
	ended  chan struct{}
}

func newMosquitto(t *testing.T, conf ...string) *mosquitto {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("mosquitto is not installed, and CI must test against it")
		}
		t.Skip("mosquitto is not installed")
	}
	if len(conf) == 0 {
		conf = []string{"allow_anonymous true"}
	}
	m := &mosquitto{t: t, dir: t.TempDir(), port: freePort(t), scheme: "mqtt"}
	m.configure(conf...)
	t.Cleanup(m.kill)
	m.start()
	return m
}

func freePort(t *testing.T) int {
	t.Helper()
	// Below the range that the kernel gives to outgoing connections, one of which could take the port in between.
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000)))
		if err == nil {
			defer l.Close()
			return l.Addr().(*net.TCPAddr).Port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func (m *mosquitto) configure(conf ...string) {
	head := fmt.Sprintf("listener %d 127.0.0.1\nuser root\npersistence false\nset_tcp_nodelay true\n", m.port)
	m.write("mosquitto.conf", head+strings.Join(conf, "\n")+"\n")
}

func (m *mosquitto) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.file(name), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mosquitto) file(name string) string { return filepath.Join(m.dir, name) }
func (m *mosquitto) url() string             { return fmt.Sprintf("%s://localhost:%d", m.scheme, m.port) }
func (m *mosquitto) address() string         { return fmt.Sprintf("127.0.0.1:%d", m.port) }

// start returns when the broker listens.
func (m *mosquitto) start() {
	m.t.Helper()
	m.cmd = exec.Command("mosquitto", "-c", m.file("mosquitto.conf"))
	var stderr strings.Builder
	m.cmd.Stderr = &stderr
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ended := make(chan struct{})
	m.ended = ended
	go func(c *exec.Cmd) { c.Wait(); close(ended) }(m.cmd)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		select {
		case <-ended:
			m.t.Fatalf("mosquitto ended at once: %s", stderr.String())
		default:
		}
		if c, err := net.Dial("tcp", m.address()); err == nil {
			c.Close()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	m.t.Fatal("mosquitto does not listen")
}

func (m *mosquitto) signal(s syscall.Signal) { m.cmd.Process.Signal(s) }

// kill ends the process with SIGKILL, and returns when it has ended.
func (m *mosquitto) kill() {
	if m.cmd != nil {
		m.signal(syscall.SIGKILL)
		<-m.ended
	}
}

// password sets the only user of the broker; a running broker reads it on SIGHUP.
func (m *mosquitto) password(user, password string) {
	m.t.Helper()
	out, err := exec.Command("mosquitto_passwd", "-b", "-c", m.file("users"), user, password).CombinedOutput()
	if err != nil {
		m.t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
}
