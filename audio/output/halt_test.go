package output

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// returnBound is within what a Play must return after the end of its context, whatever its device waits for: far more than
// it takes (alsaGrace and a little), because the machine may be busy, and less than any timeout of a device.
const returnBound = stallTimeout - 200*time.Millisecond

// checkReturns cancels a Play and checks that it returns in time.
func checkReturns(t *testing.T, p *playback) {
	t.Helper()
	began := time.Now()
	p.cancel()
	if err := p.wait(t); err != context.Canceled {
		t.Errorf("the error is %v", err)
	}
	if took := time.Since(began); took > returnBound {
		t.Errorf("Play returned %v after the end of its context", took)
	}
}

// A Play returns at the end of its context even when its server has stopped to answer, before and in the middle of the
// sound; without that it ends by itself, and it plays again when the server goes on.
func TestPlayWithServerThatHangs(t *testing.T) {
	for _, spec := range []string{"pulse:mat", "alsa:mat", "auto"} {
		t.Run(spec, func(t *testing.T) {
			audiotest.NoLeaks(t)
			server := startPulseaudio(t)
			setALSAConfig(t, `
				pcm.mat { type pulse server "unix:`+server.socket+`" device mat }
				pcm.!default { type pulse server "unix:`+server.socket+`" device mat }
			`)
			out := openOutput(t, spec, 0)
			begin := func() *playback {
				p := play(t, out, audiotest.NewNoise(600*audio.Rate))
				p.waitHeard(t, audio.Rate/4)
				return p
			}

			p := begin()
			server.halt()
			checkReturns(t, p)
			p = play(t, out, audiotest.NewNoise(audio.Rate))
			checkReturns(t, p)
			server.resume()

			p = begin()
			server.halt()
			began := time.Now()
			if err := p.wait(t); err == nil {
				t.Error("a server that hangs is no error")
			}
			if took := time.Since(began); took > 3*alsaOpenTimeout {
				t.Errorf("Play returned after %v", took)
			}
			began = time.Now()
			if err := play(t, out, audiotest.NewNoise(audio.Rate)).wait(t); err == nil {
				t.Error("a server that hangs opens")
			}
			if took := time.Since(began); took > 3*alsaOpenTimeout {
				t.Errorf("Play returned after %v", took)
			}
			server.resume()
			p = begin()
			p.cancel()
			<-p.ended
		})
	}
}

// A server that accepts and says nothing holds nobody up: neither a Play nor the list of devices, nor the next server.
func TestPulseServerAcceptsAndIsSilent(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	silent := "tcp:" + listener.Addr().String()
	t.Setenv("PULSE_SERVER", silent)
	p := play(t, openOutput(t, "pulse", 0), audiotest.NewNoise(audio.Rate))
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	checkReturns(t, p)
	if list := pulseDevices(t.Context()); len(list) != 1 || !strings.Contains(list[0].Problem, "not answered") || !strings.Contains(list[0].Problem, silent) {
		t.Errorf("the devices are %+v", list)
	}
	t.Setenv("PULSE_SERVER", silent+" unix:"+server.socket)
	if err := Probe(t.Context(), "pulse:mat", audiotest.Logger(t)); err != nil {
		t.Errorf("the second server of the list: %v", err)
	}
}

