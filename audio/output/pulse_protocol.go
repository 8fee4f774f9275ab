package output

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"guided/resolve"
)

// noServerError means that no PulseAudio or PipeWire server answers.
type noServerError struct{ cause error }

func (e noServerError) Error() string {
	return fmt.Sprintf("no PulseAudio or PipeWire server answers: %v; start one, or set PULSE_SERVER to where it listens", e.cause)
}

func (e noServerError) Unwrap() error { return e.cause }

// pulseVersion is the version of the protocol that is spoken: that of PulseAudio 12 and later.
const pulseVersion = 32

// connectTimeout is how long all servers of a list together may take to answer.
const connectTimeout = 5 * time.Second

// pulseConn is one connection to a sound server. One goroutine makes its requests, one after the other, and writes its
// sound; another one reads.
type pulseConn struct {
	conn         net.Conn
	version      int
	defaultSink  string            // of the client's settings, empty for the server's own
	onMessage    func(message any) // gets unsolicited messages, on the goroutine that reads
	stopWatching func() bool       // detaches the connection from its context
	ended        chan struct{}     // closed when that goroutine has returned
	queued       []byte            // packets to be written, of the goroutine that makes requests
	lastTag      uint32            // of a request

	mu      sync.Mutex
	failed  error         // why the connection ended
	pending *pulseRequest // what waits for its reply
}

type pulseRequest struct {
	tag   uint32
	reply any        // to fill, nil when it is empty
	done  chan error // gets one result
}

// dialPulse connects to the first server that answers, and authenticates. The connection and its pending requests end
// with ctx.
func dialPulse(ctx context.Context, onMessage func(message any)) (*pulseConn, error) {
	client, err := findPulse()
	if err != nil {
		return nil, noServerError{err}
	}
	limit, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	dialer := net.Dialer{Timeout: stallTimeout}
	var looked []string
	for _, a := range client.servers {
		var conn net.Conn
		if conn, err = resolve.Dial(limit, &dialer, a.network, a.address); err == nil {
			var c *pulseConn
			if c, err = newPulseConn(ctx, conn, client, onMessage); err == nil {
				return c, nil
			}
		}
		if refused := new(net.OpError); errors.As(err, &refused) && refused.Op == "dial" {
			err = refused.Err // the rest is in the address
		}
		looked = append(looked, fmt.Sprintf("%v (%v%s)", a, err, lookupHint(err)))
		if errors.Is(err, proto.ErrAccessDenied) || ctx.Err() != nil {
			break
		}
	}
	cause := errors.New(client.from + ": " + strings.Join(looked, ", "))
	if errors.Is(err, proto.ErrAccessDenied) {
		return nil, fmt.Errorf("the sound server refuses this user; run guided as the user whose server it is, or set PULSE_COOKIE to its cookie file; %w: %w", cause, err)
	}
	return nil, noServerError{cause}
}

