package mqtt

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// newGuarded is an embedded broker with the daemon as its own client, and what the broker logs.
func newGuarded(t *testing.T) (*Broker, *daemon, *logRecorder) {
	t.Helper()
	log := &logRecorder{}
	broker, err := StartBroker("127.0.0.1:0", slog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	options := testOptions(broker.Address())
	options.Config = broker.Own(options.Config)
	d := startDaemon(t, options, defaultLimits())
	newTestClient(t, broker.Address()).await(0, "guided/mat/status", "online")
	return broker, d, log
}

// checkServed checks that the daemon was never thrown out and still answers.
func checkServed(t *testing.T, broker *Broker, d *daemon) {
	t.Helper()
	if r, err := Send(t.Context(), testOptions(broker.Address()), "stop"); err != nil || r.Status != "ok" {
		t.Errorf("Send: %+v, %v", r, err)
	}
	if lines := d.log.with("broker"); len(lines) != 1 || !strings.Contains(lines[0], "connected") {
		t.Errorf("the daemon logged %q", lines)
	}
}

func dialMany(t *testing.T, broker *Broker, many int) {
	t.Helper()
	var all []net.Conn
	for range many {
		c, err := net.Dial("tcp", broker.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	t.Cleanup(func() {
		for _, c := range all {
			c.Close()
		}
	})
	eventually(t, "the oldest silent connections are closed", func() bool {
		broker.listener.mu.Lock()
		defer broker.listener.mu.Unlock()
		return len(broker.listener.open) <= maxGreeting+maxClients
	})
}

func TestBrokerWithManyConnectionsThatNeverSpeak(t *testing.T) {
	broker, d, _ := newGuarded(t)
	dialMany(t, broker, 500)
	checkServed(t, broker, d)
}

func connectMany(t *testing.T, url string, many int, with func(i int, o *paho.ClientOptions)) (refused int, err error) {
	t.Helper()
	for i := range many {
		o := paho.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprint("many-", i)).SetAutoReconnect(false).SetProtocolVersion(4)
		if with != nil {
			with(i, o)
		}
		c := paho.NewClient(o)
		token := c.Connect()
		token.Wait()
		if token.Error() != nil {
			refused, err = refused+1, token.Error()
			continue
		}
		t.Cleanup(func() { c.Disconnect(0) })
	}
	return refused, err
}

func TestBrokerWithTooManyClients(t *testing.T) {
	broker, d, log := newGuarded(t)
	refused, err := connectMany(t, broker.Address(), maxClients+10, nil)
	if refused < 10 || err == nil {
		t.Errorf("%d were refused: %v", refused, err)
	}
	if n := len(log.with("all the clients")); n != 1 {
		t.Errorf("logged %d times", n)
	}
	options := d.options
	d.stop() // our own client comes back into the full broker
	again := startDaemon(t, options, defaultLimits())
	eventually(t, "it is connected", func() bool { return len(again.log.with("broker connected")) == 1 })
}

func TestBrokerWithTooManySessions(t *testing.T) {
	broker, d, log := newGuarded(t)
	for i := range maxSessions + 10 {
		o := paho.NewClientOptions().AddBroker(broker.Address()).SetClientID(fmt.Sprint("away-", i)).SetAutoReconnect(false).
			SetProtocolVersion(4).SetCleanSession(false)
		c := paho.NewClient(o)
		if token := c.Connect(); token.Wait() && token.Error() == nil {
			c.Disconnect(0)
		}
	}
	if n := broker.server.Clients.Len(); n > maxSessions+8 {
		t.Errorf("%d sessions are kept", n)
	}
	if n := len(log.with("all the sessions")); n != 1 {
		t.Errorf("logged %d times", n)
	}
	if lines := d.log.with("broker"); len(lines) != 1 {
		t.Errorf("the daemon logged %q", lines)
	}
}

func TestBrokerKeepsTheClientIDOfOurOwnClient(t *testing.T) {
	broker, d, _ := newGuarded(t)
	refused, _ := connectMany(t, broker.Address(), 3, func(_ int, o *paho.ClientOptions) { o.SetClientID(d.options.clientID()) })
	if refused != 3 {
		t.Errorf("%d of 3 were refused", refused)
	}
	checkServed(t, broker, d)
}

func TestBrokerWithTooMuchRetained(t *testing.T) {
	for situation, c := range map[string]struct{ many, size int }{"topics": {maxRetained + 50, 1}, "bytes": {60, 100 << 10}} {
		t.Run(situation, func(t *testing.T) {
			broker, d, log := newGuarded(t)
			client := newTestClient(t, broker.Address())
			payload := strings.Repeat("x", c.size)
			for i := range c.many {
				client.publishRetained(fmt.Sprint("full/", i), payload)
			}
			broker.guard.mu.Lock()
			topics, bytes := len(broker.guard.retained), broker.guard.retainedBytes
			broker.guard.mu.Unlock()
			if topics > maxRetained+3 || bytes > maxRetainedBytes+1000 {
				t.Errorf("%d topics with %d bytes are retained", topics, bytes)
			}
			if n := len(log.with("all the retained messages")); n != 1 {
				t.Errorf("logged %d times", n)
			}
			checkServed(t, broker, d)
			for i := range c.many { // room again
				client.publishRetained(fmt.Sprint("full/", i), "")
			}
			client.publishRetained("full/again", "room")
			broker.guard.mu.Lock()
			defer broker.guard.mu.Unlock()
			if _, is := broker.guard.retained["full/again"]; !is || broker.guard.retainedBytes > 1000 {
				t.Errorf("after clearing %d bytes are counted", broker.guard.retainedBytes)
			}
		})
	}
}

func TestBrokerWithTooManySubscriptions(t *testing.T) {
	broker, d, log := newGuarded(t)
	client := newTestClient(t, broker.Address())
	refused := 0
	for i := range maxSubscriptions + 20 {
		token := client.client.Subscribe(fmt.Sprint("many/", i), 1, nil)
		client.must(tokenWithoutError{token})
		if token.(*paho.SubscribeToken).Result()[fmt.Sprint("many/", i)] == 0x80 {
			refused++
		}
	}
	if refused < 20 || len(log.with("subscriptions")) != 1 {
		t.Errorf("%d subscriptions were refused; logged %q", refused, log.with(""))
	}
	checkServed(t, broker, d)
}

// tokenWithoutError is a token whose refusal is expected.
type tokenWithoutError struct{ paho.Token }

func (tokenWithoutError) Error() error { return nil }

func TestBrokerWithTooLargePacketsAndWills(t *testing.T) {
	broker, d, _ := newGuarded(t)
	for range 3 {
		client := newTestClient(t, broker.Address())
		client.client.Publish("huge", 0, false, strings.Repeat("x", 2*maxPacket))
		eventually(t, "the sender is thrown out", func() bool { return !client.client.IsConnectionOpen() })
	}
	reader := newTestClient(t, broker.Address())
	reader.must(reader.client.Subscribe("last/will", 1, func(_ paho.Client, m paho.Message) {
		reader.mu.Lock()
		defer reader.mu.Unlock()
		reader.messages = append(reader.messages, received{m.Topic(), string(m.Payload()), false})
		close(reader.changed)
		reader.changed = make(chan struct{})
	}))
	conn, err := net.Dial("tcp", broker.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	o := paho.NewClientOptions().AddBroker(broker.Address()).SetClientID("dying").SetAutoReconnect(false).SetProtocolVersion(4).
		SetWill("last/will", "w"+strings.Repeat("x", 100<<10), 1, true)
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return conn, nil })
	dying := paho.NewClient(o)
	reader.must(dying.Connect())
	conn.(*net.TCPConn).CloseWrite() // an end without DISCONNECT
	n := reader.await(0, "last/will", "w")
	if size := len(reader.all()[n-1].payload); size > maxWill {
		t.Errorf("the last will has %d bytes", size)
	}
	checkServed(t, broker, d)
}

func TestBrokerWithSubscriberThatDoesNotRead(t *testing.T) {
	broker, d, _ := newGuarded(t)
	client := newTestClient(t, broker.Address())
	conn, err := net.Dial("tcp", broker.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04slow"))
	conn.Write([]byte("\x82\x0d\x00\x01\x00\x08flood/it\x00"))
	time.Sleep(50 * time.Millisecond) // it is subscribed or not: both must do
	for range 200 {
		client.publish("flood/it", strings.Repeat("x", 100<<10))
	}
	checkServed(t, broker, d)
}
