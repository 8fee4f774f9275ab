package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// dial opens the way to the broker. We dial ourselves, because paho's own dialling cannot be called off, and
// because an open way that we hold can be cut when paho is stuck on it.
func dial(ctx context.Context, u *url.URL, cfg Config) (net.Conn, error) {
	var d net.Dialer
	switch u.Scheme {
	case "mqtt", "tcp":
		return d.DialContext(ctx, "tcp", u.Host)
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
		own, err := cfg.certificate()
		if err != nil {
			return nil, err
		}
		conf.Certificates = []tls.Certificate{own}
	}
	if u.Scheme == "wss" {
		return dialWebsocket(ctx, u, conf)
	}
	return (&tls.Dialer{NetDialer: &d, Config: conf}).DialContext(ctx, "tcp", u.Host)
}

// certificate is by which the broker knows us.
func (c Config) certificate() (tls.Certificate, error) {
	own, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return own, &credentialsError{fmt.Errorf("%s with %s: %w", c.CertFile, c.KeyFile, err)}
	}
	return own, nil
}

func certPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, &credentialsError{err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &credentialsError{fmt.Errorf("%s holds no certificate in PEM form", file)}
	}
	return pool, nil
}

// dialWebsocket leaves the dialling behind when ctx ends, for paho offers no way to call it off: it then ends by
// itself, at the latest with its own time, and closes what it got.
func dialWebsocket(ctx context.Context, u *url.URL, conf *tls.Config) (net.Conn, error) {
	patience := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		patience = time.Until(end)
	}
	type result struct {
		conn net.Conn
		err  error
	}
	got := make(chan result)
	go func() {
		c, err := paho.NewWebsocket(u.String(), conf, max(patience, time.Millisecond), nil, nil)
		select {
		case got <- result{c, err}:
		case <-ctx.Done():
			if c != nil {
				c.Close()
			}
		}
	}()
	select {
	case r := <-got:
		return r.conn, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var (
	errNoAnswer = errors.New("the broker no longer answers")
	errClosed   = errors.New("the connection is closed")
)

// A subscribeRefusedError means that the broker will not let us hear the topic.
type subscribeRefusedError struct{ topic string }

func (e *subscribeRefusedError) Error() string { return "the broker refuses to let us hear " + e.topic }

// A connection is one connection to the broker, from dialling to its end. It is used by one goroutine and never
// reconnects: paho's own reconnecting hides why the broker refused, and sleeps on for up to its longest wait after
// Disconnect. A new try is a new conn.
type connection struct {
	client  paho.Client
	netConn net.Conn
	limits  limits
	lost    chan struct{} // closed when the connection has broken and all of paho's goroutines on it have ended
	cause   error         // readable once lost is closed
}

// connect connects. The handler is called in order and must return at once. will may be nil.
func connect(ctx context.Context, cfg Config, p limits, id string, will *message, handle paho.MessageHandler) (*connection, error) {
	o, err := clientOptions(cfg, p, id, will, handle)
	if err != nil {
		return nil, err
	}
	c := &connection{limits: p, lost: make(chan struct{})}
	trying, done := context.WithTimeout(ctx, p.connect)
	defer done()
	var keep func() bool
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) {
		way, err := dial(trying, u, cfg)
		if err != nil {
			return nil, err
		}
		c.netConn = way
		keep = context.AfterFunc(trying, func() { way.Close() }) // ends a handshake that nobody answers
		return way, nil
	})
	o.SetConnectionLostHandler(func(_ paho.Client, why error) {
		c.cause = why
		close(c.lost)
	})
	c.client = paho.NewClient(o)
	connecting := c.client.Connect()
	<-connecting.Done()
	switch err := connecting.Error(); {
	case err != nil && ctx.Err() == nil && trying.Err() != nil:
		return nil, errNoAnswer
	case err != nil:
		return nil, err
	case !keep():
		c.abort()
		return nil, errNoAnswer
	}
	return c, nil
}

func clientOptions(cfg Config, p limits, id string, will *message, handle paho.MessageHandler) (*paho.ClientOptions, error) {
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
	o.SetProtocolVersion(4) // or one bad moment of the broker leaves us on 3.1 for good
	o.SetCleanSession(true) // or a command given while we were away is carried out hours later
	o.SetOrderMatters(true) // or stop overtakes start
	o.SetAutoReconnect(false)
	o.SetConnectRetry(false)
	o.SetKeepAlive(p.keepAlive)
	o.SetPingTimeout(p.pong)
	o.SetConnectTimeout(p.connect)
	o.SetWriteTimeout(p.write)
	o.SetDefaultPublishHandler(handle) // also for what comes before its subscription is acknowledged
	if will != nil {
		o.SetBinaryWill(will.topic, will.payload, will.qos, will.retained)
	}
	return o, nil
}

// subscribe subscribes, and returns when the broker has said that it did.
func (c *connection) subscribe(ctx context.Context, topics ...string) error {
	filters := make(map[string]byte, len(topics))
	for _, t := range topics {
		filters[t] = 1
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

// publish publishes, and returns when the broker has taken it, the connection is lost or ctx ends.
func (c *connection) publish(ctx context.Context, m message) error {
	if !c.client.IsConnectionOpen() { // when it is not, paho keeps the message and sends it as if it were new
		return errClosed
	}
	return c.wait(ctx, c.client.Publish(m.topic, m.qos, m.retained, m.payload))
}

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

// close takes leave of the broker.
func (c *connection) close() {
	c.client.Disconnect(250)
	c.netConn.Close()
}

// abort ends the connection without a word, so that the broker sends our last will, and does not wait for a broker
// that is stuck. It returns when all of it has ended. The read is failed by its deadline, as paho takes a plain
// close for its own doing and waits on.
func (c *connection) abort() {
	c.netConn.SetReadDeadline(time.Unix(1, 0))
	select {
	case <-c.lost:
	case <-time.After(500 * time.Millisecond):
		c.client.Disconnect(100)
	}
	c.netConn.Close()
}
