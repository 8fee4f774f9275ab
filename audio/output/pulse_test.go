package output

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"guided/audio"
	"guided/audio/audiotest"
)

// The sink plays the offline render byte for byte: no gap, no drift, no other conversion.
func TestPulsePlaysTheRender(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	recording := server.record()
	const frames = 5 * audio.Rate
	out := openOutput(t, "pulse:mat", audio.Rate/10)
	p := play(t, out, audiotest.NewNoise(frames))
	if err := p.wait(t); err != nil {
		t.Fatal(err)
	}
	checkPlayed(t, p, out, recording, frames)
}

// A source that changes is heard to change at once, not after what is buffered; and what is heard before it is the render.
func TestPulseRewindsWhatIsNotHeard(t *testing.T) {
	for name, x := range map[string]struct {
		sink   string
		frames int
	}{
		"in the middle": {"mat", 6 * audio.Rate},
		"near the end, when all of it has been pulled":               {"mat", 3*audio.Rate/2 + 100}, // not a whole number of blocks
		"in a sink that rewinds":                                     {"deep", 6 * audio.Rate},
		"in a sink that rewinds, when all of it has been pulled":     {"deep", 5*audio.Rate/2 + 100},
		"in a sink that passes the sound on, and so does not rewind": {"both", 6 * audio.Rate},
	} {
		t.Run(name, func(t *testing.T) {
			audiotest.NoLeaks(t)
			server := startPulseaudio(t)
			server.pactl("load-module", "module-null-sink", "sink_name=deep", "format=s16le", "rate=48000")
			if x.sink == "both" {
				server.pactl("load-module", "module-combine-sink", "sink_name=both", "slaves=mat", "format=s16le", "rate=48000", "adjust_time=0")
			}
			frames := x.frames
			latency := 10
			if x.sink == "deep" {
				latency = 2000 // a recorder with less would keep the latency of the sink as short
			}
			recording := server.recordSink(map[string]string{"mat": "mat", "deep": "deep", "both": "mat"}[x.sink], latency)
			src := newChangingNoise(frames)
			out := openOutput(t, "pulse:"+x.sink, audio.Rate/10)
			p := pulseChange(t, out, src)
			if err := p.wait(t); err != nil {
				t.Fatal(err)
			}
			if src.rewound == 0 || src.rewinds != 1 {
				t.Errorf("%d frames were rewound %d times, want once", src.rewound, src.rewinds)
			}
			ahead := src.quietFrom - p.heardAfter(src.rewoundAt)
			t.Logf("%d frames were rewound; the silence begins %v after what was heard then", src.rewound, toDuration(ahead))
			most := audio.Rate * 40 / 1000 // and 10 ms for a fade-out
			if x.sink == "both" {
				most = audio.Rate * 150 / 1000 // its own latency, and that of the sink behind it
			}
			if ahead > most {
				t.Errorf("the silence begins %v after what was heard when it was asked for, want within %v", toDuration(ahead), toDuration(most))
			}
			if x.sink == "both" { // it converts the sound
				first, last := audiotest.LoudFrames(recording.untilSilent())
				if off := last + 1 - first - src.quietFrom; max(off, -off) > audio.Rate/100 {
					t.Errorf("%d frames of sound are heard, want %d", last+1-first, src.quietFrom)
				}
				return
			}
			found := matchRecording(t, recording.untilSilent(), rendered(frames), out.underruns())
			t.Logf("the sound ends %d frames after the silence begins", found.frames()-src.quietFrom) // more than none when the rewind reached the server late
			if found.frames() < src.quietFrom {
				t.Errorf("%d frames of sound are heard, want %d", found.frames(), src.quietFrom)
			}
			if p.heard() != frames {
				t.Errorf("%d frames are heard at the end, want all %d", p.heard(), frames)
			}
		})
	}
}

