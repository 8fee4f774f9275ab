package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// DefaultAddress is where the embedded broker listens, and where [Send] and [Follow] look for it.
const DefaultAddress = "127.0.0.1:1883"

// A Broker is the embedded broker. Its retained messages live in memory only.
type Broker struct {
	server   *mochi.Server
	listener *trackingListener
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
			Capabilities:           capabilities(),
			Logger:                 slog.New(debugHandler{log.Handler()}),
			SysTopicResendInterval: 60,
		}),
		listener: &trackingListener{Listener: listener, open: map[net.Conn]struct{}{}},
	}
	err = errors.Join(
		b.server.AddHook(new(allowAll), nil),
		b.server.AddListener(listeners.NewNet("tcp", b.listener)),
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
	c.MaximumClients = 64
	c.MaximumSessionExpiryInterval = 3600
	c.MaximumMessageExpiryInterval = 10 * 365 * 24 * 3600
	c.MaximumInflight = 256
	c.MaximumClientWritesPending = 256
	c.MaximumPacketSize = 256 << 10
	c.MinimumProtocolVersion = 4
	return c
}

// Address is the broker's address as it stands in [Config.Broker].
func (b *Broker) Address() string { return "mqtt://" + b.listener.Addr().String() }

// Close closes all connections and ends the broker. It returns when both have ended, and may be called again.
func (b *Broker) Close() {
	b.done.Do(func() {
		b.listener.closeAll()
		b.server.Close()
	})
}

// A trackingListener can close all connections that it accepted, and waits until mochi has closed them too. mochi alone
// would wait at its end for clients that have not sent CONNECT, and its end is not safe against a client that connects
// at the same moment.
type trackingListener struct {
	net.Listener
	untilClosed sync.WaitGroup // of the open connections

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
}

// Accept implements [net.Listener].
func (l *trackingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !l.track(c) {
		c.Close()
		return nil, net.ErrClosed
	}
	return &trackedConn{c, l}, nil
}

// track tells whether the listener is still open.
func (l *trackingListener) track(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.open[c] = struct{}{}
	l.untilClosed.Add(1)
	return true
}

// closeAll closes the listener and its connections, and waits until mochi has closed each of them.
func (l *trackingListener) closeAll() {
	l.Listener.Close()
	l.mu.Lock()
	l.closed = true
	open := slices.Collect(maps.Keys(l.open))
	l.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
	l.untilClosed.Wait()
}

// A trackedConn is a connection of a trackingListener.
type trackedConn struct {
	net.Conn
	listener *trackingListener
}

// Close is called by mochi when it no longer uses the connection, and may be called again.
func (c *trackedConn) Close() error {
	err := c.Conn.Close()
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.open[c.Conn]; ok {
		delete(l.open, c.Conn)
		l.untilClosed.Done()
	}
	return err
}

// allowAll allows every client every topic: without such a hook mochi allows nothing. (mochi's own one, in a package of
// its own, would bring a YAML reader along.)
type allowAll struct{ mochi.HookBase }

// ID, Provides, OnConnectAuthenticate and OnACLCheck implement [mochi.Hook].
func (*allowAll) ID() string { return "allow-all" }

func (*allowAll) Provides(what byte) bool {
	return what == mochi.OnConnectAuthenticate || what == mochi.OnACLCheck
}

func (*allowAll) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (*allowAll) OnACLCheck(*mochi.Client, string, bool) bool { return true }

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
