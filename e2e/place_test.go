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

// need skips a test for want of a program, and fails it where everything must be there.
func need(t *testing.T, program string) string {
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

// place is a machine of its own for one test: settings, folders and a real mosquitto on a free port.
type place struct {
	t      *testing.T
	config string
	broker string
	port   string
	stop   func()
}

func newPlace(t *testing.T, settings string) *place {
	t.Helper()
	need(t, "mosquitto")
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
	p := &place{t: t, port: port, broker: "mqtt://127.0.0.1:" + port, config: filepath.Join(dir, "guided.toml")}
	text := fmt.Sprintf("node = \"mat\"\n[web]\nlisten = \"\"\n[mqtt]\nbroker = %q\n[routines]\ndir = %q\n%s", p.broker, filepath.Join(dir, "routines"), settings)
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.start()
	t.Cleanup(func() { p.stop() })
	return p
}

// start runs mosquitto, and waits until it listens.
func (p *place) start() {
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
	p.stop = func() { cmd.Process.Kill(); <-gone }
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

// daemon runs `guided serve` in this process, until the test ends.
func (p *place) daemon() *logBook {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &logBook{}
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

// logBook is a log that may be read while it is written.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// guided runs one command of the program.
func (p *place) guided(args ...string) (int, string) {
	var out bytes.Buffer
	code := cli.Run(context.Background(), append([]string{"--config", p.config}, args...), &out, &out)
	return code, out.String()
}

// follower hears what a daemon tells.
type follower struct {
	mu     sync.Mutex
	states []player.State
	events []player.Event
	phases []player.Phase
}

func (p *place) follow() *follower {
	f := &follower{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil { // the broker may go and come back
			_ = mqtt.Follow(ctx, mqtt.Options{Config: mqtt.Config{Prefix: "guided", Broker: p.broker}, Node: "mat"}, f.take)
		}
	})
	p.t.Cleanup(func() { cancel(); running.Wait() })
	return f
}

func (f *follower) take(topic string, payload []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch filepath.Base(topic) {
	case "state":
		f.states = append(f.states, parsed[player.State](payload))
	case "event":
		f.events = append(f.events, parsed[player.Event](payload))
	case "phase":
		f.phases = append(f.phases, parsed[player.Phase](payload))
	}
}

func parsed[T any](payload []byte) (v T) {
	_ = json.Unmarshal(payload, &v) // a message that cannot be read is an empty one, and the test says so
	return v
}

func (f *follower) last() player.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.states) == 0 {
		return player.State{}
	}
	return f.states[len(f.states)-1]
}

func (f *follower) saw(event string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Type == event {
			return true
		}
	}
	return false
}