// newPulseConn begins reading and signs in; it closes the connection when it fails.
func newPulseConn(ctx context.Context, conn net.Conn, client pulseClient, onMessage func(any)) (*pulseConn, error) {
	c := &pulseConn{conn: conn, version: pulseVersion, defaultSink: client.defaultSink, onMessage: onMessage, ended: make(chan struct{})}
	go c.read()
	c.stopWatching = context.AfterFunc(ctx, func() { c.fail(ctx.Err()) })
	var reply proto.AuthReply
	err := c.request(&proto.Auth{Version: pulseVersion, Cookie: client.cookie()}, &reply)
	if err == nil {
		c.version = min(pulseVersion, reply.Version.Version())
		props := proto.PropList{
			"application.name":           proto.PropListString("guided"),
			"application.id":             proto.PropListString("guided"),
			"application.icon_name":      proto.PropListString("audio-x-generic"),
			"application.process.id":     proto.PropListString(fmt.Sprint(os.Getpid())),
			"application.process.binary": proto.PropListString("guided"),
		}
		c.queue(&proto.SetClientName{Props: props}) // its reply tells nothing that is of use
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// request sends a request and waits for its reply, which is a pointer to a struct or to a list, or nil when it is empty.
// One that is not answered in time ends the connection.
func (c *pulseConn) request(request, reply any) error {
	c.mu.Lock()
	if c.failed != nil {
		c.mu.Unlock()
		return c.failed
	}
	r := &pulseRequest{c.lastTag + 1, reply, make(chan error, 1)}
	c.pending = r
	c.mu.Unlock()

	c.queue(request)
	if err := c.flush(); err != nil {
		return c.failure()
	}
	timeout := time.NewTimer(stallTimeout)
	defer timeout.Stop()
	select {
	case err := <-r.done:
		return err
	case <-c.ended:
	case <-timeout.C:
		c.fail(fmt.Errorf("it has not answered for %v; restart it", stallTimeout))
	}
	select {
	case err := <-r.done: // just before the end
		return err
	default:
		return c.failure()
	}
}

// queue adds a request to what is written next. Unless it is the pending one, its reply is ignored.
func (c *pulseConn) queue(request any) {
	c.lastTag++
	b := binary.BigEndian.AppendUint32([]byte{'L'}, pulseCommand(request))
	b = binary.BigEndian.AppendUint32(append(b, 'L'), c.lastTag)
	c.queued = appendPulsePacket(c.queued, controlIndex, 0, appendPulse(b, request, c.version))
}

// writeStream writes sound to a stream, offset bytes from the end of what was written last. Requests and sound come from
// one goroutine, so their packets do not interleave.
func (c *pulseConn) writeStream(stream uint32, offset int, sound []byte) error {
	c.queued = appendPulsePacket(c.queued, stream, int64(offset), sound)
	if err := c.flush(); err != nil {
		return c.failure()
	}
	return nil
}

// flush writes what is queued, whose memory is used again.
func (c *pulseConn) flush() error {
	err := c.conn.SetWriteDeadline(time.Now().Add(stallTimeout))
	if err == nil {
		_, err = c.conn.Write(c.queued)
	}
	c.queued = c.queued[:0]
	if err != nil {
		c.fail(err)
	}
	return err
}

// read reads packets until the connection ends.
func (c *pulseConn) read() {
	defer close(c.ended)
	r := bufio.NewReader(c.conn)
	for {
		index, payload, err := readPulsePacket(r)
		if err == nil && index == controlIndex {
			err = c.handle(payload)
		} else if err == nil {
			c.onMessage(&proto.DataPacket{StreamIndex: index, Data: payload})
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// handle handles a message of the server.
func (c *pulseConn) handle(payload []byte) error {
	r := &pulseReader{b: payload}
	r.tag('L')
	command := r.uint32()
	r.tag('L')
	tag := r.uint32()
	if r.err != nil {
		return r.err
	}
	switch command {
	case proto.OpReply:
		return c.finish(tag, func(p *pulseRequest) error {
			if p.reply == nil {
				return nil
			}
			return decodePulse(r.b, p.reply, c.version)
		}, nil)
	case proto.OpError:
		r.tag('L')
		code := proto.Error(r.uint32())
		return c.finish(tag, func(*pulseRequest) error { return r.err }, code)
	}
	message := pulseEvent(command)
	if message == nil {
		return nil
	}
	if err := decodePulse(r.b, message, c.version); err != nil {
		return err
	}
	c.onMessage(message)
	return nil
}

// finish ends the pending request of a tag with a result. An answer to no request is ignored. It returns the error of
// fill, which is one of the protocol.
func (c *pulseConn) finish(tag uint32, fill func(*pulseRequest) error, result error) error {
	c.mu.Lock()
	p := c.pending
	if p == nil || p.tag != tag {
		c.mu.Unlock()
		return nil
	}
	c.pending = nil
	c.mu.Unlock()
	if err := fill(p); err != nil {
		return err // the request ends with the connection
	}
	p.done <- result
	return nil
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

// close closes the connection, at which the server drops the stream, and waits until nothing reads it.
func (c *pulseConn) close() {
	c.stopWatching()
	_ = c.conn.Close()
	<-c.ended
}

// lookupHint says what to do about a name that was not found, and is empty for other errors.
func lookupHint(err error) string {
	if none := new(net.DNSError); errors.As(err, &none) {
		return fmt.Sprintf("; this machine knows no such name (try: getent hosts %[1]s), so look for a slip, or write the IP address in place of %[1]s", none.Name)
	}
	return ""
}
