package mqtt

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"guided/resolve"
)

// dial opens the network connection to the broker. We dial ourselves, because paho's dialling cannot be cancelled, and
// because a connection that we hold can be closed when paho hangs on it.
func dial(ctx context.Context, u *url.URL, cfg Config) (net.Conn, error) {
	// The kernel notices within half a minute that the broker's machine or the network is gone, without waking us. It does
	// not notice a broker that hangs, or a proxy before it; our pings do.
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 20 * time.Second, Interval: 5 * time.Second, Count: 2}}
	switch u.Scheme {
	case "mqtt", "tcp":
		return resolve.Dial(ctx, &d, "tcp", u.Host)
	case "ws":
		return dialWebsocket(ctx, u, nil)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	if cfg.CAFile != "" {
		pool, err := certPool(cfg.CAFile)
		if err != nil {
			return nil, err
		}
		conf.RootCAs = pool
	}
	if cfg.CertFile != "" {
		cert, err := cfg.certificate()
		if err != nil {
			return nil, err
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	if u.Scheme == "wss" {
		return dialWebsocket(ctx, u, conf)
	}
	c, err := resolve.Dial(ctx, &d, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(c, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close() // nothing was sent that the broker would miss
		if isClosed(err) {
			err = fmt.Errorf("%w: %w", errClosedAtTLS, err)
		}
		return nil, err
	}
	return secure, nil
}

// dialWebsocket returns when ctx ends, although paho offers no way to cancel its dialling: that goes on by itself, for at
// most its own timeout, and closes what it opened.
func dialWebsocket(ctx context.Context, u *url.URL, conf *tls.Config) (net.Conn, error) {
	timeout := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		timeout = time.Until(end)
	}
	// paho dials by itself, so it gets an address where only this machine's services know the name.
	target, header := *u, map[string][]string{}
	if address := resolve.Address(ctx, u.Hostname()); address != u.Hostname() {
		target.Host = net.JoinHostPort(address, cmp.Or(u.Port(), map[string]string{"ws": "80", "wss": "443"}[u.Scheme]))
		header["Host"] = []string{u.Host}
	}
	type result struct {
		conn net.Conn
		err  error
	}
	dialled := make(chan result)
	go func() {
		c, err := paho.NewWebsocket(target.String(), conf, max(timeout, time.Millisecond), header, nil)
		select {
		case dialled <- result{c, err}:
		case <-ctx.Done():
			if c != nil {
				c.Close()
			}
		}
	}()
	select {
	case r := <-dialled:
		return r.conn, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var (
	errNoAnswer = errors.New("the broker no longer answers")
	errClosed   = errors.New("the connection is closed")

	errSilent      = fmt.Errorf("%w: nothing came after CONNECT", errNoAnswer)
	errClosedAtTLS = errors.New("closed during the TLS handshake")
)

// A subscribeRefusedError means that the broker refused a subscription.
type subscribeRefusedError struct{ topic string }

func (e *subscribeRefusedError) Error() string {
	return "the broker refuses the subscription to " + e.topic
}

// A connection is one connection to the broker, from dialling to its end. It is used by one goroutine and never
// reconnects: paho's own reconnecting hides why the broker refused, and sleeps on for up to its longest wait after
// Disconnect. Each try is a new connection.
type connection struct {
	client  paho.Client
	netConn *limitedConn
	limits  limits
	lost    chan struct{} // closed when the connection has broken and all of paho's goroutines on it have ended
	cause   error         // readable once lost is closed
}

// connect dials and sends CONNECT, and returns when the broker has accepted it. handle is called for every message, in
// order, and must return at once. will is the last will, or nil.
func connect(ctx context.Context, cfg Config, l limits, id string, will *message, handle paho.MessageHandler) (*connection, error) {
	o, err := clientOptions(cfg, l, id, will, handle)
	if err != nil {
		return nil, err
	}
	c := &connection{limits: l, lost: make(chan struct{})}
	dialling, done := context.WithTimeout(ctx, l.connect)
	defer done()
	var stopTimeout func() bool
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) {
		netConn, err := dial(dialling, u, cfg)
		if err != nil {
			return nil, err
		}
		if c.netConn, err = limitPackets(netConn, l); err != nil {
			netConn.Close()
			return nil, err
		}
		stopTimeout = context.AfterFunc(dialling, func() { c.netConn.Close() }) // ends a handshake without an answer
		return c.netConn, nil
	})
	o.SetConnectionLostHandler(func(_ paho.Client, cause error) {
		c.cause = cause
		close(c.lost)
	})
	c.client = paho.NewClient(o)
	connecting := c.client.Connect()
	<-connecting.Done()
	switch err := connecting.Error(); {
	case err != nil && ctx.Err() == nil && c.netConn != nil && (dialling.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)):
		return nil, errSilent
	case err != nil && ctx.Err() == nil && dialling.Err() != nil:
		return nil, errNoAnswer
	case err != nil && c.netConn != nil && isClosed(err):
		return nil, fmt.Errorf("%w: %w", errClosedAtConnect, err)
	case err != nil:
		return nil, err
	case !stopTimeout():
		c.abort()
		return nil, errNoAnswer
	}
	c.netConn.keepAlive()
	return c, nil
}

// isClosed tells whether err is that the other side closed the connection.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func clientOptions(cfg Config, l limits, id string, will *message, handle paho.MessageHandler) (*paho.ClientOptions, error) {
	server, err := cfg.serverURL()
	if err != nil {
		return nil, err
	}
	user, password, err := cfg.credentials()
	if err != nil {
		return nil, err
	}
	o := paho.NewClientOptions()
	o.Servers = []*url.URL{server}
	o.SetClientID(id)
	o.SetUsername(user)
	o.SetPassword(password)
	o.SetProtocolVersion(4) // MQTT 3.1.1; else paho falls back to 3.1 after one failure, for good
	o.SetCleanSession(true) // else a command given while we were disconnected is executed hours later
	o.SetOrderMatters(true) // else stop can overtake start
	o.SetAutoReconnect(false)
	o.SetConnectRetry(false)
	o.SetKeepAlive(0) // limitedConn does it
	o.SetConnectTimeout(l.connect)
	o.SetWriteTimeout(l.write)
	o.SetDefaultPublishHandler(handle) // also for what comes before its subscription is acknowledged
	if will != nil {
		o.SetBinaryWill(will.topic, will.payload, will.qos, will.retained)
	}
	return o, nil
}

