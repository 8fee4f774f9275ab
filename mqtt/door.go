package mqtt

import (
	"maps"
	"net"
	"slices"
	"sync"
)

// A door is a listener that can throw out everybody who came in, also those who never said a word: mochi would wait
// for these at its end. It waits until mochi has let go of them, as mochi's own end is not safe against a client
// that comes in the same moment.
type door struct {
	net.Listener
	guests sync.WaitGroup

	mu     sync.Mutex
	inside map[net.Conn]struct{}
	closed bool
}

func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !d.enter(c) {
		c.Close()
		return nil, net.ErrClosed
	}
	return &guest{c, d}, nil
}

func (d *door) enter(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.inside[c] = struct{}{}
	d.guests.Add(1)
	return true
}

func (d *door) shut() {
	d.Listener.Close()
	d.mu.Lock()
	d.closed = true
	inside := slices.Collect(maps.Keys(d.inside))
	d.mu.Unlock()
	for _, c := range inside {
		c.Close()
	}
	d.guests.Wait()
}

type guest struct {
	net.Conn
	door *door
}

// Close is called by mochi when it is done with the guest, and may be called again.
func (g *guest) Close() error {
	d := g.door
	err := g.Conn.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.inside[g.Conn]; ok {
		delete(d.inside, g.Conn)
		d.guests.Done()
	}
	return err
}
