package output

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"guided/audio/audiotest"
)

// snapserver is a Snapcast server of the test's own, with the sources guided and music (tcp) and fifo (pipe).
type snapserver struct {
	t                       testing.TB
	dir, fifo               string
	source, stream, control string // addresses
	cmd                     *exec.Cmd
}

func startSnapserver(t testing.TB) *snapserver {
	t.Helper()
	return startSnapserverWith(t, snapcastFormat)
}

// startSnapserverWith starts a server whose sources guided and fifo have a sample format.
func startSnapserverWith(t testing.TB, sampleFormat string) *snapserver {
	t.Helper()
	audiotest.RequireProgram(t, "snapserver")
	audiotest.RequireProgram(t, "snapclient")
	dir := t.TempDir()
	s := &snapserver{t: t, dir: dir, fifo: filepath.Join(dir, "fifo"), source: freeAddress(t), stream: freeAddress(t), control: freeAddress(t)}
	settings := "[server]\ndatadir = " + dir + "\n[http]\nenabled = false\n"
	for section, address := range map[string]string{"tcp": s.control, "stream": s.stream} {
		host, port, _ := net.SplitHostPort(address)
		settings += fmt.Sprintf("[%s]\nenabled = true\nbind_to_address = %s\nport = %s\n", section, host, port)
		if section == "stream" {
			format := "&sampleformat=" + sampleFormat + "&codec=pcm\n"
			settings += "source = tcp://" + freeAddress(t) + "?mode=server&name=music&sampleformat=48000:16:2&codec=pcm\n"
			settings += "source = tcp://" + s.source + "?mode=server&name=guided" + format
			settings += "source = pipe://" + s.fifo + "?mode=create&name=fifo" + format
		}
	}
	if err := os.WriteFile(s.conf(), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	s.start()
	return s
}

func (s *snapserver) conf() string { return filepath.Join(s.dir, "conf") }

func (s *snapserver) log(program string) string { return filepath.Join(s.dir, program+".log") }

// underran tells whether the server or a client was late and made a gap of its own.
func (s *snapserver) underran(client string) bool {
	s.t.Helper()
	return bytes.Contains(audiotest.ReadFile(s.t, s.log("server")), []byte("onResync")) ||
		bytes.Contains(audiotest.ReadFile(s.t, s.log(client)), []byte("full() && (abs(")) // a hard resync of the client
}

// freeAddress is a loopback address that was free a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	// Below the range that the kernel gives to outgoing connections, one of which could take the port in between.
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

func (s *snapserver) start() {
	s.t.Helper()
	s.cmd = exec.Command("snapserver", "-c", s.conf(), "--logging.sink=file:"+s.log("server"))
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for _, address := range []string{s.stream, s.control} {
		audiotest.Eventually(s.t, "snapserver listens", func() bool {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
}

// kill sends SIGKILL and waits until the server has exited.
func (s *snapserver) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// signal sends SIGSTOP or SIGCONT.
func (s *snapserver) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// stop sends SIGTERM, as systemctl stop does: the server stores the streams of its groups, which a kill loses.
func (s *snapserver) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait() // its exit code is of no use
	s.cmd = nil
}

// withControl connects to the server's control, as another remote does.
func (s *snapserver) withControl(ask func(*snapcastControl) error) {
	s.t.Helper()
	c, err := dialSnapcastControl(context.Background(), s.control)
	if err == nil {
		defer c.close()
		err = ask(c)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// group is the group of a client.
func (s *snapserver) group(client string) (found snapcastGroup) {
	s.t.Helper()
	s.withControl(func(c *snapcastControl) error {
		status, err := c.status()
		for _, g := range status.Groups {
			if g.hasName(client) {
				found = g
			}
		}
		return err
	})
	return found
}

// waitPlays waits until the group of a client plays a stream.
func (s *snapserver) waitPlays(client, stream string) {
	s.t.Helper()
	audiotest.Eventually(s.t, client+" plays "+stream, func() bool { return s.group(client).Stream == stream })
}

// setStream switches the group of a client, as a user does.
func (s *snapserver) setStream(client, stream string) {
	s.t.Helper()
	group := s.group(client)
	s.withControl(func(c *snapcastControl) error { return c.setStream(group.ID, stream) })
}

// client starts a Snapcast client and records what it plays.
func (s *snapserver) client(name string) *recorder {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(s.stream)
	r := startRecorder(s.t, exec.Command("snapclient", "-h", host, "-p", port, "--hostID", name, "--logsink", "file:"+s.log(name), "--logfilter", "*:debug", "--player", "file:filename=stdout"))
	audiotest.Eventually(s.t, name+" is connected", func() bool { return s.group(name).ID != "" })
	return r
}
