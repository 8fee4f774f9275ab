package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

var (
	errNoAnswer = errors.New("the broker no longer answers")
	errClosed   = errors.New("the connection is closed")
)

// A refusedError means that the broker will not let us hear the topic.
type refusedError struct{ topic string }

func (e *refusedError) Error() string { return "the broker refuses to let us hear " + e.topic }

// A conn is one connection to the broker, from dialling to its end. It is used by one goroutine and never
// reconnects: paho's own reconnecting hides why the broker refused, and sleeps on for up to its longest wait after
// Disconnect. A new try is a new conn.
type conn struct {
	client paho.Client
	way    net.Conn
	pace   pace
	lost   chan struct{} // closed when the connection has broken and all of paho's goroutines on it have ended
	why    error         // readable once lost is closed
}

// open connects. The handler is called in order and must return at once. will may be nil.
func open(ctx context.Context, cfg Config, p pace, id string, will *message, handle paho.MessageHandler) (*conn, error) {
	o, err := options(cfg, p, id, will, handle)
	if err != nil {
		return nil, err
	}
	c := &conn{pace: p, lost: make(chan struct{})}
	trying, done := context.WithTimeout(ctx, p.connect)
	defer done()
	var keep func() bool
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) {
		way, err := dial(trying, u, cfg)
		if err != nil {
			return nil, err
		}
		c.way = way
		keep = context.AfterFunc(trying, func() { way.Close() }) // ends a handshake that nobody answers
		return way, nil
	})
	o.SetConnectionLostHandler(func(_ paho.Client, why error) {
		c.why = why
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
		c.drop()
		return nil, errNoAnswer
	}
	return c, nil
}

func options(cfg Config, p pace, id string, will *message, handle paho.MessageHandler) (*paho.ClientOptions, error) {
	server, err := cfg.server()
	if err != nil {
		return nil, err
	}
	user, password, err := cfg.login()
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

// hear subscribes, and returns when the broker has said that it did.
func (c *conn) hear(ctx context.Context, topics ...string) error {
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
			return &refusedError{topic}
		}
	}
	return nil
}

// say publishes, and returns when the broker has taken it, the connection is lost or ctx ends.
func (c *conn) say(ctx context.Context, m message) error {
	if !c.client.IsConnectionOpen() { // when it is not, paho keeps the message and sends it as if it were new
		return errClosed
	}
	return c.wait(ctx, c.client.Publish(m.topic, m.qos, m.retained, m.payload))
}

func (c *conn) wait(ctx context.Context, t paho.Token) error {
	timeout := time.NewTimer(c.pace.ack)
	defer timeout.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-c.lost:
		return c.loss()
	case <-timeout.C:
		return errNoAnswer
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loss says why the connection broke, as far as that is known.
func (c *conn) loss() error {
	select {
	case <-c.lost:
		if c.why != nil {
			return fmt.Errorf("%w: %w", errClosed, c.why)
		}
	default:
	}
	return errClosed
}

// close takes leave of the broker.
func (c *conn) close() {
	c.client.Disconnect(250)
	c.way.Close()
}

// drop ends the connection without a word, so that the broker sends our last will, and does not wait for a broker
// that is stuck. It returns when all of it has ended. The read is failed by its deadline, as paho takes a plain
// close for its own doing and waits on.
func (c *conn) drop() {
	c.way.SetReadDeadline(time.Unix(1, 0))
	select {
	case <-c.lost:
	case <-time.After(500 * time.Millisecond):
		c.client.Disconnect(100)
	}
	c.way.Close()
}
