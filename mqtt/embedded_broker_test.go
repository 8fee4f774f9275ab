package mqtt

import (
	"log/slog"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestBrokerAddressInUse(t *testing.T) {
	first := newEmbedded(t)
	address := strings.TrimPrefix(first.Address(), "mqtt://")
	_, err := StartBroker(address, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), `broker = "mqtt://`+address+`"`) {
		t.Errorf("%v does not say what to do", err)
	}
}

func TestBrokerRefusesAddressesBeyondLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.168.1.5:1883", "[::]:0", "example.org:1883", "127.0.0.1"} {
		b, err := StartBroker(address, slog.New(slog.DiscardHandler))
		if err == nil {
			b.Close()
			t.Errorf("%s is listened on", address)
		} else if !strings.Contains(err.Error(), DefaultAddress) {
			t.Errorf("%s: %v does not say what to do", address, err)
		}
	}
}

func TestBrokerCloseWithIdleConnection(t *testing.T) {
	before := goleak.IgnoreCurrent()
	b := newEmbedded(t)
	idle, err := net.Dial("tcp", b.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	eventually(t, "the connection is accepted", func() bool {
		b.listener.mu.Lock()
		defer b.listener.mu.Unlock()
		return len(b.listener.open) == 1 // and mochi waits for its CONNECT
	})
	began := time.Now()
	b.Close()
	b.Close()
	if took := time.Since(began); took > time.Second {
		t.Errorf("Close took %v", took)
	}
	goleak.VerifyNone(t, before)
}

func TestBrokerRetainedMessagesDoNotExpire(t *testing.T) {
	// mochi deletes retained messages by their age, every second, by this limit.
	if years := capabilities().MaximumMessageExpiryInterval / 3600 / 24 / 365; years < 5 || years > math.MaxInt32 {
		t.Errorf("retained messages expire after %d years", years)
	}
}

func TestBrokerLogsAtDebugOnly(t *testing.T) {
	log := &logRecorder{}
	b, err := StartBroker("127.0.0.1:0", slog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	if lines := log.with(""); len(lines) > 0 {
		t.Errorf("logged above debug: %q", lines)
	}
}
