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

// A Broker is the embedded one. It keeps what is retained in memory only.
type Broker struct {
	server   *mochi.Server
	listener *trackingListener
	done     sync.Once
}

// Embedded starts a broker at the address, or at [DefaultAddress] when that is "". It knows no users, so it listens
// on this machine only. Close must be called.
func Embedded(address string, log *slog.Logger) (*Broker, error) {
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

// capabilities bounds what clients can cost us. What is retained must never expire: mochi's limit on the life of messages
// holds for our status and state as well, and took them away from an idle house after a day.
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

// Address is what [Config] takes as Broker.
func (b *Broker) Address() string { return "mqtt://" + b.listener.Addr().String() }

// Close ends the broker and its connections, and waits for them.
func (b *Broker) Close() {
	b.done.Do(func() {
		b.listener.closeAll()
		b.server.Close()
	})
}

// A trackingListener is a listener that can throw out everybody who came in, also those who never said a word: mochi would wait
// for these at its end. It waits until mochi has let go of them, as mochi's own end is not safe against a client
// that comes in the same moment.
type trackingListener struct {
	net.Listener
	closing sync.WaitGroup

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
}

func (d *trackingListener) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !d.enter(c) {
		c.Close()
		return nil, net.ErrClosed
	}
	return &trackedConn{c, d}, nil
}

func (d *trackingListener) enter(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.open[c] = struct{}{}
	d.closing.Add(1)
	return true
}

func (d *trackingListener) closeAll() {
	d.Listener.Close()
	d.mu.Lock()
	d.closed = true
	inside := slices.Collect(maps.Keys(d.open))
	d.mu.Unlock()
	for _, c := range inside {
		c.Close()
	}
	d.closing.Wait()
}

type trackedConn struct {
	net.Conn
	door *trackingListener
}

// Close is called by mochi when it is done with the guest, and may be called again.
func (g *trackedConn) Close() error {
	d := g.door
	err := g.Conn.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.open[g.Conn]; ok {
		delete(d.open, g.Conn)
		d.closing.Done()
	}
	return err
}

// allowAll lets everybody on this machine in, to every topic: without such a hook mochi lets nobody in. (Its own
// package for it brings a YAML reader along.)
type allowAll struct{ mochi.HookBase }

func (*allowAll) ID() string { return "welcome" }

func (*allowAll) Provides(what byte) bool {
	return what == mochi.OnConnectAuthenticate || what == mochi.OnACLCheck
}

func (*allowAll) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (*allowAll) OnACLCheck(*mochi.Client, string, bool) bool { return true }

// debugHandler passes on mochi's log as details: what matters of it is seen and told by our own client.
type debugHandler struct{ slog.Handler }

func (w debugHandler) Enabled(ctx context.Context, _ slog.Level) bool {
	return w.Handler.Enabled(ctx, slog.LevelDebug)
}

func (w debugHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return w.Handler.Handle(ctx, r)
}

func (w debugHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return debugHandler{w.Handler.WithAttrs(a)}
}

func (w debugHandler) WithGroup(name string) slog.Handler {
	return debugHandler{w.Handler.WithGroup(name)}
}
