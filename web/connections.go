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

// connections bounds the connections of a server. Where there are more than maximum, the one is closed that has waited
// longest for a request of its client; a connection with a request under way is never closed for another one. So idle
// ones, however many, keep nobody out.
type connections struct {
	maximum int

	mu      sync.Mutex
	open    map[net.Conn]*list.Element // nil: a request is under way
	waiting *list.List                 // of net.Conn, the longest-waiting first
}

func newConnections(maximum int) *connections {
	return &connections{maximum: maximum, open: map[net.Conn]*list.Element{}, waiting: list.New()}
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
	if len(c.open) <= c.maximum || c.waiting.Len() == 0 {
		return nil
	}
	closing := c.waiting.Remove(c.waiting.Front()).(net.Conn)
	delete(c.open, closing)
	return closing
}
