package mqtt

import (
	"errors"
	"net"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

func TestKeepAlive(t *testing.T) {
	const second = time.Second
	start := time.Now()
	for name, tt := range map[string]struct {
		sent, pinged time.Duration // since start; pinged 0: no answer is awaited
		now          time.Duration
		due          bool
		wait         time.Duration
	}{
		"sent a while ago":             {2 * second, 0, 30 * second, false, 26 * second},
		"sent nothing for long":        {2 * second, 0, 56 * second, true, 10 * second},
		"the answer may still come":    {56 * second, 56 * second, 60 * second, false, 6 * second},
		"the answer is overdue":        {56 * second, 56 * second, 66 * second, false, 0},
		"overdue, though much is sent": {65 * second, 56 * second, 67 * second, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			k := keepAlive{interval: 54 * second, pong: 10 * second, lastSent: start.Add(tt.sent)}
			if tt.pinged > 0 {
				k.pinged = start.Add(tt.pinged)
			}
			due, wait := k.next(start.Add(tt.now))
			if due != tt.due || wait != tt.wait || k.isSilent() != (tt.wait == 0) {
				t.Errorf("due %v, wait %v, silent %v", due, wait, k.isSilent())
			}
		})
	}
}

// A broker that answers two pings and then no more: the promise in CONNECT is kept, and the silence is noticed.
func TestKeepAliveOnTheWire(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	l := defaultLimits()
	l.keepAlive, l.pong = time.Second, 200*time.Millisecond
	connected := make(chan *connection)
	go func() {
		c, err := connect(t.Context(), Config{Broker: "mqtt://" + listener.Addr().String()}, l, "mat", nil, func(paho.Client, paho.Message) {})
		if err != nil {
			t.Error(err)
		}
		connected <- c
	}()
	broker, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	broker.SetDeadline(time.Now().Add(20 * time.Second))
	read := func() packets.ControlPacket {
		t.Helper()
		p, err := packets.ReadPacket(broker)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p, is := read().(*packets.ConnectPacket); !is || p.Keepalive != 1 || p.ClientIdentifier != "mat" {
		t.Errorf("first came %v", p)
	}
	broker.Write(connack)
	c := <-connected
	for range 2 {
		if p, is := read().(*packets.PingreqPacket); !is {
			t.Errorf("while nothing was sent came %v", p)
		}
		broker.Write([]byte{typePingresp << 4, 0})
	}
	if p, is := read().(*packets.PingreqPacket); !is {
		t.Errorf("while nothing was sent came %v", p)
	}
	<-c.lost
	if err := c.lostError(); !errors.Is(err, errNoAnswer) {
		t.Errorf("the connection ended with: %v", err)
	}
	c.abort()
}
