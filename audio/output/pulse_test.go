package output

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// What comes out of the sink is the offline render, byte for byte, at one offset: no gap, no drift, no other
// conversion.
func TestPulsePlaysTheRender(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startServer(t)
	recording := server.record()
	const frames = 5 * audio.Rate
	p := play(t, openOutput(t, "pulse:mat", audio.Rate/10), audiotest.NewNoise(frames))
	if err := p.end(t, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if p.heard() != frames {
		t.Errorf("%d frames are heard at the end, want %d", p.heard(), frames)
	}
	checkRecording(t, recording.sound(audio.Rate*audio.FrameBytes/5), rendered(frames))
	checkHeard(t, p, recording, frames)
}

// checkRecording finds the render in a recording.
func checkRecording(t *testing.T, got, want []byte) int {
	t.Helper()
	at := bytes.Index(got, want[:1024])
	if at < 0 {
		t.Fatal("the beginning was not heard")
	}
	got = got[at:]
	for i := range want {
		if i == len(got) || got[i] != want[i] {
			again := bytes.Index(got[min(i, len(got)):], want[i/4*4:min(len(want), i/4*4+64)])
			t.Fatalf("the sound differs from the render after %.3f s; it goes on %d bytes later", float64(i)/audio.Rate/audio.FrameBytes, again)
		}
	}
	return at / audio.FrameBytes
}

// checkHeard compares what Play told with when it was recorded.
func checkHeard(t *testing.T, p *playing, r *recorder, frames int) {
	t.Helper()
	first, _ := audiotest.LoudFrames(r.bytes)
	low, high := time.Hour, -time.Hour
	for i, n := range p.frames {
		if i > 0 && n < p.frames[i-1] {
			t.Errorf("heard went back from %d to %d", p.frames[i-1], n)
		}
		if n > 0 && n < frames {
			d := p.at[i].Sub(r.arrived((first + n) * audio.FrameBytes))
			low, high = min(low, d), max(high, d)
		}
	}
	t.Logf("a frame is told from %v to %v after it was recorded", low, high)
	if low < -80*time.Millisecond || high > 80*time.Millisecond {
		t.Errorf("a frame is told from %v to %v after it was recorded, want within 80 ms", low, high)
	}
}

// checkPause tells when the silence that a source turned to was recorded.
func checkPause(t *testing.T, r *recorder, src *audiotest.Noise) {
	t.Helper()
	_, last := audiotest.LoudFrames(r.sound(audio.Rate * audio.FrameBytes / 5))
	delay := r.arrived(last * audio.FrameBytes).Sub(src.PulledAt)
	t.Logf("silence is recorded %v after it was pulled", delay)
	if delay > 150*time.Millisecond {
		t.Errorf("silence is recorded %v after it was pulled, want within 150 ms", delay)
	}
}

func TestPulseServerIsKilledAndComesBack(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startServer(t)
	out := openOutput(t, "pulse:mat", 0)
	src := audiotest.NewNoise(60 * audio.Rate)
	for range 3 {
		p := play(t, out, src)
		p.untilHeard(t, audio.Rate/2)
		err := p.endAfter(t, 2500*time.Millisecond, server.kill)
		if err == nil || !strings.Contains(err.Error(), "server has gone") {
			t.Errorf("the error is %v", err)
		}
		if err := play(t, out, src).end(t, time.Second); err == nil || !strings.Contains(err.Error(), "PULSE_SERVER") {
			t.Errorf("without a server, the error is %v", err)
		}
		server.start()
	}
}

func TestPulseSinkIsRemoved(t *testing.T) {
	for _, spec := range []string{"pulse", "pulse:mat"} {
		t.Run(spec, func(t *testing.T) {
			audiotest.NoLeaks(t)
			server := startServer(t)
			p := play(t, openOutput(t, spec, 0), audiotest.NewNoise(60*audio.Rate))
			p.untilHeard(t, audio.Rate/4)
			err := p.endAfter(t, 2500*time.Millisecond, func() { server.pactl("unload-module", "module-null-sink") })
			if err == nil || !strings.Contains(err.Error(), "mat was removed") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// With another sink to go to, a stream to a named one must still not be taken there.
func TestPulseNamedSinkIsNotReplaced(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startServer(t)
	server.pactl("load-module", "module-null-sink", "sink_name=kitchen", "norewinds=1")
	server.pactl("load-module", "module-rescue-streams")
	p := play(t, openOutput(t, "pulse:kitchen", 0), audiotest.NewNoise(60*audio.Rate))
	p.untilHeard(t, audio.Rate/4)
	modules := server.pactl("list", "short", "modules")
	for line := range strings.Lines(modules) {
		if strings.Contains(line, "kitchen") {
			server.pactl("unload-module", strings.Fields(line)[0])
		}
	}
	if err := p.end(t, 2500*time.Millisecond); err == nil || !strings.Contains(err.Error(), "kitchen") {
		t.Errorf("the error is %v", err)
	}
	err := play(t, openOutput(t, "pulse:kitchen", 0), audiotest.NewNoise(audio.Rate)).end(t, time.Second)
	if err == nil || !strings.Contains(err.Error(), `no sink "kitchen", only mat`) {
		t.Errorf("the error is %v", err)
	}
}

// The default follows the user: the sound goes on where he moves it.
func TestPulseDefaultFollowsTheUser(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startServer(t)
	server.pactl("load-module", "module-null-sink", "sink_name=kitchen", "norewinds=1")
	p := play(t, openOutput(t, "pulse", 0), audiotest.NewNoise(60*audio.Rate))
	p.untilHeard(t, audio.Rate/4)
	input := strings.Fields(server.pactl("list", "short", "sink-inputs"))[0]
	server.pactl("move-sink-input", input, "kitchen")
	p.untilHeard(t, p.heard()+audio.Rate/2)
	p.cancel()
	if err := p.end(t, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestPulseSinkIsSuspended(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startServer(t)
	out := openOutput(t, "pulse:mat", 0)
	src := audiotest.NewNoise(60 * audio.Rate)
	p := play(t, out, src)
	p.untilHeard(t, audio.Rate/4)
	err := p.endAfter(t, 2500*time.Millisecond, func() { server.pactl("suspend-sink", "mat", "1") })
	if err == nil || !strings.Contains(err.Error(), "suspended") {
		t.Errorf("the error is %v", err)
	}
	if err := play(t, out, src).end(t, 3*time.Second); err == nil || !strings.Contains(err.Error(), "suspended") {
		t.Errorf("the error of a sink that was suspended before is %v", err)
	}
	server.pactl("suspend-sink", "mat", "0")
	play(t, out, src).untilHeard(t, audio.Rate/4)
}

func TestPulseServerHangs(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startServer(t)
	p := play(t, openOutput(t, "pulse:mat", 0), audiotest.NewNoise(60*audio.Rate))
	p.untilHeard(t, audio.Rate/4)
	err := p.endAfter(t, 2500*time.Millisecond, server.halt)
	if err == nil {
		t.Error("a server that hangs is no error")
	}
}

func TestPulseIsCancelled(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startServer(t)
	recording := server.record()
	p := play(t, openOutput(t, "pulse:mat", 0), audiotest.NewNoise(60*audio.Rate))
	p.untilHeard(t, audio.Rate/2)
	cancelled := time.Now()
	if err := p.endAfter(t, 100*time.Millisecond, p.cancel); err != context.Canceled {
		t.Errorf("the error is %v", err)
	}
	checkSilentAfter(t, recording, cancelled)
}

// checkSilentAfter tells when the last sound was recorded.
func checkSilentAfter(t *testing.T, r *recorder, cancelled time.Time) {
	t.Helper()
	_, last := audiotest.LoudFrames(r.sound(audio.Rate * audio.FrameBytes / 5))
	delay := r.arrived(last * audio.FrameBytes).Sub(cancelled)
	t.Logf("the last sound is recorded %v after the end", delay)
	if delay > 150*time.Millisecond {
		t.Errorf("the last sound is recorded %v after the end, want within 150 ms", delay)
	}
}

func BenchmarkPulseOpenToFirstSample(b *testing.B) {
	startServer(b)
	out := openOutput(b, "pulse:mat", 0)
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		err := out.Play(ctx, audiotest.NewNoise(audio.Rate), func(frames int) {
			if frames > 0 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			b.Fatal(err)
		}
	}
}
