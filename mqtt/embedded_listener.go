package mqtt

import (
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// What connections to the embedded broker may use up before they are clients: a file descriptor each.
const (
	maxGreeting  = 32              // connections that have not sent CONNECT yet; the oldest gives way
	greetingTime = 5 * time.Second // for CONNECT
)

// A trackingListener can close all connections that it accepted, and waits until mochi has closed them too. mochi alone
// would wait at its end for clients that have not sent CONNECT, for ever, and its end is not safe against a client that
// connects at the same moment.
type trackingListener struct {
	net.Listener
	untilClosed sync.WaitGroup // of the open connections

	mu       sync.Mutex
	open     map[*trackedConn]struct{}
	greeting []*trackedConn // those that have not sent CONNECT, the oldest first
	closed   bool
}

// Accept implements [net.Listener]. mochi takes an error for the end: one that passes, such as too many open files, is
// waited out here.
func (l *trackingListener) Accept() (net.Conn, error) {
	const pause = 50 * time.Millisecond
	for {
		c, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil:
			if !l.isOpen() {
				return nil, err
			}
			time.Sleep(pause)
			continue
		}
		t := &trackedConn{Conn: c, listener: l}
		if !l.track(t) {
			c.Close()
			return nil, net.ErrClosed
		}
		return t, nil
	}
}

func (l *trackingListener) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed
}

// track tells whether the listener is still open. The oldest connection gives way to a new one when too many are silent.
func (l *trackingListener) track(c *trackedConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.open[c] = struct{}{}
	l.untilClosed.Add(1)
	l.greeting = append(l.greeting, c)
	c.greeted = time.AfterFunc(greetingTime, func() { c.Conn.Close() })
	if len(l.greeting) > maxGreeting {
		l.greeting[0].Conn.Close() // mochi then closes the tracked one
		l.forget(l.greeting[0])
	}
	return true
}

// forget takes a connection out of those that have not sent CONNECT. The caller holds the lock.
func (l *trackingListener) forget(c *trackedConn) {
	c.greeted.Stop()
	if i := slices.Index(l.greeting, c); i >= 0 {
		l.greeting = slices.Delete(l.greeting, i, i+1)
	}
}

// closeAll closes the listener and its connections, and waits until mochi has closed each of them.
func (l *trackingListener) closeAll() {
	l.Listener.Close()
	l.mu.Lock()
	l.closed = true
	open := slices.Collect(maps.Keys(l.open))
	l.mu.Unlock()
	for _, c := range open {
		c.Conn.Close()
	}
	l.untilClosed.Wait()
}

// A trackedConn is a connection of a trackingListener.
type trackedConn struct {
	net.Conn
	listener *trackingListener
	greeted  *time.Timer // closes a connection that does not send CONNECT
	own      atomic.Bool // it is that of our own client
}

// isOwn takes note that the connection is that of our own client, which is in this process: it cannot be lost without an end,
// and the deadline that mochi moves at each packet would wake the process for nothing.
func (c *trackedConn) isOwn() {
	c.own.Store(true)
	_ = c.Conn.SetDeadline(time.Time{}) // of a connection that has just ended that does not matter
}

// SetDeadline implements [net.Conn].
func (c *trackedConn) SetDeadline(t time.Time) error {
	if c.own.Load() {
		return nil
	}
	return c.Conn.SetDeadline(t)
}

// established takes note that the broker has accepted the connection's CONNECT.
func (c *trackedConn) established() {
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.listener.forget(c)
}

// Close is called by mochi when it no longer uses the connection, and may be called again.
func (c *trackedConn) Close() error {
	err := c.Conn.Close()
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.open[c]; ok {
		delete(l.open, c)
		l.forget(c)
		l.untilClosed.Done()
	}
	return err
}
