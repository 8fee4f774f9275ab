package output

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// noServer tells that no PulseAudio or PipeWire server answers.
type noServer struct{ cause error }

func (e noServer) Error() string {
	return fmt.Sprintf("no PulseAudio or PipeWire server answers: %v; start one, or set PULSE_SERVER to where it listens", e.cause)
}

func (e noServer) Unwrap() error { return e.cause }

// pulseLink is one connection to a sound server. It stands between the protocol's client and the socket because the
// client hides errors: a write that fails goes unseen, and so does a read that fails with anything but a clean end.
type pulseLink struct {
	client *proto.Client
	conn   net.Conn
	notice func(message any) // of the server's own accord; called by the client's reader
	unhook func() bool
	ended  chan struct{} // the client's reader has returned

	mu  sync.Mutex
	err error // why the connection ended
}

// dialPulse connects and signs in. The connection ends with ctx, and whatever waits for it with it.
func dialPulse(ctx context.Context, notice func(message any)) (*pulseLink, error) {
	addresses, err := pulseServers()
	if err != nil {
		return nil, noServer{err}
	}
	dialer := net.Dialer{Timeout: stall}
	for _, a := range addresses {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, a.network, a.address); err == nil {
			l := &pulseLink{conn: conn, notice: notice, ended: make(chan struct{})}
			return l, l.signIn(ctx)
		}
	}
	return nil, noServer{err}
}

func (l *pulseLink) signIn(ctx context.Context) error {
	l.client = &proto.Client{Callback: l.hear}
	l.client.SetTimeout(stall)
	l.client.Open(l)
	l.unhook = context.AfterFunc(ctx, func() { l.fail(ctx.Err()) })
	var reply proto.AuthReply
	err := l.ask(&proto.Auth{Version: l.client.Version(), Cookie: pulseCookie()}, &reply)
	if err == nil {
		l.client.SetVersion(reply.Version)
		props := proto.PropList{
			"application.name":           proto.PropListString("guided"),
			"application.id":             proto.PropListString("guided"),
			"application.icon_name":      proto.PropListString("audio-x-generic"),
			"application.process.id":     proto.PropListString(fmt.Sprint(os.Getpid())),
			"application.process.binary": proto.PropListString("guided"),
		}
		err = l.ask(&proto.SetClientName{Props: props}, &proto.SetClientNameReply{})
	}
	if err == nil {
		return nil
	}
	l.close()
	if errors.Is(err, proto.ErrAccessDenied) {
		return fmt.Errorf("the sound server at %v refuses this user (%w); run guided as the user whose server it is, or set PULSE_COOKIE to its cookie file", l.conn.RemoteAddr(), err)
	}
	return noServer{err}
}

// ask sends a request and waits for its answer.
func (l *pulseLink) ask(request proto.RequestArgs, reply proto.Reply) error {
	err := l.client.Request(request, reply)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the sound server has not answered for %v; restart it", stall)
	}
	if cause := l.cause(); cause != nil {
		return cause
	}
	return err
}

// send writes sound to a stream, offset bytes from where the last of it ended. The client's own Send knows no offset.
// Whoever plays is the only one who asks and sends, so that no request comes in between.
func (l *pulseLink) send(stream uint32, offset int, sound []byte) error {
	const relative = 0 // the seek mode
	b := make([]byte, 0, 20+len(sound))
	b = binary.BigEndian.AppendUint32(b, uint32(len(sound)))
	b = binary.BigEndian.AppendUint32(b, stream)
	b = binary.BigEndian.AppendUint64(b, uint64(int64(offset)))
	b = binary.BigEndian.AppendUint32(b, relative)
	if _, err := l.Write(append(b, sound...)); err != nil {
		return l.cause()
	}
	return nil
}

func (l *pulseLink) hear(message any) {
	if _, closed := message.(*proto.ConnectionClosed); closed {
		close(l.ended)
		return
	}
	l.notice(message)
}

// Read ends with io.EOF whatever happened, because that is the one error the client passes on.
func (l *pulseLink) Read(b []byte) (int, error) {
	n, err := l.conn.Read(b)
	if err != nil {
		l.fail(err)
		err = io.EOF
	}
	return n, err
}

func (l *pulseLink) Write(b []byte) (int, error) {
	err := l.conn.SetWriteDeadline(time.Now().Add(stall))
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
func (l *pulseLink) fail(err error) {
	l.mu.Lock()
	if l.err == nil {
		l.err = fmt.Errorf("the sound server has gone: %w", err)
	}
	l.mu.Unlock()
	_ = l.conn.Close() // it may be closed already, and there is nothing left to lose
}

func (l *pulseLink) cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// close waits for the reader.
func (l *pulseLink) close() {
	l.unhook()
	_ = l.conn.Close() // what was not heard is dropped with it
	<-l.ended
}
