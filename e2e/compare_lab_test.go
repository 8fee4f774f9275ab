package e2e

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// lab is what programs are measured in: a PulseAudio server with a null sink named out, a mosquitto, a home folder and
// settings of its own, on loopback and private sockets. It ends what it has started, by process group.
type lab struct {
	t         *testing.T
	dir       string // short, for the sockets
	env       []string
	port      string // of the broker
	pulse     *labProcess
	publisher net.Conn

	mu   sync.Mutex
	last map[string]arrival // the last message of each topic
}

type arrival struct {
	payload string
	at      time.Time
}

// labProcess is a program in a process group of its own.
type labProcess struct {
	*exec.Cmd
	began time.Time
	log   *syncBuffer
	ended chan struct{}
}

func newLab(t *testing.T) *lab {
	t.Helper()
	dir, err := os.MkdirTemp("", "guided")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l := &lab{t: t, dir: dir, port: freePort(t), last: map[string]arrival{}}
	socket := l.path("native")
	for _, name := range os.Environ() {
		key, _, _ := strings.Cut(name, "=")
		if !strings.HasPrefix(key, "PULSE_") && !strings.HasPrefix(key, "XDG_") && !strings.HasPrefix(key, "DBUS_") && key != "HOME" && key != "DISPLAY" {
			l.env = append(l.env, name)
		}
	}
	l.env = append(l.env, "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "XDG_STATE_HOME="+l.path("state"), "XDG_CACHE_HOME="+l.path("cache"),
		"XDG_CONFIG_HOME="+l.path("config"), "PULSE_SERVER=unix:"+socket)
	writeFile(t, l.path(".asoundrc"), "pcm.!default { type pulse }\nctl.!default { type pulse }\n"+
		"pcm.void { type null }\npcm.file { type file slave.pcm void file /dev/null format raw }\n")
	writeFile(t, l.path("mosquitto.conf"), "listener "+l.port+" 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n")
	l.pulse = l.start("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disallow-exit", "--log-level=error",
		"-L", "module-null-sink sink_name=out format=s16le rate=48000 channels=2",
		"-L", "module-native-protocol-unix auth-anonymous=1 socket="+socket)
	l.start("mosquitto", "-c", l.path("mosquitto.conf"))
	waitForListener(t, "the sound server", "unix", socket)
	waitForListener(t, "mosquitto", "tcp", "127.0.0.1:"+l.port)
	l.connect()
	return l
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// start starts a program, which is ended with the test.
func (l *lab) start(program string, args ...string) *labProcess {
	l.t.Helper()
	return l.startCommand(exec.Command(program, args...))
}

func (l *lab) startCommand(cmd *exec.Cmd) *labProcess {
	l.t.Helper()
	p := &labProcess{Cmd: cmd, log: &syncBuffer{}, ended: make(chan struct{})}
	cmd.Env = append(l.env, cmd.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM} // also when the test is interrupted
	cmd.WaitDelay = time.Second
	if cmd.Stdout == nil {
		cmd.Stdout = p.log
	}
	cmd.Stderr = p.log
	p.began = time.Now()
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(p.ended) }() // its state says how it ended
	l.t.Cleanup(p.end)
	return p
}

// end asks the process group to end, and kills it after some seconds. It may be called again.
func (p *labProcess) end() {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-p.ended:
			return
		default:
			_ = syscall.Kill(-p.Process.Pid, sig)
		}
		select {
		case <-p.ended:
		case <-time.After(5 * time.Second):
		}
	}
	<-p.ended
}

// run runs a program to its end and returns what it prints; failing is fatal.
func (l *lab) run(program string, args ...string) string {
	l.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = l.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// connect opens the connection that publishes, and one that notes every message of guided.
func (l *lab) connect() {
	client := connectMQTT(l.t, l.port)
	l.t.Cleanup(func() { client.Disconnect(100) })
	token := client.Subscribe("guided/bench/#", 1, func(_ paho.Client, m paho.Message) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.last[filepath.Base(m.Topic())] = arrival{string(m.Payload()), time.Now()}
	})
	if !token.WaitTimeout(deadline) || token.Error() != nil {
		l.t.Fatal("the broker refuses the subscription: ", token.Error())
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+l.port)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	// MQTT 3.1.1, a clean session without keep-alive (section 3.1).
	hello := append([]byte{0x10, 0, 0, 4}, "MQTT\x04\x02\x00\x00\x00\x07trigger"...)
	hello[1] = byte(len(hello) - 2)
	if _, err = conn.Write(hello); err == nil {
		_, err = conn.Read(make([]byte, 4))
	}
	if err != nil {
		l.t.Fatal("the broker refuses the publisher: ", err)
	}
	l.publisher = conn
}

