package output

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"

	"github.com/gopxl/beep/v2"
)

// A source that is late makes a gap, and is told of; but every sample of it is heard.
func TestLateSourceLosesNothing(t *testing.T) {
	for _, spec := range []string{"pulse:mat", "alsa:mat"} {
		t.Run(spec, func(t *testing.T) {
			server := startServer(t)
			server.alsa(t)
			recording := server.record()
			var log bytes.Buffer
			out, err := Open(spec, 0, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			const late, frames = audio.Rate / audio.Block * audio.Block, 2 * audio.Rate
			src, heard := audiotest.NewNoise(frames), 0
			slow := beep.StreamerFunc(func(s [][2]float64) (int, bool) {
				if src.At == late {
					time.Sleep(audio.Reserve*time.Second/audio.Rate + 400*time.Millisecond) // more than any output keeps ahead
				}
				return src.Stream(s)
			})
			if err := out.Play(t.Context(), slow, func(n int) { heard = n }); err != nil {
				t.Fatal(err)
			}
			sound, want := recording.sound(audio.Rate*audio.FrameBytes/5), rendered(frames)
			if heard != frames || !strings.Contains(log.String(), "interrupted") {
				t.Errorf("%d frames are heard, and the log says %q", heard, log.String())
			}
			first := checkRecording(t, sound, want[:late*audio.FrameBytes]) + late
			gap := checkRecording(t, sound[first*audio.FrameBytes:], want[late*audio.FrameBytes:])
			t.Logf("the gap is %d ms", gap*1000/audio.Rate)
			if gap < audio.Rate/5 || gap > audio.Reserve+audio.Rate/2 {
				t.Errorf("the gap is %d ms", gap*1000/audio.Rate)
			}
		})
	}
}

// A connection that is reset, and not ended, is a loss too.
func TestPulseConnectionIsReset(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startServer(t)
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
	behind, err := net.Dial("unix", server.socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}, 2)
	forward := func(to, from net.Conn) {
		// It ends with the reset. The bare interfaces keep Go from splicing, whose pipes stay open until they are collected.
		_, _ = io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{from})
		done <- struct{}{}
	}
	go forward(client, behind)
	go forward(behind, client)
	p.untilHeard(t, audio.Rate/4)
	err = p.endAfter(t, 2500*time.Millisecond, func() {
		_ = client.(*net.TCPConn).SetLinger(0)
		client.Close()
		behind.Close()
	})
	<-done
	<-done
	if err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("the error is %v", err)
	}
}

func TestPulseServers(t *testing.T) {
	for text, want := range map[string]string{
		"/run/native":                    "unix /run/native",
		"unix:/run/native tcp:hall:5000": "unix /run/native, tcp hall:5000",
		"hall":                           "tcp hall:4713",
		"tcp4:hall":                      "tcp4 hall:4713",
		"tcp6:[::1]":                     "tcp6 [::1]:4713",
		"{elsewhere}unix:/a /b":          "unix /b",
		"{elsewhere}unix:/a":             `PULSE_SERVER="{elsewhere}unix:/a" names no server`,
	} {
		t.Setenv("PULSE_SERVER", text)
		list, err := pulseAddresses()
		var words []string
		for _, a := range list {
			words = append(words, a.network+" "+a.address)
		}
		got := strings.Join(words, ", ")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
