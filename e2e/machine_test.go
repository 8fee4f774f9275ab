package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"guided/cli"
	"guided/mqtt"
	"guided/player"
)

// requireProgram returns the path of a program. Where it is not installed the test is skipped, or, with CI=true, fails.
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

// machine is what one daemon runs on: a settings file, folders, and a mosquitto on a free port of loopback.
type machine struct {
	t          *testing.T
	config     string
	broker     string
	port       string
	stopBroker func()
}

// servePage lets the daemon serve its page on a free port of loopback, and returns the URL of it, without a slash.
func (m *machine) servePage() string {
	m.t.Helper()
	text, err := os.ReadFile(m.config)
	if err != nil {
		m.t.Fatal(err)
	}
	address := "127.0.0.1:" + freePort(m.t)
	text = bytes.Replace(text, []byte("[web]\nlisten = \"\""), []byte(fmt.Sprintf("[web]\nlisten = %q", address)), 1)
	if err := os.WriteFile(m.config, text, 0o600); err != nil {
		m.t.Fatal(err)
	}
	return "http://" + address
}

func newMachine(t *testing.T, settings string) *machine {
	t.Helper()
	requireProgram(t, "mosquitto")
	dir := t.TempDir()
	for _, name := range []string{"XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, filepath.Join(dir, name))
	}
	port := freePort(t)
	m := &machine{t: t, port: port, broker: "mqtt://127.0.0.1:" + port, config: filepath.Join(dir, "guided.toml")}
	text := fmt.Sprintf("node = \"mat\"\n[web]\nlisten = \"\"\n[mqtt]\nbroker = %q\n[routines]\ndir = %q\n%s", m.broker, filepath.Join(dir, "routines"), settings)
	if err := os.WriteFile(m.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.startBroker()
	t.Cleanup(func() { m.stopBroker() })
	return m
}

// startBroker starts mosquitto and waits until it listens.
func (m *machine) startBroker() {
	m.t.Helper()
	file := filepath.Join(m.t.TempDir(), "mosquitto.conf")
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\npersistence false\n", m.port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.Command("mosquitto", "-c", file)
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	m.stopBroker = func() { cmd.Process.Kill(); <-exited }
	waitForListener(m.t, "mosquitto", "tcp", "127.0.0.1:"+m.port)
}

// deadline ends a wait for something that should take a second. It is long, because other tests load the machine.
const deadline = time.Minute

// waitFor fails the test when ok does not return true before the deadline.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", deadline, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// waitForListener fails the test when nothing accepts connections before the deadline.
func waitForListener(t *testing.T, what, network, address string) {
	t.Helper()
	waitFor(t, what+" to listen", func() bool {
		c, err := net.Dial(network, address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// startDaemon runs `guided serve` in this process until the test ends, and returns its log.
func (m *machine) startDaemon() *syncBuffer {
	m.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &syncBuffer{}
	code := make(chan int, 1)
	go func() { code <- cli.Run(ctx, []string{"--config", m.config, "serve"}, log, log) }()
	m.t.Cleanup(func() {
		cancel()
		if c := <-code; c != cli.Done {
			m.t.Errorf("serve ended with %d:\n%s", c, log)
		}
	})
	return log
}

// syncBuffer is a buffer that may be read while it is written.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.String()
}

// run runs one command and returns its exit code and output.
func (m *machine) run(args ...string) (int, string) {
	var out bytes.Buffer
	code := cli.Run(context.Background(), append([]string{"--config", m.config}, args...), &out, &out)
	return code, out.String()
}

// observer records the messages of a daemon.
type observer struct {
	mu     sync.Mutex
	states []player.State
	events []player.Event
	phases []player.Phase
}

// observe records the messages of the daemon until the test ends.
func (m *machine) observe() *observer {
	o := &observer{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil { // the test may restart the broker
			_ = mqtt.Follow(ctx, mqtt.Options{Config: mqtt.Config{Prefix: "guided", Broker: m.broker}, Node: "mat"}, o.receive)
		}
	})
	m.t.Cleanup(func() { cancel(); running.Wait() })
	return o
}

func (o *observer) receive(topic string, payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch filepath.Base(topic) {
	case "state":
		o.states = append(o.states, decode[player.State](payload))
	case "event":
		o.events = append(o.events, decode[player.Event](payload))
	case "phase":
		o.phases = append(o.phases, decode[player.Phase](payload))
	}
}

func decode[T any](payload []byte) (v T) {
	_ = json.Unmarshal(payload, &v) // a message that cannot be decoded is empty, and fails the test
	return v
}

func (o *observer) lastState() player.State {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.states) == 0 {
		return player.State{}
	}
	return o.states[len(o.states)-1]
}

// forgetStates lets lastState be empty until the next state comes.
func (o *observer) forgetStates() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.states = nil
}

// countEvents returns how many events of a type were received.
func (o *observer) countEvents(event string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.events {
		if e.Type == event {
			n++
		}
	}
	return n
}

func (o *observer) sawEvent(event string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.events {
		if e.Type == event {
			return true
		}
	}
	return false
}

// isolate gives a test its own home folder.
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
	writeFile(t, file, text)
	return file
}

// writeRoutine writes a routine into the folder of routines of a machine.
func writeRoutine(t *testing.T, m *machine, name, text string) {
	t.Helper()
	writeFile(t, filepath.Join(filepath.Dir(m.config), "routines", name+".toml"), text)
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

// newMachineOnBroker is a machine with the broker, the settings and so the node of another.
func newMachineOnBroker(t *testing.T, m *machine) *machine {
	data, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	second := &machine{t: t, broker: m.broker, port: m.port, config: filepath.Join(t.TempDir(), "guided.toml")}
	if err := os.WriteFile(second.config, data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	return second
}

// unusedAddress is an address of loopback on which nothing listens.
func unusedAddress(t *testing.T) string {
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

func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(unusedAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
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

// runCommand runs one command without a machine.
func runCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// silentSettings are those of a daemon that plays to nothing and speaks only what is recorded.
const silentSettings = "[audio]\noutput = \"null\"\nlead_in = \"0s\"\n[voice]\nengine = \"none\"\n"

// connectMQTT connects a client to the mosquitto on a port of loopback.
func connectMQTT(t *testing.T, port string) paho.Client {
	t.Helper()
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://127.0.0.1:" + port).SetAutoReconnect(false))
	if token := client.Connect(); !token.WaitTimeout(deadline) || token.Error() != nil {
		t.Fatal("the broker refuses the connection: ", token.Error())
	}
	return client
}

// retainedTopics lists the topics of all retained messages, without those of the broker ($SYS).
func retainedTopics(t *testing.T, port string) []string {
	t.Helper()
	client := connectMQTT(t, port)
	defer client.Disconnect(100)
	// The broker sends the retained messages before later ones: a message of our own marks the end.
	const end = "test/end"
	retained := make(chan string, 1000)
	token := client.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		if m.Retained() || m.Topic() == end {
			retained <- m.Topic()
		}
	})
	if !token.WaitTimeout(deadline) || token.Error() != nil {
		t.Fatal("the broker refuses the subscription: ", token.Error())
	}
	client.Publish(end, 1, false, "end")
	topics := []string{}
	for timeout := time.After(deadline); ; {
		select {
		case topic := <-retained:
			if topic == end {
				return topics
			}
			topics = append(topics, topic)
		case <-timeout:
			t.Fatal("the broker does not send back our message")
		}
	}
}