// subscribe returns when the broker has acknowledged the subscription to all topics. At QoS 0 a broker passes on all that
// it receives at once and in its order. At QoS 1 it waits for our acknowledgements (mosquitto: of 20 messages) and drops
// what comes in the meantime (beyond 1000), a stop in a flood too; and as our sessions end with the connection, it would
// deliver no more than at QoS 0.
func (c *connection) subscribe(ctx context.Context, qos byte, topics ...string) error {
	filters := make(map[string]byte, len(topics))
	for _, t := range topics {
		filters[t] = qos
	}
	t := c.client.SubscribeMultiple(filters, nil)
	if err := c.wait(ctx, t); err != nil {
		return err
	}
	granted := t.(*paho.SubscribeToken).Result()
	for _, topic := range topics {
		if granted[topic] > 2 {
			return &subscribeRefusedError{topic}
		}
	}
	return nil
}

// publish returns when the broker has acknowledged the message, the connection is lost or ctx ends. At QoS 0 it waits for
// the message to be written only.
func (c *connection) publish(ctx context.Context, m message) error {
	if !c.client.IsConnectionOpen() { // otherwise paho stores the message, and sends it later as if it were new
		return errClosed
	}
	return c.wait(ctx, c.client.Publish(m.topic, m.qos, m.retained, m.payload))
}

// barrier returns when the broker has answered something that comes after all that was published: messages at QoS 0 are
// not acknowledged. topic is one to which we have not subscribed.
func (c *connection) barrier(ctx context.Context, topic string) error {
	return c.wait(ctx, c.client.Unsubscribe(topic))
}

// wait waits for paho to finish an operation.
func (c *connection) wait(ctx context.Context, t paho.Token) error {
	timeout := time.NewTimer(c.limits.ack)
	defer timeout.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-c.lost:
		return c.lostError()
	case <-timeout.C:
		return errNoAnswer
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lostError says why the connection broke, as far as that is known.
func (c *connection) lostError() error {
	select {
	case <-c.lost:
		if c.cause != nil {
			return fmt.Errorf("%w: %w", errClosed, c.cause)
		}
	default:
	}
	return errClosed
}

// wasClosed tells of a connection on which something failed whether the broker closed it, and not we for its silence.
func (c *connection) wasClosed() bool {
	select {
	case <-c.lost:
		return isClosed(c.cause)
	case <-time.After(time.Second): // paho completes what waits a moment before it reports the end
		return false
	}
}

// close ends the connection with DISCONNECT, after which the broker does not publish our last will.
func (c *connection) close() {
	c.client.Disconnect(250)
	c.netConn.Close()
	c.netConn.wait()
}

// abort ends the connection without DISCONNECT, so that the broker publishes our last will, and does not wait for a broker
// that hangs. It returns when paho's goroutines have ended. The deadline makes paho's read fail: a closed connection it
// takes for its own doing, and waits on.
func (c *connection) abort() {
	c.netConn.SetReadDeadline(time.Unix(1, 0))
	select {
	case <-c.lost:
	case <-time.After(500 * time.Millisecond):
		c.client.Disconnect(100)
	}
	c.netConn.Close()
	c.netConn.wait()
}
