package mqtt

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// listenWith accepts connections, and gives each to handle, which must return soon; then it is closed.
func listenWith(t *testing.T, handle func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handle(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String()
}

func answering(bytes string) func(net.Conn) {
	return func(c net.Conn) {
		c.SetDeadline(time.Now().Add(time.Second))
		c.Read(make([]byte, 200))
		c.Write([]byte(bytes))
	}
}

func TestDiagnoseWhatIsNoBroker(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	plain := newEmbedded(t)
	for situation, c := range map[string]struct{ broker, what, hint string }{
		"a web server":               {"mqtt://" + web.Listener.Addr().String(), "broker does not answer", "web server"},
		"a web server that is quick": {"mqtt://" + listenWith(t, answering("HTTP/1.0 400 Bad Request\r\n\r\n")), "no broker on this port", "most often 1883"},
		"something else":             {"mqtt://" + listenWith(t, answering("220 mail ESMTP\r\n")), "no broker on this port", "most often 1883"},
		"TLS without mqtts":          {"mqtt://" + listenWith(t, answering("\x15\x03\x01\x00\x02\x02\x46")), "broker speaks TLS", "mqtts://"},
		"mqtts without TLS":          {strings.Replace(plain.Address(), "mqtt:", "mqtts:", 1), "broker does not speak TLS", "mqtt://"},
		"mqtts to a web server":      {"mqtts://" + web.Listener.Addr().String(), "broker does not speak TLS", "mqtt://"},
		"closes at once":             {"mqtt://" + listenWith(t, func(net.Conn) {}), "broker closes the connection right after CONNECT", "log"},
		"closes after CONNECT":       {"mqtt://" + listenWith(t, answering("")), "broker closes the connection right after CONNECT", "retain_available"},
		"another path of websockets": {"ws://" + web.Listener.Addr().String() + "/wrong", "no websocket at this address", "path"},
		"nothing":                    {fmt.Sprintf("mqtt://127.0.0.1:%d", freePort(t)), "broker away", "nothing listens"},
	} {
		t.Run(situation, func(t *testing.T) {
			l := defaultLimits()
			l.connect = 2 * time.Second
			_, err := connect(t.Context(), Config{Broker: c.broker}, l, "test", nil, nil)
			if err == nil {
				t.Fatal("connected")
			}
			if f := diagnose(err); !strings.Contains(f.what, c.what) || !strings.Contains(f.hint, c.hint) {
				t.Errorf("%v: %s; %s", err, f.what, f.hint)
			}
		})
	}
}

func TestRunWithHugeMessages(t *testing.T) {
	broker := newMosquitto(t)
	client := newTestClient(t, broker.url())
	d := startDaemon(t, testOptions(broker.url()), defaultLimits())
	n := client.await(0, "guided/mat/status", "online")
	for _, topic := range []string{"guided/mat/command", "guided/all/command"} {
		client.publish(topic, strings.Repeat("x", 20<<20))
		n = client.await(n, "guided/mat/response", "more than 65536 bytes")
	}
	client.publish("guided/mat/command", "stop")
	client.await(n, "guided/mat/response", `"ok"`)
	if lines := d.log.with(""); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
}
