package mqtt

import (
	"context"
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

// A Broker is the embedded broker. Its retained messages live in memory only.
type Broker struct {
	server   *mochi.Server
	listener *trackingListener
	guard    *guard
	done     sync.Once
}

// StartBroker starts a broker at the address, or at [DefaultAddress] when that is "". It asks for no
// password, so it listens on loopback only. Close must be called.
func StartBroker(address string, log *slog.Logger) (*Broker, error) {
	if address == "" {
		address = DefaultAddress
	}
	if err := checkLoopback(address); err != nil {
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
			Capabilities: capabilities(),
			Logger:       slog.New(debugHandler{log.Handler()}),
		}),
		listener: &trackingListener{Listener: listener, open: map[*trackedConn]struct{}{}},
	}
	b.guard = newGuard(b.server, log)
	err = errors.Join(
		b.server.AddHook(b.guard, nil),
		b.server.AddListener(listeners.NewNet("tcp", b.listener)),
	)
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	// Not by its Serve, which would begin a loop of tickers as well, and topics of $SYS that nobody reads: see expiry.
	b.server.Listeners.ServeAll(b.server.EstablishConnection)
	return b, nil
}

// checkLoopback refuses an address that other machines can reach.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("the embedded broker's address %q: %w; write it as %s", address, err, DefaultAddress)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("the embedded broker asks for no password, so it cannot listen on %s; use %s, or install mosquitto to be reached from elsewhere", address, DefaultAddress)
	}
	return nil
}

// capabilities bounds what clients can use up. Retained messages must never expire: mochi's limit on the age of messages
// holds for them too, and would delete status and state of an idle daemon after a day.
func capabilities() *mochi.Capabilities {
	c := mochi.NewDefaultServerCapabilities()
	c.MaximumClients = maxClients + 8 // the guard counts; our own client comes in while its former connection ends
	c.MaximumSessionExpiryInterval = sessionKept
	c.MaximumMessageExpiryInterval = 10 * 365 * 24 * 3600
	c.MaximumInflight = 256
	c.MaximumClientWritesPending = 256
	c.MaximumPacketSize = maxPacket
	c.MinimumProtocolVersion = 4
	return c
}

// Own is c for our own client of the broker: with its address, and a login by which the broker keeps it a place.
func (b *Broker) Own(c Config) Config {
	c.Broker, c.User, c.Password, c.PasswordFile = b.Address(), ownUser, b.guard.password, ""
	c.CAFile, c.CertFile, c.KeyFile = "", "", ""
	return c
}

// Address is the broker's address as it stands in [Config.Broker].
func (b *Broker) Address() string { return "mqtt://" + b.listener.Addr().String() }

// Close closes all connections and ends the broker. It returns when both have ended, and may be called again.
func (b *Broker) Close() {
	b.done.Do(func() {
		b.listener.closeAll()
		b.server.Close()
		b.guard.expiry.close()
	})
}

// A debugHandler logs all that mochi logs at the level debug: what of it matters is noticed and logged by our own client.
type debugHandler struct{ slog.Handler }

// Enabled, Handle, WithAttrs and WithGroup implement [slog.Handler].
func (h debugHandler) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.Handler.Enabled(ctx, slog.LevelDebug)
}

func (h debugHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

func (h debugHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return debugHandler{h.Handler.WithAttrs(a)}
}

func (h debugHandler) WithGroup(name string) slog.Handler {
	return debugHandler{h.Handler.WithGroup(name)}
}
