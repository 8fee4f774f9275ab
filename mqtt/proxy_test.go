package mqtt

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// A proxy is the cable between us and the broker: it can be cut, stay cut, or go dead without anybody being told.
type proxy struct {
	net.Listener
	target string
	all    sync.WaitGroup

	mu      sync.Mutex
	conns   []net.Conn
	dead    *bool // of the connections of now: what they send is lost
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

// hostOf is a broker's address as a proxy dials it.
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

// cut closes what is connected, to both sides, without a word of MQTT.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// refuse says whether those who come are sent away.
func (p *proxy) refuse(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = yes
}

// freeze loses all that the connections of now say, and leaves them open. New ones work.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	*p.dead = true
	p.dead = new(bool)
}
