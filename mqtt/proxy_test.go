package mqtt

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// A proxy is between us and the broker. It can cut connections, refuse new ones, and freeze those that are open.
type proxy struct {
	net.Listener
	target string
	all    sync.WaitGroup

	mu      sync.Mutex
	conns   []net.Conn
	dead    *bool // of the open connections: what they send is lost
	refuses bool
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, target: target, dead: new(bool)}
	p.all.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.cut()
		p.all.Wait()
	})
	return p
}

func (p *proxy) url() string { return "mqtt://" + p.Addr().String() }

// hostOf is the host and port of a broker's URL.
func hostOf(url string) string {
	return strings.Replace(strings.TrimPrefix(url, "mqtt://"), "localhost", "127.0.0.1", 1)
}

func (p *proxy) accept() {
	for {
		near, err := p.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.refuses {
			near.Close()
		} else if far, err := net.Dial("tcp", p.target); err != nil {
			near.Close()
		} else {
			dead := p.dead
			p.conns = append(p.conns, near, far)
			p.all.Go(func() { p.copy(far, near, dead) })
			p.all.Go(func() { p.copy(near, far, dead) })
		}
		p.mu.Unlock()
	}
}

func (p *proxy) copy(to, from net.Conn, dead *bool) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		lost := *dead
		p.mu.Unlock()
		if !lost {
			if err != nil {
				to.Close()
			} else if _, err := to.Write(buf[:n]); err != nil {
				from.Close()
			}
		}
		if err != nil {
			io.Copy(io.Discard, from)
			return
		}
	}
}

// cut closes the open connections on both sides, without DISCONNECT.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// refuse says whether new connections are closed at once.
func (p *proxy) refuse(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = yes
}

// freeze drops everything sent on the open connections, and leaves them open. New ones work.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	*p.dead = true
	p.dead = new(bool)
}
