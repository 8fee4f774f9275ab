package web

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	g := newGate(1, 1)
	g.patience = time.Hour
	if !g.enter(t.Context()) {
		t.Fatal("the first does not enter")
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan bool)
	go func() { waiting <- g.enter(ctx) }()
	for len(g.line) == 0 { // until it stands in the line
		<-time.After(time.Millisecond)
	}
	if g.enter(t.Context()) {
		t.Error("a third one waits, where one may")
	}
	cancel()
	if <-waiting {
		t.Error("one enters whose client has gone")
	}
	g.patience = time.Millisecond
	if g.enter(t.Context()) {
		t.Error("one enters after its patience")
	}
	g.leave()
	if !g.enter(t.Context()) {
		t.Error("nobody enters after the first has left")
	}
}

func TestGateAnswersBusy(t *testing.T) {
	g := newGate(1, 0)
	g.enter(t.Context())
	for _, path := range []string{"/api/routines", "/live.wav"} {
		w := httptest.NewRecorder()
		g.limit("enough", nil)(w, httptest.NewRequest("GET", path, nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d, %v: %s", path, w.Code, w.Header(), w.Body)
		}
	}
}

func TestVerbLimitCountsEachVerb(t *testing.T) {
	v := newVerbLimit()
	for range maxSameVerb {
		if !v.enter("start") {
			t.Fatal("too few may start")
		}
	}
	if v.enter("start") || !v.enter("stop") {
		t.Error("one more may start, or a stop waits for the starts")
	}
	for range maxSameVerb {
		v.leave("start")
	}
	v.leave("stop")
	if len(v.count) != 0 {
		t.Errorf("still counted: %v", v.count)
	}
}

type namedConn struct {
	net.Conn
	closed bool
}

func (c *namedConn) Close() error { c.closed = true; return nil }

func TestConnectionsCloseLongestWaiting(t *testing.T) {
	c := newConnections(2, 4)
	conns := make([]*namedConn, 7)
	for i := range conns {
		conns[i] = &namedConn{}
	}
	closed := func(want ...int) {
		t.Helper()
		for i, conn := range conns {
			if conn.closed != slices.Contains(want, i) {
				t.Errorf("connection %d closed: %v", i, conn.closed)
			}
		}
	}
	c.changed(conns[0], http.StateNew)
	c.changed(conns[0], http.StateActive)
	c.changed(conns[1], http.StateNew)
	c.changed(conns[2], http.StateNew)
	c.changed(conns[1], http.StateActive)
	c.changed(conns[1], http.StateIdle) // now it has waited less long than 2
	c.changed(conns[3], http.StateNew)
	closed(2)
	c.changed(conns[2], http.StateClosed)
	c.changed(conns[1], http.StateActive)
	c.changed(conns[3], http.StateActive)
	c.changed(conns[4], http.StateNew)
	c.changed(conns[4], http.StateActive)
	closed(2)
	c.changed(conns[5], http.StateNew) // all others have a request
	closed(2, 5)
	for _, i := range []int{5, 0, 1, 3, 4} {
		c.changed(conns[i], http.StateClosed)
	}
	if len(c.open) != 0 || c.waiting.Len() != 0 {
		t.Errorf("%d open, %d waiting", len(c.open), c.waiting.Len())
	}
}
