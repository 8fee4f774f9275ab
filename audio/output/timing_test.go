package output

import (
	"context"
	"errors"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// These benchmarks measure what must be fast, on a machine that is not busy with anything else, and fail when it is too
// slow. Each iteration plays for seconds, so -benchtime=1x is enough.

// worst reports the largest of the times of the iterations of a benchmark, and fails when it is beyond a limit.
func worst(b *testing.B, what string, limit time.Duration, once func() time.Duration) {
	b.Helper()
	most := time.Duration(0)
	for b.Loop() {
		most = max(most, once().Abs())
	}
	b.ReportMetric(most.Seconds()*1000, "ms-"+what)
	if most > limit {
		b.Errorf("it took %v, want %v at most", most, limit)
	}
}

func BenchmarkPulseOpenToFirstSample(b *testing.B) {
	startPulseaudio(b)
	out := openOutput(b, "pulse:mat", 0)
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		err := out.Play(ctx, audiotest.NewNoise(audio.Rate), eachBlock(func(frames int) {
			if frames > 0 {
				cancel()
			}
		}))
		if !errors.Is(err, context.Canceled) {
			b.Fatal(err)
		}
	}
}

// From a change of the source to the silence in the recording of the sink.
func BenchmarkPulsePauseToSilence(b *testing.B) {
	server := startPulseaudio(b)
	worst(b, "to-silence", 150*time.Millisecond, func() time.Duration {
		recording := server.record()
		src := newChangingNoise(3 * audio.Rate)
		p := play(b, openOutput(b, "pulse:mat", 0), src)
		p.waitHeard(b, audio.Rate)
		asked := src.silence()
		if err := p.wait(b); err != nil {
			b.Fatal(err)
		}
		_, last := audiotest.LoudFrames(recording.untilSilent())
		if src.rewound < audio.RewindDepth/2 || src.rewinds != 1 {
			b.Errorf("%d frames were rewound %d times, want at least %d in one", src.rewound, src.rewinds, audio.RewindDepth/2)
		}
		return recording.arrived(last * audio.FrameBytes).Sub(asked)
	})
}

// From the pull of the first silent frame to the silence in the recording, on a device that cannot rewind.
func BenchmarkALSAPullToSilence(b *testing.B) {
	server := startPulseaudio(b)
	server.alsa(b)
	worst(b, "to-silence", 150*time.Millisecond, func() time.Duration {
		recording := server.record()
		src := audiotest.NewNoise(2 * audio.Rate)
		src.SilentFrom = audio.Rate
		if err := play(b, openOutput(b, "alsa:mat", 0), src).wait(b); err != nil {
			b.Fatal(err)
		}
		_, last := audiotest.LoudFrames(recording.untilSilent())
		return recording.arrived(last * audio.FrameBytes).Sub(src.PulledAt)
	})
}

// From the end of the context to the return of Play and to the silence in the recording.
func BenchmarkCancel(b *testing.B) {
	for spec, returns := range map[string]time.Duration{"pulse:mat": 100 * time.Millisecond, "alsa:mat": 200 * time.Millisecond} {
		b.Run(spec, func(b *testing.B) {
			server := startPulseaudio(b)
			server.alsa(b)
			worst(b, "to-silence", 150*time.Millisecond, func() time.Duration {
				recording := server.record()
				p := play(b, openOutput(b, spec, 0), audiotest.NewNoise(60*audio.Rate))
				p.waitHeard(b, audio.Rate/2)
				cancelled := time.Now()
				p.cancel()
				_ = p.wait(b)
				if took := time.Since(cancelled); took > returns {
					b.Errorf("Play returned after %v, want %v at most", took, returns)
				}
				_, last := audiotest.LoudFrames(recording.untilSilent())
				return recording.arrived(last * audio.FrameBytes).Sub(cancelled)
			})
		})
	}
}

// By how much a report of Play differs from the recording.
func BenchmarkHeardAccuracy(b *testing.B) {
	for _, spec := range []string{"pulse:mat", "alsa:mat", "alsa:converted"} {
		b.Run(spec, func(b *testing.B) {
			server := startPulseaudio(b)
			server.alsa(b)
			worst(b, "off", 80*time.Millisecond, func() time.Duration {
				const frames = 3 * audio.Rate
				recording := server.record()
				out := openOutput(b, spec, audio.Rate/10)
				p := play(b, out, audiotest.NewNoise(frames))
				if err := p.wait(b); err != nil {
					b.Fatal(err)
				}
				found := matchRecording(b, recording.untilSilent(), rendered(frames), out.underruns())
				late := reportDelays(p, recording, found, frames)
				return max(late[0].Abs(), late[len(late)-1].Abs())
			})
		})
	}
}

// From the loss of a device to the return of Play. A device that goes silent is lost after stallTimeout.
func BenchmarkLossToReturn(b *testing.B) {
	suspend := func(s *pulseaudio) { s.pactl("suspend-sink", "mat", "1") }
	for name, tt := range map[string]struct {
		spec string
		lose func(*pulseaudio)
	}{
		"pulse killed":       {"pulse:mat", (*pulseaudio).kill},
		"pulse hangs":        {"pulse:mat", (*pulseaudio).halt},
		"pulse sink removed": {"pulse:mat", func(s *pulseaudio) { s.pactl("unload-module", "module-null-sink") }},
		"pulse suspended":    {"pulse:mat", suspend},
		"alsa killed":        {"alsa:mat", (*pulseaudio).kill},
		"alsa suspended":     {"alsa:mat", suspend},
	} {
		b.Run(name, func(b *testing.B) {
			server := startPulseaudio(b)
			server.alsa(b)
			worst(b, "to-return", 2500*time.Millisecond, func() time.Duration {
				p := play(b, openOutput(b, tt.spec, 0), audiotest.NewNoise(60*audio.Rate))
				p.waitHeard(b, audio.Rate/4)
				began := time.Now()
				tt.lose(server)
				if err := p.wait(b); err == nil {
					b.Error("a lost device is no error")
				}
				took := time.Since(began)
				server.kill()
				server.start()
				return took
			})
		})
	}
}

// By how much a report of Play usually differs from what a Snapcast client has written. The client writes up to 60 ms
// before the sound is due.
func BenchmarkSnapcastHeardAccuracy(b *testing.B) {
	server := startSnapserver(b)
	worst(b, "off", 100*time.Millisecond, func() time.Duration {
		const frames = 3 * audio.Rate
		client := server.client("kitchen")
		server.setStream("kitchen", "guided")
		p := play(b, openOutput(b, "snapcast:tcp://"+server.source+"?buffer=1s", audio.Rate/10), audiotest.NewNoise(frames))
		if err := p.wait(b); err != nil {
			b.Fatal(err)
		}
		first, _ := audiotest.LoudFrames(client.untilSilent())
		late := reportDelays(p, client, pieces{{got: first, frames: frames}}, frames)
		usual := late[len(late)/2]
		if usual < 0 {
			b.Errorf("a frame is usually reported %v before it was written", -usual)
		}
		return usual
	})
}
