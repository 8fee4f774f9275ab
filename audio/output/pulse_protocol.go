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

// noServerError tells that no PulseAudio or PipeWire server answers.
type noServerError struct{ cause error }

func (e noServerError) Error() string {
	return fmt.Sprintf("no PulseAudio or PipeWire server answers: %v; start one, or set PULSE_SERVER to where it listens", e.cause)
}

func (e noServerError) Unwrap() error { return e.cause }

// pulseConn is one connection to a sound server. It stands between the protocol's client and the socket because the
// client hides errors: a write that fails goes unseen, and so does a read that fails with anything but a clean end.
type pulseConn struct {
	client       *proto.Client
	conn         net.Conn
	onMessage    func(message any) // of the server's own accord; called by the client's reader
	stopWatching func() bool
	ended        chan struct{} // the client's reader has returned

	mu     sync.Mutex
	failed error // why the connection ended
}

// dialPulse connects and signs in. The connection ends with ctx, and whatever waits for it with it.
func dialPulse(ctx context.Context, notice func(message any)) (*pulseConn, error) {
	addresses, err := pulseAddresses()
	if err != nil {
		return nil, noServerError{err}
	}
	dialer := net.Dialer{Timeout: stallTimeout}
	for _, a := range addresses {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, a.network, a.address); err == nil {
			l := &pulseConn{conn: conn, onMessage: notice, ended: make(chan struct{})}
			return l, l.authenticate(ctx)
		}
	}
	return nil, noServerError{err}
}

func (l *pulseConn) authenticate(ctx context.Context) error {
	l.client = &proto.Client{Callback: l.handleMessage}
	l.client.SetTimeout(stallTimeout)
	l.client.Open(l)
	l.stopWatching = context.AfterFunc(ctx, func() { l.fail(ctx.Err()) })
	var reply proto.AuthReply
	err := l.request(&proto.Auth{Version: l.client.Version(), Cookie: pulseCookie()}, &reply)
	if err == nil {
		l.client.SetVersion(reply.Version)
		props := proto.PropList{
			"application.name":           proto.PropListString("guided"),
			"application.id":             proto.PropListString("guided"),
			"application.icon_name":      proto.PropListString("audio-x-generic"),
			"application.process.id":     proto.PropListString(fmt.Sprint(os.Getpid())),
			"application.process.binary": proto.PropListString("guided"),
		}
		err = l.request(&proto.SetClientName{Props: props}, &proto.SetClientNameReply{})
	}
	if err == nil {
		return nil
	}
	l.close()
	if errors.Is(err, proto.ErrAccessDenied) {
		return fmt.Errorf("the sound server at %v refuses this user (%w); run guided as the user whose server it is, or set PULSE_COOKIE to its cookie file", l.conn.RemoteAddr(), err)
	}
	return noServerError{err}
}

// request sends a request and waits for its answer.
func (l *pulseConn) request(request proto.RequestArgs, reply proto.Reply) error {
	err := l.client.Request(request, reply)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the sound server has not answered for %v; restart it", stallTimeout)
	}
	if cause := l.failure(); cause != nil {
		return cause
	}
	return err
}

// writeStream writes sound to a stream, offset bytes from where the last of it ended. The client's own Send knows no offset.
// Whoever plays is the only one who asks and sends, so that no request comes in between.
func (l *pulseConn) writeStream(stream uint32, offset int, sound []byte) error {
	const relative = 0 // the seek mode
	b := make([]byte, 0, 20+len(sound))
	b = binary.BigEndian.AppendUint32(b, uint32(len(sound)))
	b = binary.BigEndian.AppendUint32(b, stream)
	b = binary.BigEndian.AppendUint64(b, uint64(int64(offset)))
	b = binary.BigEndian.AppendUint32(b, relative)
	if _, err := l.Write(append(b, sound...)); err != nil {
		return l.failure()
	}
	return nil
}

func (l *pulseConn) handleMessage(message any) {
	if _, closed := message.(*proto.ConnectionClosed); closed {
		close(l.ended)
		return
	}
	l.onMessage(message)
}

// Read ends with io.EOF whatever happened, because that is the one error the client passes on.
func (l *pulseConn) Read(b []byte) (int, error) {
	n, err := l.conn.Read(b)
	if err != nil {
		l.fail(err)
		err = io.EOF
	}
	return n, err
}

func (l *pulseConn) Write(b []byte) (int, error) {
	err := l.conn.SetWriteDeadline(time.Now().Add(stallTimeout))
	n := 0
	if err == nil {
		n, err = l.conn.Write(b)
	}
	if err != nil {
		l.fail(err)
	}
	return n, err
}

// fail ends the connection; the first reason counts.
func (l *pulseConn) fail(err error) {
	l.mu.Lock()
	if l.failed == nil {
		l.failed = fmt.Errorf("the sound server has gone: %w", err)
	}
	l.mu.Unlock()
	_ = l.conn.Close() // it may be closed already, and there is nothing left to lose
}

func (l *pulseConn) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// close waits for the reader.
func (l *pulseConn) close() {
	l.stopWatching()
	_ = l.conn.Close() // what was not heard is dropped with it
	<-l.ended
}

type pulseAddress struct{ network, address string }

// pulseAddresses is where servers may listen, as PulseAudio's own programs look for them.
func pulseAddresses() ([]pulseAddress, error) {
	text, set := os.LookupEnv("PULSE_SERVER")
	if !set {
		dir := os.Getenv("XDG_RUNTIME_DIR")
		if dir == "" {
			return nil, errors.New("neither PULSE_SERVER nor XDG_RUNTIME_DIR is set")
		}
		return []pulseAddress{{"unix", filepath.Join(dir, "pulse", "native")}}, nil
	}
	host, _ := os.Hostname() // without one, no address that is for one host applies
	var list []pulseAddress
	for _, word := range strings.Fields(text) {
		if rest, is := strings.CutPrefix(word, "{"); is {
			only, address, _ := strings.Cut(rest, "}")
			if only != host {
				continue
			}
			word = address
		}
		if word != "" {
			list = append(list, parsePulseAddress(word))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("PULSE_SERVER=%q names no server", text)
	}
	return list, nil
}

func parsePulseAddress(word string) pulseAddress {
	if word[0] == '/' {
		return pulseAddress{"unix", word}
	}
	if path, is := strings.CutPrefix(word, "unix:"); is {
		return pulseAddress{"unix", path}
	}
	network, address := "tcp", word
	for prefix, n := range map[string]string{"tcp:": "tcp", "tcp4:": "tcp4", "tcp6:": "tcp6"} {
		if rest, is := strings.CutPrefix(word, prefix); is {
			network, address = n, rest
		}
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(strings.Trim(address, "[]"), "4713")
	}
	return pulseAddress{network, address}
}

// pulseCookie is the password of the user's server. Servers that know the user by his socket take any.
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
