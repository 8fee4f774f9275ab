package output

import (
	"io"
	"net"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

// A connection that is reset, rather than closed, is an error too.
func TestPulseConnReset(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	t.Setenv("PULSE_SERVER", "tcp:"+listener.Addr().String())
	p := play(t, openOutput(t, "pulse:mat", 0), audiotest.NewNoise(60*audio.Rate))
	client, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	upstream, err := net.Dial("unix", server.socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}, 2)
	forward := func(to, from net.Conn) {
		// Its error is the reset. The bare interfaces keep io.Copy from splicing, whose pipes stay open until they are collected.
		_, _ = io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{from})
		done <- struct{}{}
	}
	go forward(client, upstream)
	go forward(upstream, client)
	p.waitHeard(t, audio.Rate/4)
	_ = client.(*net.TCPConn).SetLinger(0)
	client.Close()
	upstream.Close()
	err = p.wait(t)
	<-done
	<-done
	if err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("the error is %v", err)
	}
}