// A control of a Snapcast server that says nothing delays neither the sound nor its end for long.
func TestSnapcastControlIsSilent(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startSnapserver(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, query := range []string{"?control=", "?groups=all&control="} {
		p := play(t, openOutput(t, "snapcast:tcp://"+server.source+query+listener.Addr().String(), 0), audiotest.NewNoise(60*audio.Rate))
		checkReturns(t, p)
		p = play(t, openOutput(t, "snapcast:tcp://"+server.source+query+listener.Addr().String()+"&buffer=0s", 0), audiotest.NewNoise(60*audio.Rate))
		p.waitHeard(t, audio.Rate/10)
		checkReturns(t, p)
	}
}

// A Snapcast server that hangs does not hold up the end of a Play, whose groups are switched back later.
func TestSnapcastServerHangs(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startSnapserver(t)
	server.client("kitchen")
	server.setStream("kitchen", "music")
	out := openOutput(t, "snapcast:tcp://"+server.source+"?buffer=0s&groups=all&control="+server.control, 0)
	p := play(t, out, audiotest.NewNoise(60*audio.Rate))
	p.waitHeard(t, audio.Rate/10)
	server.waitPlays("kitchen", "guided")
	server.signal(syscall.SIGSTOP)
	checkReturns(t, p)
	p = play(t, out, audiotest.NewNoise(60*audio.Rate)) // the server's system still accepts
	checkReturns(t, p)
	server.signal(syscall.SIGCONT)
	if err := play(t, out, audiotest.NewNoise(audio.Rate/10)).wait(t); err != nil {
		t.Error(err)
	}
	server.waitPlays("kitchen", "music")
}

// burstDevice can rewind, and takes half a second of sound at a time, as some sinks do.
type burstDevice struct{ rewindingDevice }

func (d *burstDevice) room() int64 {
	const burst = audio.Rate / 2
	return (d.elapsed()/burst+2)*burst - d.written
}

func (d *burstDevice) wait(ctx context.Context, limit time.Duration, interrupt <-chan struct{}) (int, bool, error) {
	if d.written == 0 {
		return audio.Rate / 2, false, nil
	}
	if room := d.room(); room > 0 {
		return int(room), false, nil
	}
	wait := time.NewTimer(min(limit, toDuration(audio.Rate/2-d.elapsed()%(audio.Rate/2))))
	defer wait.Stop()
	select {
	case <-wait.C:
		return 0, false, nil
	case <-interrupt:
		return 0, true, nil
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
}

func (d *burstDevice) write(_ context.Context, block []byte) error {
	if d.written == 0 {
		d.start = time.Now()
	}
	d.written += int64(len(block) / audio.FrameBytes)
	return nil
}

// A change of the source does not wait until the device takes sound again.
func TestPumpChangeWhileTheDeviceIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newChangingNoise(5 * audio.Rate)
		asked := time.Now().Add(1234 * time.Millisecond)
		time.AfterFunc(time.Until(asked), func() { src.silence() })
		if err := on(&burstDevice{}, 0).Play(t.Context(), src, farAhead); err != nil {
			t.Fatal(err)
		}
		if late := src.rewoundAt.Sub(asked); src.rewinds != 1 || late > 10*time.Millisecond {
			t.Errorf("it was rewound %d times, %v after the change", src.rewinds, late)
		}
	})
}

// A real sink with two seconds of latency takes its sound in large pieces.
func TestPulseChangeOnSinkOfHighLatency(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	server.pactl("load-module", "module-null-sink", "sink_name=slow")
	src := newChangingNoise(20 * audio.Rate)
	p := play(t, openOutput(t, "pulse:slow", 0), src)
	audiotest.Eventually(t, "the buffer is full", func() bool { return src.pulled() >= audio.RewindDepth*3/4 })
	asked := src.silence()
	audiotest.Eventually(t, "the change is taken", func() bool {
		src.mu.Lock()
		defer src.mu.Unlock()
		return !src.silencing
	})
	t.Logf("the change was taken after %v", time.Since(asked).Round(time.Millisecond))
	p.cancel()
	if err := p.wait(t); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A name that is not found is an error that says what to write in its place: without C there is no mDNS.
func TestOutputHostIsNotFound(t *testing.T) {
	for _, spec := range []string{"snapcast:tcp://nobody.invalid:4953", "pulse"} {
		t.Setenv("PULSE_SERVER", "tcp:nobody.invalid")
		if err := Probe(t.Context(), spec, audiotest.Logger(t)); err == nil || !strings.Contains(err.Error(), "write the IP address in place of nobody.invalid") {
			t.Errorf("%s: the error is %v", spec, err)
		}
	}
}