// publish sends a short message at QoS 0 and returns the moment before it entered the socket: no library in between waits.
func (l *lab) publish(topic, payload string) time.Time {
	l.t.Helper()
	packet := binary.BigEndian.AppendUint16([]byte{0x30, byte(2 + len(topic) + len(payload))}, uint16(len(topic)))
	packet = append(append(packet, topic...), payload...)
	if len(packet) > 127 {
		l.t.Fatal("the message is longer than one byte of length tells")
	}
	at := time.Now()
	if _, err := l.publisher.Write(packet); err != nil {
		l.t.Fatal(err)
	}
	return at
}

// command publishes a command for guided.
func (l *lab) command(words string) time.Time {
	l.t.Helper()
	return l.publish("guided/bench/command", words)
}

// await waits until the last message of a topic holds a text and came after a moment, and returns when it came. A command that
// is refused meanwhile is fatal.
func (l *lab) await(topic, text string, since time.Time) time.Time {
	l.t.Helper()
	var found time.Time
	waitFor(l.t, "the topic "+topic+" to hold "+text, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if r := l.last["response"]; r.at.After(since) && strings.Contains(r.payload, `"status":"error"`) {
			l.t.Fatal("it is refused: ", r.payload)
		}
		m := l.last[topic]
		found = m.at
		return strings.Contains(strings.ReplaceAll(m.payload, " ", ""), text) && m.at.After(since)
	})
	return found
}

// settings writes the settings of a guided that plays to an output, with other sections behind.
func (l *lab) settings(output, others string) string {
	l.t.Helper()
	file := l.path("guided.toml")
	writeFile(l.t, file, fmt.Sprintf("node = \"bench\"\n[mqtt]\nbroker = \"mqtt://127.0.0.1:%s\"\n[audio]\noutput = %q\nlead_in = \"0s\"\nvolume = 100\n[routines]\ndir = %q\n%s",
		l.port, output, l.path("routines"), others))
	return file
}

// noPage turns the page off, so that what is measured is the player.
const noPage = "[web]\nlisten = \"\"\n"

// serve starts the daemon and waits until it is online and has nothing to do.
func (l *lab) serve(program, settings string, env ...string) *labProcess {
	l.t.Helper()
	cmd := exec.Command(program, "--config", settings, "serve")
	cmd.Env = env
	p := l.startCommand(cmd)
	l.await("status", "online", p.began)
	l.await("state", `"state":"idle"`, p.began)
	l.settle(p)
	return p
}

// settle waits until a process has used hardly any CPU for a second, or for a minute.
func (l *lab) settle(p *labProcess) {
	const busy = 20 * time.Millisecond
	before := processCPU(l.t, p.Process.Pid)
	for range 60 {
		wait(l.t, time.Second)
		now := processCPU(l.t, p.Process.Pid)
		if now-before < busy {
			return
		}
		before = now
	}
}

// wait passes the time of a measurement.
func wait(t *testing.T, d time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

// mpd starts a Music Player Daemon over the folder of the inputs, with an mpc for each message on the topic trigger.
func (l *lab) mpd(inputs string) *labProcess {
	l.t.Helper()
	port := freePort(l.t)
	l.env = append(l.env, "MPD_HOST=127.0.0.1", "MPD_PORT="+port)
	writeFile(l.t, l.path("mpd.conf"), fmt.Sprintf("music_directory %q\ndb_file %q\nlog_file %q\nbind_to_address \"127.0.0.1\"\nport %q\nzeroconf_enabled \"no\"\n"+
		"audio_output {\n type \"pulse\"\n name \"out\"\n sink \"out\"\n mixer_type \"none\"\n}\n", inputs, l.path("mpd.db"), l.path("mpd.log"), port))
	p := l.start("mpd", "--no-daemon", l.path("mpd.conf"))
	waitForListener(l.t, "mpd", "tcp", "127.0.0.1:"+port)
	l.run("mpc", "-q", "update", "--wait")
	l.start("sh", "-c", "mosquitto_sub -p "+l.port+" -t trigger | while read -r message; do mpc -q play; done")
	waitFor(l.t, "mosquitto_sub", func() bool { // it says nothing when it has subscribed
		l.publish("trigger", "x")
		wait(l.t, 100*time.Millisecond)
		return strings.Contains(l.run("mpc", "status"), "consume") // mpd answers
	})
	l.run("mpc", "-q", "stop")
	return p
}