// pulseChange plays src and turns it silent when a second was heard and as much as possible is pulled ahead.
func pulseChange(t testing.TB, out audio.Output, src *changingNoise) *playback {
	changed := false
	return playWith(t, out, src, func(heard int) {
		if pulled := src.pulled(); !changed && heard >= audio.Rate && (pulled-heard >= audio.RewindDepth*7/8 || pulled == src.frames) {
			changed = true
			src.silence()
		}
	})
}

func TestPulseServerKilledAndRestarted(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	out := openOutput(t, "pulse:mat", 0)
	src := audiotest.NewNoise(60 * audio.Rate)
	for range 3 {
		p := play(t, out, src)
		p.waitHeard(t, audio.Rate/2)
		server.kill()
		if err := p.wait(t); err == nil || !strings.Contains(err.Error(), "server has gone") {
			t.Errorf("the error is %v", err)
		}
		if err := play(t, out, src).wait(t); err == nil || !strings.Contains(err.Error(), "PULSE_SERVER") {
			t.Errorf("without a server, the error is %v", err)
		}
		server.start()
	}
}

func TestPulseSinkRemoved(t *testing.T) {
	for _, spec := range []string{"pulse", "pulse:mat"} {
		t.Run(spec, func(t *testing.T) {
			audiotest.NoLeaks(t)
			server := startPulseaudio(t)
			p := play(t, openOutput(t, spec, 0), audiotest.NewNoise(60*audio.Rate))
			p.waitHeard(t, audio.Rate/4)
			server.pactl("unload-module", "module-null-sink")
			if err := p.wait(t); err == nil || !strings.Contains(err.Error(), "mat was removed") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// A stream to a named sink ends with that sink, even when the server would move it to another.
func TestPulseNamedSinkIsNotReplaced(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	server.pactl("load-module", "module-null-sink", "sink_name=kitchen", "norewinds=1")
	server.pactl("load-module", "module-rescue-streams")
	p := play(t, openOutput(t, "pulse:kitchen", 0), audiotest.NewNoise(60*audio.Rate))
	p.waitHeard(t, audio.Rate/4)
	modules := server.pactl("list", "short", "modules")
	for line := range strings.Lines(modules) {
		if strings.Contains(line, "kitchen") {
			server.pactl("unload-module", strings.Fields(line)[0])
		}
	}
	if err := p.wait(t); err == nil || !strings.Contains(err.Error(), "kitchen") {
		t.Errorf("the error is %v", err)
	}
	err := play(t, openOutput(t, "pulse:kitchen", 0), audiotest.NewNoise(audio.Rate)).wait(t)
	if err == nil || !strings.Contains(err.Error(), `no sink "kitchen", only mat`) {
		t.Errorf("the error is %v", err)
	}
}

// A stream to the default sink goes on where the user moves it.
func TestPulseDefaultSinkFollowsAMove(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	server.pactl("load-module", "module-null-sink", "sink_name=kitchen", "norewinds=1")
	p := play(t, openOutput(t, "pulse", 0), audiotest.NewNoise(60*audio.Rate))
	p.waitHeard(t, audio.Rate/4)
	input := strings.Fields(server.pactl("list", "short", "sink-inputs"))[0]
	server.pactl("move-sink-input", input, "kitchen")
	p.waitHeard(t, p.heard()+audio.Rate/2)
	p.cancel()
	if err := p.wait(t); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestPulseSinkSuspended(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	out := openOutput(t, "pulse:mat", 0)
	src := audiotest.NewNoise(60 * audio.Rate)
	p := play(t, out, src)
	p.waitHeard(t, audio.Rate/4)
	server.pactl("suspend-sink", "mat", "1")
	if err := p.wait(t); err == nil || !strings.Contains(err.Error(), "suspended") {
		t.Errorf("the error is %v", err)
	}
	if err := play(t, out, src).wait(t); err == nil || !strings.Contains(err.Error(), "suspended") {
		t.Errorf("the error of a sink that was suspended before is %v", err)
	}
	server.pactl("suspend-sink", "mat", "0")
	play(t, out, src).waitHeard(t, audio.Rate/4)
}

func TestPulseServerHangs(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	p := play(t, openOutput(t, "pulse:mat", 0), audiotest.NewNoise(60*audio.Rate))
	p.waitHeard(t, audio.Rate/4)
	server.halt()
	if err := p.wait(t); err == nil {
		t.Error("a server that hangs is no error")
	}
}

func TestPulseCancel(t *testing.T) {
	audiotest.NoLeaks(t)
	server := startPulseaudio(t)
	recording := server.record()
	out := openOutput(t, "pulse:mat", 0)
	checkCancel(t, out, recording)
}

// checkCancel checks that a Play ends with its context, and that what is recorded is the render up to there.
func checkCancel(t *testing.T, out *testOutput, recording *recorder) {
	t.Helper()
	const frames = 60 * audio.Rate
	p := play(t, out, audiotest.NewNoise(frames))
	p.waitHeard(t, audio.Rate/2)
	p.cancel()
	if err := p.wait(t); err != context.Canceled {
		t.Errorf("the error is %v", err)
	}
	found := matchRecording(t, recording.untilSilent(), rendered(frames), out.underruns())
	if found.frames() < audio.Rate/2 {
		t.Errorf("%d frames of sound are recorded, and more were reported", found.frames())
	}
}

// toneSource is a tone that can be rewound, and comes out the same again.
type toneSource struct {
	at, frames int
	rewound    int
	changed    chan struct{}
}

func (s *toneSource) Stream(samples [][2]float64) (int, bool) {
	n := min(len(samples), s.frames-s.at)
	for i := range samples[:n] {
		x := 0.5 * math.Sin(2*math.Pi*440*float64(s.at+i)/audio.Rate)
		samples[i] = [2]float64{x, x}
	}
	s.at += n
	return n, n > 0
}

func (s *toneSource) Err() error               { return nil }
func (s *toneSource) Changed() <-chan struct{} { return s.changed }

func (s *toneSource) Rewind(frames int) {
	s.at -= frames
	s.rewound += frames
}

// What is taken back and given again makes no click, also where the server converts the sound to another rate.
func TestPulseRewindMakesNoClick(t *testing.T) {
	for name, args := range map[string][]string{
		"sink of 48 kHz that rewinds":           {"rate=48000"},
		"sink of 44.1 kHz that rewinds":         {"rate=44100"},
		"sink of 44.1 kHz that does not rewind": {"rate=44100", "norewinds=1"},
	} {
		t.Run(name, func(t *testing.T) {
			audiotest.NoLeaks(t)
			server := startPulseaudio(t)
			server.pactl(append([]string{"load-module", "module-null-sink", "sink_name=other", "format=s16le"}, args...)...)
			recording := server.recordSink("other", 10) // at 48 kHz
			src := &toneSource{frames: 8 * audio.Rate, changed: make(chan struct{}, 1)}
			next := audio.Rate * 2
			out := openOutput(t, "pulse:other", audio.Rate/10)
			p := playWith(t, out, src, func(heard int) {
				if heard > next {
					next += audio.Rate * 7 / 10
					src.changed <- struct{}{}
				}
			})
			if err := p.wait(t); err != nil {
				t.Fatal(err)
			}
			got := recording.untilSilent()
			first, last := audiotest.LoudFrames(got)
			sample := func(i int) float64 { return float64(int16(binary.LittleEndian.Uint16(got[i*audio.FrameBytes:]))) }
			worst, at := 0.0, 0
			for i := first + audio.Rate/10; i < last-audio.Rate/10; i++ { // of a tone, each sample follows from the two before
				off := math.Abs(sample(i+1) - 2*math.Cos(2*math.Pi*440/audio.Rate)*sample(i) + sample(i-1))
				if off > worst {
					worst, at = off, i-first
				}
			}
			t.Logf("%d frames were rewound; a sample is %.0f off at most, after %.3f s", src.rewound, worst, float64(at)/audio.Rate)
			if worst > 100 && out.underruns() == 0 { // -50 dBFS
				t.Errorf("there is a click of %.0f", worst)
			}
		})
	}
}
