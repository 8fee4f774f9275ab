package mqtt

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// DefaultAddress is where the embedded broker listens, and where [Send] and [Follow] look for it.
const DefaultAddress = "127.0.0.1:1883"

// A Broker is the embedded one. It keeps what is retained in memory only.
type Broker struct {
	server *mochi.Server
	door   *door
	done   sync.Once
}

// Embedded starts a broker at the address, or at [DefaultAddress] when that is "". It knows no users, so it listens
// on this machine only. Close must be called.
func Embedded(address string, log *slog.Logger) (*Broker, error) {
	if address == "" {
		address = DefaultAddress
	}
	if err := local(address); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("starting the embedded broker: %s is taken, most likely by a broker such as mosquitto; use that one with broker = \"mqtt://%s\" in [mqtt]: %w", address, address, err)
	case err != nil:
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	b := &Broker{
		server: mochi.New(&mochi.Options{
			Capabilities:           limits(),
			Logger:                 slog.New(whisper{log.Handler()}),
			SysTopicResendInterval: 60,
		}),
		door: &door{Listener: listener, inside: map[net.Conn]struct{}{}},
	}
	err = errors.Join(
		b.server.AddHook(new(welcome), nil),
		b.server.AddListener(listeners.NewNet("tcp", b.door)),
	)
	if err == nil {
		err = b.server.Serve()
	}
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	return b, nil
}

func local(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("the embedded broker's address %q: %w; write it as %s", address, err, DefaultAddress)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("the embedded broker asks for no password, so it cannot listen on %s; use %s, or install mosquitto to be reached from elsewhere", address, DefaultAddress)
	}
	return nil
}

// limits bounds what clients can cost us. What is retained must never expire: mochi's limit on the life of messages
// holds for our status and state as well, and took them away from an idle house after a day.
func limits() *mochi.Capabilities {
	c := mochi.NewDefaultServerCapabilities()
	c.MaximumClients = 64
	c.MaximumSessionExpiryInterval = 3600
	c.MaximumMessageExpiryInterval = 10 * 365 * 24 * 3600
	c.MaximumInflight = 256
	c.MaximumClientWritesPending = 256
	c.MaximumPacketSize = 256 << 10
	c.MinimumProtocolVersion = 4
	return c
}

// Address is what [Config] takes as Broker.
func (b *Broker) Address() string { return "mqtt://" + b.door.Addr().String() }

// Close ends the broker and its connections, and waits for them.
func (b *Broker) Close() {
	b.done.Do(func() {
		b.door.shut()
		b.server.Close()
	})
}
