package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"guided/cli"
	"guided/mqtt"
	"guided/player"
)

// requireProgram skips a test for want of a program, and fails it where everything must be there.
func requireProgram(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, and CI=true allows no skip", program)
	}
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	return path
}

// machine is a machine of its own for one test: settings, folders and a real mosquitto on a free port.
type machine struct {
	t          *testing.T
	config     string
	broker     string
	port       string
	stopBroker func()
}

func newMachine(t *testing.T, settings string) *machine {
	t.Helper()
	requireProgram(t, "mosquitto")
	dir := t.TempDir()
	for _, name := range []string{"XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, filepath.Join(dir, name))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	p := &machine{t: t, port: port, broker: "mqtt://127.0.0.1:" + port, config: filepath.Join(dir, "guided.toml")}
	text := fmt.Sprintf("node = \"mat\"\n[web]\nlisten = \"\"\n[mqtt]\nbroker = %q\n[routines]\ndir = %q\n%s", p.broker, filepath.Join(dir, "routines"), settings)
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.startBroker()
	t.Cleanup(func() { p.stopBroker() })
	return p
}

// startBroker runs mosquitto, and waits until it listens.
func (p *machine) startBroker() {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "mosquitto.conf")
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\npersistence false\n", p.port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command("mosquitto", "-c", file)
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { cmd.Wait(); close(gone) }()
	p.stopBroker = func() { cmd.Process.Kill(); <-gone }
	waitFor(p.t, 10*time.Second, "mosquitto to listen", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+p.port)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func waitFor(t *testing.T, most time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(most); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", most, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// startDaemon runs `guided serve` in this process, until the test ends.
func (p *machine) startDaemon() *syncBuffer {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &syncBuffer{}
	code := make(chan int, 1)
	go func() { code <- cli.Run(ctx, []string{"--config", p.config, "serve"}, log, log) }()
	p.t.Cleanup(func() {
		cancel()
		if c := <-code; c != cli.Done {
			p.t.Errorf("serve ended with %d:\n%s", c, log)
		}
	})
	return log
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *syncBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *syncBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// run runs one command of the program.
func (p *machine) run(args ...string) (int, string) {
	var out bytes.Buffer
	code := cli.Run(context.Background(), append([]string{"--config", p.config}, args...), &out, &out)
	return code, out.String()
}

// observer hears what a daemon tells.
type observer struct {
	mu     sync.Mutex
	states []player.State
	events []player.Event
	phases []player.Phase
}

func (p *machine) observe() *observer {
	f := &observer{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil { // the broker may go and come back
			_ = mqtt.Follow(ctx, mqtt.Config{Node: "mat", Prefix: "guided", Broker: p.broker}, f.receive)
		}
	})
	p.t.Cleanup(func() { cancel(); running.Wait() })
	return f
}

func (f *observer) receive(topic string, payload []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch filepath.Base(topic) {
	case "state":
		f.states = append(f.states, decode[player.State](payload))
	case "event":
		f.events = append(f.events, decode[player.Event](payload))
	case "phase":
		f.phases = append(f.phases, decode[player.Phase](payload))
	}
}

func decode[T any](payload []byte) (v T) {
	_ = json.Unmarshal(payload, &v) // a message that cannot be read is an empty one, and the test says so
	return v
}

func (f *observer) lastState() player.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.states) == 0 {
		return player.State{}
	}
	return f.states[len(f.states)-1]
}

func (f *observer) sawEvent(event string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Type == event {
			return true
		}
	}
	return false
}

// isolate gives a test a home of its own.
func isolate(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, dir)
	}
	return dir
}

func settingsFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guided.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func writeRoutine(t *testing.T, p *machine, name, text string) {
	t.Helper()
	dir := filepath.Join(filepath.Dir(p.config), "routines")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const shortRoutine = `title = "Short"
[[step]]
breathe = "1-1"
for = "1 breath"
[[step]]
name = "Stay"
hold = "1s"
`

const longRoutine = "title = \"Long\"\n[[step]]\nname = \"First\"\nhold = \"10m\"\n[[step]]\nname = \"Second\"\nhold = \"10m\"\n"

// newMachineOnBroker is a second daemon's settings on the broker of another, under the same node.
func newMachineOnBroker(t *testing.T, p *machine) *machine {
	data, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	q := &machine{t: t, broker: p.broker, port: p.port, config: filepath.Join(t.TempDir(), "guided.toml")}
	if err := os.WriteFile(q.config, data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	return q
}

// unusedAddress is an address of this machine where nobody listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	return door.Addr().String()
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runCommand runs one command as a user without settings of his own would.
func runCommand(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	var out, complaint bytes.Buffer
	code := cli.Run(context.Background(), args, &out, &complaint)
	return code, out.String(), complaint.String()
}

const silentSettings = "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[voice]\nengine = \"none\"\n"
