package web

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// socketBuffer is how many bytes the kernel may hold of a connection in each direction, so that clients which take
// nothing cannot fill the memory: an audio file is read from 64 KB ahead just as well.
const socketBuffer = 64 << 10

// connections bounds the connections of a server. Of those that wait for a request of their client, at most maxWaiting stay:
// the one that has waited longest is closed. So idle ones, however many, keep nobody out. A connection with a request
// under way is never closed for another one; where there are maximum of them, a new one is closed.
type connections struct {
	maxWaiting, maximum int

	mu      sync.Mutex
	open    map[net.Conn]*list.Element // nil: a request is under way
	waiting *list.List                 // of net.Conn, the longest-waiting first
}

func newConnections(maxWaiting, maximum int) *connections {
	return &connections{maxWaiting: maxWaiting, maximum: maximum, open: map[net.Conn]*list.Element{}, waiting: list.New()}
}

// changed is the ConnState hook of the server.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if tcp, is := conn.(*net.TCPConn); is && state == http.StateNew {
		_ = tcp.SetReadBuffer(socketBuffer) // both fail on a closed connection only
		_ = tcp.SetWriteBuffer(socketBuffer)
	}
	if closing := c.note(conn, state); closing != nil {
		closing.Close()
	}
}

// note records the state of a connection, and returns the one to close, or nil.
func (c *connections) note(conn net.Conn, state http.ConnState) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.open[conn]; e != nil {
		c.waiting.Remove(e)
	}
	switch state {
	case http.StateActive:
		c.open[conn] = nil
	case http.StateNew, http.StateIdle:
		c.open[conn] = c.waiting.PushBack(conn)
	default:
		delete(c.open, conn)
	}
	var closing net.Conn
	switch {
	case c.waiting.Len() > c.maxWaiting:
		closing = c.waiting.Remove(c.waiting.Front()).(net.Conn)
	case state == http.StateNew && len(c.open) > c.maximum:
		closing = conn
		c.waiting.Remove(c.open[conn])
	default:
		return nil
	}
	delete(c.open, closing)
	return closing
}
