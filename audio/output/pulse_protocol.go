package output

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// noServerError means that no PulseAudio or PipeWire server answers.
type noServerError struct{ cause error }

func (e noServerError) Error() string {
	return fmt.Sprintf("no PulseAudio or PipeWire server answers: %v; start one, or set PULSE_SERVER to where it listens", e.cause)
}

func (e noServerError) Unwrap() error { return e.cause }

// pulseConn is one connection to a sound server. It is the io.ReadWriter between proto.Client and the socket, because the
// client hides errors: it ignores a failed write, and a failed read unless its error is io.EOF.
type pulseConn struct {
	client       *proto.Client
	conn         net.Conn
	onMessage    func(message any) // gets unsolicited messages, on the goroutine of the client that reads
	stopWatching func() bool       // detaches the connection from its context
	ended        chan struct{}     // closed when that goroutine has returned

	mu     sync.Mutex
	failed error // why the connection ended
}

// dialPulse connects to the first server that accepts, and authenticates. The connection and its pending requests end
// with ctx.
func dialPulse(ctx context.Context, onMessage func(message any)) (*pulseConn, error) {
	addresses, err := pulseAddresses()
	if err != nil {
		return nil, noServerError{err}
	}
	dialer := net.Dialer{Timeout: stallTimeout}
	for _, a := range addresses {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, a.network, a.address); err == nil {
			c := &pulseConn{conn: conn, onMessage: onMessage, ended: make(chan struct{})}
			return c, c.authenticate(ctx)
		}
	}
	return nil, noServerError{err}
}

// authenticate begins reading and signs in; it closes the connection when it fails.
func (c *pulseConn) authenticate(ctx context.Context) error {
	c.client = &proto.Client{Callback: c.handleMessage}
	c.client.SetTimeout(stallTimeout)
	c.client.Open(c)
	c.stopWatching = context.AfterFunc(ctx, func() { c.fail(ctx.Err()) })
	var reply proto.AuthReply
	err := c.request(&proto.Auth{Version: c.client.Version(), Cookie: pulseCookie()}, &reply)
	if err == nil {
		c.client.SetVersion(reply.Version)
		props := proto.PropList{
			"application.name":           proto.PropListString("guided"),
			"application.id":             proto.PropListString("guided"),
			"application.icon_name":      proto.PropListString("audio-x-generic"),
			"application.process.id":     proto.PropListString(fmt.Sprint(os.Getpid())),
			"application.process.binary": proto.PropListString("guided"),
		}
		err = c.request(&proto.SetClientName{Props: props}, &proto.SetClientNameReply{})
	}
	if err == nil {
		return nil
	}
	c.close()
	if errors.Is(err, proto.ErrAccessDenied) {
		return fmt.Errorf("the sound server at %v refuses this user (%w); run guided as the user whose server it is, or set PULSE_COOKIE to its cookie file", c.conn.RemoteAddr(), err)
	}
	return noServerError{err}
}

// request sends a request and waits for its reply.
func (c *pulseConn) request(request proto.RequestArgs, reply proto.Reply) error {
	err := c.client.Request(request, reply)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the sound server has not answered for %v; restart it", stallTimeout)
	}
	if cause := c.failure(); cause != nil {
		return cause
	}
	return err
}

// writeStream writes sound to a stream, offset bytes from the end of what was written last; Send of proto.Client has no
// offset. Requests and sound come from one goroutine, so their packets do not interleave.
func (c *pulseConn) writeStream(stream uint32, offset int, sound []byte) error {
	const relative = 0 // seek mode
	b := make([]byte, 0, 20+len(sound))
	b = binary.BigEndian.AppendUint32(b, uint32(len(sound)))
	b = binary.BigEndian.AppendUint32(b, stream)
	b = binary.BigEndian.AppendUint64(b, uint64(int64(offset)))
	b = binary.BigEndian.AppendUint32(b, relative)
	if _, err := c.Write(append(b, sound...)); err != nil {
		return c.failure()
	}
	return nil
}

func (c *pulseConn) handleMessage(message any) {
	if _, closed := message.(*proto.ConnectionClosed); closed {
		close(c.ended)
		return
	}
	c.onMessage(message)
}

// Read turns every error into io.EOF, the only one on which the client ends; failure keeps the real one.
func (c *pulseConn) Read(b []byte) (int, error) {
	n, err := c.conn.Read(b)
	if err != nil {
		c.fail(err)
		err = io.EOF
	}
	return n, err
}

func (c *pulseConn) Write(b []byte) (int, error) {
	err := c.conn.SetWriteDeadline(time.Now().Add(stallTimeout))
	n := 0
	if err == nil {
		n, err = c.conn.Write(b)
	}
	if err != nil {
		c.fail(err)
	}
	return n, err
}

// fail closes the connection and keeps the first error.
func (c *pulseConn) fail(err error) {
	c.mu.Lock()
	if c.failed == nil {
		c.failed = fmt.Errorf("the sound server has gone: %w", err)
	}
	c.mu.Unlock()
	_ = c.conn.Close() // it may be closed already
}

// failure is why the connection ended, nil while it has not failed.
func (c *pulseConn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// close closes the connection, at which the server drops the stream, and waits until the client has stopped reading.
func (c *pulseConn) close() {
	c.stopWatching()
	_ = c.conn.Close()
	<-c.ended
}

type pulseAddress struct{ network, address string }

// pulseAddresses lists where a server may listen, in the order and syntax of PulseAudio's clients
// (https://www.freedesktop.org/wiki/Software/PulseAudio/Documentation/User/ServerStrings/).
func pulseAddresses() ([]pulseAddress, error) {
	text, set := os.LookupEnv("PULSE_SERVER")
	if !set {
		dir := os.Getenv("XDG_RUNTIME_DIR")
		if dir == "" {
			return nil, errors.New("neither PULSE_SERVER nor XDG_RUNTIME_DIR is set")
		}
		return []pulseAddress{{"unix", filepath.Join(dir, "pulse", "native")}}, nil
	}
	host, _ := os.Hostname() // without one, no address with a {HOST} prefix applies
	var list []pulseAddress
	for _, address := range strings.Fields(text) {
		if rest, ok := strings.CutPrefix(address, "{"); ok {
			forHost, rest, _ := strings.Cut(rest, "}")
			if forHost != host {
				continue
			}
			address = rest
		}
		if address != "" {
			list = append(list, parsePulseAddress(address))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("PULSE_SERVER=%q names no server", text)
	}
	return list, nil
}

func parsePulseAddress(s string) pulseAddress {
	if s[0] == '/' {
		return pulseAddress{"unix", s}
	}
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		return pulseAddress{"unix", path}
	}
	network, address := "tcp", s
	for _, n := range []string{"tcp", "tcp4", "tcp6"} {
		if rest, ok := strings.CutPrefix(s, n+":"); ok {
			network, address = n, rest
		}
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(strings.Trim(address, "[]"), "4713")
	}
	return pulseAddress{network, address}
}

// pulseCookie is the 256-byte cookie that authenticates the user. Where there is none it is zero, which a server accepts
// that knows the user by the socket.
func pulseCookie() []byte {
	home := os.Getenv("HOME")
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	for _, path := range []string{os.Getenv("PULSE_COOKIE"), filepath.Join(config, "pulse", "cookie"), filepath.Join(home, ".pulse-cookie")} {
		if cookie, err := os.ReadFile(path); err == nil && len(cookie) == 256 {
			return cookie
		}
	}
	return make([]byte, 256)
}
