package mqtt

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// errNotMQTT means that what answers on the broker's port speaks something else.
var errNotMQTT = errors.New("what answers there is no MQTT broker")

// Types of MQTT packets, as they stand in the upper half of a packet's first byte.
// https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html#_Toc398718021
const (
	typeConnect  = 1
	typeConnack  = 2
	typePublish  = 3
	typePingreq  = 12
	typePingresp = 13
)

// maxControl is the longest packet that is no message, in bytes. The longest that we ask for, the acknowledgement of our
// subscriptions, has ten.
const maxControl = 1024

// A limitedConn is a connection from which no packet longer than a limit is read: paho makes room for a whole packet by
// the length that its header claims, which may be 256 MB. Of a message that is longer the topic and the beginning of the
// payload are passed on, so that it is acknowledged and answered; the rest is read and thrown away.
//
// It also keeps the connection alive: the broker is promised packets in CONNECT, pings are sent, and their answers are not
// passed on.
type limitedConn struct {
	net.Conn
	promise    time.Duration // in CONNECT
	alive      *keepAlive
	pinging    sync.WaitGroup
	connecting bool // CONNECT is still to be sent
	in         *bufio.Reader
	maxPayload int    // bytes; one more is passed on, so that a payload that is too long can be told
	first      bool   // the first packet, which must be CONNACK, has been read
	ready      []byte // to be passed on first, then
	pass       int    // bytes of in to be passed on, and then
	skip       int    // bytes of in to be thrown away
}

// limitPackets is for a connection on which nothing was sent yet. Close must be called.
func limitPackets(c net.Conn, l limits) (*limitedConn, error) {
	alive, err := newKeepAlive(l.keepAlive, l.pong)
	if err != nil {
		return nil, err
	}
	return &limitedConn{Conn: c, promise: l.keepAlive, alive: alive, connecting: true, in: bufio.NewReader(c), maxPayload: l.maxPayload}, nil
}

// keepAlive begins with the pings, where any were promised; without an answer to one, Read fails with errNoAnswer. It is called
// once, after CONNACK.
func (c *limitedConn) keepAlive() {
	if c.promise == 0 {
		return
	}
	c.pinging.Go(func() {
		if c.alive.run(func() { _, _ = c.Write([]byte{typePingreq << 4, 0}) }) { // that it fails is read
			c.Conn.SetReadDeadline(time.Unix(1, 0))
		}
	})
}

// Close implements [net.Conn].
func (c *limitedConn) Close() error {
	c.alive.close()
	return c.Conn.Close()
}

// wait returns when there are no more pings, after Close.
func (c *limitedConn) wait() { c.pinging.Wait() }

// Write implements [net.Conn]. p is a whole packet, as paho writes it.
func (c *limitedConn) Write(p []byte) (int, error) {
	if c.connecting {
		c.connecting = false
		var err error
		if p, err = promiseKeepAlive(p, c.promise); err != nil {
			return 0, err
		}
	}
	c.alive.sent()
	return c.Conn.Write(p)
}

// Read implements [net.Conn].
func (c *limitedConn) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if err != nil && c.alive.isSilent() {
		err = errNoAnswer
	}
	return n, err
}

func (c *limitedConn) read(p []byte) (int, error) {
	for {
		switch {
		case len(c.ready) > 0:
			n := copy(p, c.ready)
			c.ready = c.ready[n:]
			return n, nil
		case c.pass > 0:
			n, err := c.in.Read(p[:min(len(p), c.pass)])
			c.pass -= n
			return n, withinPacket(err)
		case c.skip > 0:
			n, err := c.in.Discard(min(c.skip, 1<<20))
			c.skip -= n
			if err != nil {
				return 0, withinPacket(err)
			}
		default:
			if err := c.nextPacket(); err != nil {
				return 0, err
			}
		}
	}
}

// nextPacket reads the header of a packet, and decides how much of it is passed on.
func (c *limitedConn) nextPacket() error {
	kind, err := c.in.ReadByte()
	if err != nil {
		return err
	}
	if !c.first && kind != typeConnack<<4 {
		return c.stranger(kind)
	}
	c.first = true
	length, err := readLength(c.in)
	if err != nil {
		return withinPacket(err)
	}
	switch {
	case kind == typePingresp<<4 && length == 0:
		c.alive.answered()
		return nil
	case kind>>4 != typePublish && length > maxControl:
		return fmt.Errorf("the broker sends a packet of type %d with %d bytes", kind>>4, length)
	case kind>>4 != typePublish || length <= c.maxPayload:
		c.ready, c.pass = appendLength([]byte{kind}, length), length
		return nil
	}
	return c.nextMessage(kind, length)
}

// nextMessage reads the head of a message that may be too long: topic and identifier.
func (c *limitedConn) nextMessage(kind byte, length int) error {
	var size [2]byte
	if _, err := io.ReadFull(c.in, size[:]); err != nil {
		return withinPacket(err)
	}
	head := int(size[0])<<8 | int(size[1])
	if qos := kind >> 1 & 3; qos > 0 {
		head += 2 // the identifier
	}
	payload := length - 2 - head
	if payload < 0 {
		return errors.New("the broker sends a message that is shorter than its topic")
	}
	rest := make([]byte, head) // at most 64 KiB
	if _, err := io.ReadFull(c.in, rest); err != nil {
		return withinPacket(err)
	}
	c.pass = min(payload, c.maxPayload+1)
	c.skip = payload - c.pass
	c.ready = append(append(appendLength([]byte{kind}, 2+head+c.pass), size[:]...), rest...)
	return nil
}

// withinPacket is the error for an end in the middle of a packet.
func withinPacket(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// stranger is the error for a first packet that is no CONNACK.
func (c *limitedConn) stranger(first byte) error {
	rest, _ := c.in.Peek(min(c.in.Buffered(), 20))
	begin := string(append([]byte{first}, rest...))
	switch {
	case strings.HasPrefix(begin, "HTTP"):
		return fmt.Errorf("%w: it is a web server", errNotMQTT)
	case first == 0x15: // a TLS alert
		return fmt.Errorf("%w: it speaks TLS", errNotMQTT)
	}
	return fmt.Errorf("%w: it begins with %q", errNotMQTT, begin)
}

// readLength reads the length of the rest of a packet: seven bits a byte, the lowest first.
func readLength(r io.ByteReader) (int, error) {
	length := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		length |= int(b&0x7f) << shift
		if b < 0x80 {
			return length, nil
		}
	}
	return 0, errors.New("the broker sends a packet without an end to its length")
}

// appendLength writes what readLength reads.
func appendLength(b []byte, length int) []byte {
	for length >= 0x80 {
		b = append(b, byte(length)|0x80)
		length >>= 7
	}
	return append(b, byte(length))
}
