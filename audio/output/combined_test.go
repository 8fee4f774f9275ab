package output

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/audio/audiotest"
)

// skewedDevice is a device whose clock is fast or slow, and that keeps what is written to it.
type skewedDevice struct {
	rate      float64 // of its clock, in relation to real time
	start     time.Time
	written   int
	kept      []byte
	underruns int
}

func (d *skewedDevice) played() int { return int(toFrames(time.Since(d.start)) * d.rate) }

func (d *skewedDevice) write(ctx context.Context, block []byte) error {
	n := len(block) / audio.FrameBytes
	if d.written == 0 {
		d.start = time.Now()
	} else if late := d.played() - d.written; late > 0 {
		d.underruns++
		d.start = d.start.Add(toDuration(late))
	}
	if err := sleep(ctx, toDuration(max(0, d.written+n-2*audio.Depth-d.played()))); err != nil {
		return err
	}
	d.written += n
	d.kept = append(d.kept, block...)
	return nil
}

func (d *skewedDevice) delay() (int, error) { return max(0, d.written-d.played()), nil }
func (d *skewedDevice) close(int) error     { return nil }

func TestCombinedOutputsPlayTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, quiet := &fakeDevice{}, &skewedDevice{rate: 1}, &skewedDevice{rate: 1}
		out := combine(audiotest.Logger(t), part{"a", on(a, audio.Rate/2), 100}, part{"b", on(b, 0), 100}, part{"quiet", on(quiet, 0), 50})
		const frames = 5*audio.Rate + 77
		last := 0
		began := time.Now()
		if err := out.Play(t.Context(), audiotest.NewNoise(frames), eachBlock(func(n int) { last = n })); err != nil || last != frames {
			t.Errorf("%d frames are heard: %v", last, err)
		}
		if took := time.Since(began) - 5500*time.Millisecond; took > 400*time.Millisecond {
			t.Errorf("the end waited %v", took)
		}
		checkRecording(t, a.kept, rendered(frames))
		at := checkDithered(t, b.kept, frames, 1)
		checkDithered(t, quiet.kept, frames, 0.125)
		if late := at - audio.Rate/2; late < 0 || late > audio.Depth+2*audio.Block {
			t.Errorf("the follower is %v late", toDuration(late))
		}
	})
}

// sleepyRecorder is a device that takes sound at any time, up to two seconds ahead, and keeps it.
type sleepyRecorder struct {
	sleepyDevice
	kept   []byte
	from   time.Time // when writes begin to be counted
	writes int
}

func (d *sleepyRecorder) write(ctx context.Context, sound []byte) error {
	d.kept = append(d.kept, sound...)
	if !time.Now().Before(d.from) {
		d.writes++
	}
	return d.sleepyDevice.write(ctx, sound)
}

// Followers on devices that sleep get the sound in pieces, without a gap, and those that are heard late anyway in few.
func TestCombinedFollowersSleep(t *testing.T) {
	for name, tt := range map[string]struct {
		others      []part
		lag, writes int
	}{
		"pulse":                       {nil, targetLag, 30},
		"snapcast:hall":               {nil, longLag, 7},
		"snapcast:hall, with another": {[]part{{"pulse", on(&sleepyDevice{}, 0), 100}}, longLag, 30},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const frames = 20 * audio.Rate
				d := &sleepyRecorder{}
				out := combine(audiotest.Logger(t), part{"a", on(&sleepyDevice{}, 0), 100}, append(tt.others, part{name, on(d, 0), 100})...)
				if err := out.Play(t.Context(), audiotest.NewNoise(frames), farAhead); err != nil {
					t.Fatal(err)
				}
				at := checkDithered(t, d.kept, frames, 1)
				if at < tt.lag-4*audio.Block || at > tt.lag+2*audio.Block {
					t.Errorf("the follower is %v late, and not %v", toDuration(at), toDuration(tt.lag))
				}
				if most := 21 * tt.writes; d.writes > most {
					t.Errorf("it is written to %d times in 20 s", d.writes)
				}
			})
		})
	}
}

// Snapcast follows a clock that is heard late at its exact lag, and is sent little while it waits.
func TestCombinedSnapcastFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const frames, leadIn = 10 * audio.Rate, audio.Rate * 13 / 10
		conn := &countingConn{}
		follower := on(openedSnapcast(t, conn, audiotest.Logger(t)), 0)
		out := combine(audiotest.Logger(t), part{"pulse", on(&sleepyDevice{}, leadIn), 100}, part{"snapcast:hall", follower, 100})
		if err := out.Play(t.Context(), audiotest.NewNoise(frames), farAhead); err != nil {
			t.Fatal(err)
		}
		at := checkDithered(t, conn.kept, frames, 1) - leadIn
		if at < longLag-2*audio.Block || at > longLag+2*audio.Block {
			t.Errorf("it is %v late", toDuration(at))
		}
		if conn.writes > 100 {
			t.Errorf("it is sent %d pieces in 12 s", conn.writes)
		}
	})
}

// What follows Snapcast is heard at its exact lag behind it, gets few pieces, whatever the server holds, and nothing is missing.
func TestCombinedFollowsSnapcast(t *testing.T) {
	for name, tt := range map[string]struct {
		buffer, leadIn, lag int
		follower            string
	}{
		"a second in the server":    {audio.Rate, audio.Rate / 2, targetLag, "pulse"},
		"nothing in the server":     {0, 0, targetLag, "pulse"},
		"ten seconds in the server": {10 * audio.Rate, 0, targetLag, "pulse"},
		"and is Snapcast too":       {audio.Rate, 0, longLag, "snapcast:hall"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const frames = 20 * audio.Rate
				clock := openedSnapcast(t, &countingConn{}, audiotest.Logger(t))
				clock.output.buffer = tt.buffer
				began := time.Now()
				d := &sleepyRecorder{from: began.Add(toDuration(tt.buffer + tt.leadIn))}
				out := combine(audiotest.Logger(t), part{"snapcast:bath", on(clock, tt.leadIn), 100}, part{tt.follower, on(d, 0), 100})
				if err := out.Play(t.Context(), audiotest.NewNoise(frames), farAhead); err != nil {
					t.Fatal(err)
				}
				begins := int(toFrames(d.start.Sub(began)))
				at := begins + checkDithered(t, d.kept, frames, 1) - tt.leadIn - tt.buffer
				if at < tt.lag-2*audio.Block || at > tt.lag+2*audio.Block {
					t.Errorf("the follower is %v late, and not %v", toDuration(at), toDuration(tt.lag))
				}
				if d.writes > 110 {
					t.Errorf("it is written to %d times in 20 s", d.writes)
				}
			})
		})
	}
}

// tricklingRecorder is a sleepyRecorder that wants to know how its sound comes.
type tricklingRecorder struct {
	sleepyRecorder
	trickled bool
}

func (d *tricklingRecorder) trickle() error {
	d.trickled = d.writes == 0
	return nil
}

// A device knows before its first sound whether it gets that in pieces, and only then.
func TestCombinedFollowerIsTrickledTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock, follower := &tricklingRecorder{}, &tricklingRecorder{}
		out := combine(audiotest.Logger(t), part{"a", on(clock, 0), 100}, part{"b", on(follower, 0), 100})
		if err := out.Play(t.Context(), audiotest.NewNoise(audio.Rate), farAhead); err != nil {
			t.Fatal(err)
		}
		if clock.trickled || !follower.trickled {
			t.Errorf("the clock knows of pieces: %v, the follower: %v", clock.trickled, follower.trickled)
		}
	})
}

// PulseAudio follows a clock without a gap, although little of the sound is ever in it.
func TestCombinedPulseFollows(t *testing.T) {
	server := startPulseaudio(t)
	recording := server.record()
	const frames = 4 * audio.Rate
	follower := openOutput(t, "pulse:mat", 0)
	out := combine(audiotest.Logger(t), part{"null", on(&sleepyDevice{}, 0), 100}, part{"pulse:mat", follower, 100})
	if err := out.Play(t.Context(), audiotest.NewNoise(frames), farAhead); err != nil {
		t.Fatal(err)
	}
	got := recording.untilSilent()
	if first, last := audiotest.LoudFrames(got); last-first < frames-audio.Rate/10 {
		t.Errorf("%v of %v are heard", toDuration(last-first), toDuration(frames))
	}
	if follower.underruns() == 0 {
		checkDithered(t, got, frames, 1)
	}
}

// checkDithered finds the noise in a recording to within three steps of 16 bits, because a follower dithers it with other
// noise, and returns at which frame.
func checkDithered(t *testing.T, got []byte, frames int, gain float64) int {
	t.Helper()
	want, heard := leftChannel(rendered(frames)), leftChannel(got)
	same := func(at, n int) bool {
		for i := range n {
			if at+i >= len(heard) || math.Abs(heard[at+i]-gain*want[i]) > 3 {
				return false
			}
		}
		return true
	}
	first, _ := audiotest.LoudFrames(got)
	for at := max(0, first-100); at <= first; at++ {
		if same(at, 100) {
			if !same(at, frames) {
				t.Error("the sound differs from the render")
			}
			return at
		}
	}
	t.Error("the beginning was not heard")
	return 0
}

// leftChannel is the left channel in steps of 16 bits.
func leftChannel(b []byte) []float64 {
	list := make([]float64, len(b)/audio.FrameBytes)
	for i := range list {
		list[i] = float64(int16(binary.LittleEndian.Uint16(b[i*audio.FrameBytes:])))
	}
	return list
}

// bursts alternates half a second of noise and half a second of silence, for so many seconds.
func bursts(seconds int) beep.Streamer {
	at := 0
	return beep.StreamerFunc(func(samples [][2]float64) (int, bool) {
		n := min(len(samples), seconds*audio.Rate-at)
		for i := range samples[:n] {
			samples[i] = [2]float64{}
			if (at+i)%audio.Rate < audio.Rate/2 {
				samples[i] = audiotest.NoiseAt((at + i) % audio.Rate)
			}
		}
		at += n
		return n, n > 0
	})
}

// A follower whose device is fast or slow keeps its lag, and what it drops or repeats is silence.
func TestCombinedFollowerDrifts(t *testing.T) {
	for name, rate := range map[string]float64{"slower": 0.997, "faster": 1.003} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const minutes = 1 // 180 ms of drift
				d := &skewedDevice{rate: rate}
				out := combine(audiotest.Logger(t), part{"a", on(&pacedDevice{}, 0), 100}, part{"b", on(d, 0), 100})
				began := time.Now()
				if err := out.Play(t.Context(), bursts(minutes*60), farAhead); err != nil {
					t.Fatal(err)
				}
				if d.underruns > 0 {
					t.Errorf("the device had %d underruns", d.underruns)
				}
				begins := d.start.Sub(began)
				want, heard := leftChannel(rendered(audio.Rate/2)), leftChannel(d.kept)
				at, whole := 0, 0
				low, high := time.Hour, -time.Hour
				for k := range minutes * 60 {
					for at < len(heard) && math.Abs(heard[at]) <= 8 {
						at++
					}
					for off := max(0, at-50); off <= at; off++ { // the noise may begin with a quiet sample
						same := off+audio.Rate/2 <= len(heard)
						for i := 0; same && i < audio.Rate/2; i++ {
							same = math.Abs(heard[off+i]-want[i]) <= 3
						}
						if same {
							late := begins + time.Duration(float64(toDuration(off))/rate) - time.Duration(k)*time.Second
							low, high = min(low, late), max(high, late)
							whole++
							break
						}
					}
					at += audio.Rate/2 + audio.Rate/4
				}
				t.Logf("%d whole, from %v to %v behind the clock", whole, low, high)
				if whole != minutes*60 {
					t.Errorf("%d of %d bursts are heard whole", whole, minutes*60)
				}
				if high-low > 100*time.Millisecond || low < 0 || high > 250*time.Millisecond {
					t.Errorf("it was from %v to %v behind the clock", low, high)
				}
			})
		})
	}
}

// The loss of a follower and its return are logged once each, and the clock is not disturbed.
func TestCombinedFollowerIsLostAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var tries []time.Duration
		began, last := time.Now(), &skewedDevice{rate: 1}
		flaky := &deviceOutput{open: func(context.Context) (device, error) {
			at := time.Since(began)
			tries = append(tries, at.Round(time.Second/2))
			switch {
			case at < time.Second:
				return &fakeDevice{failAt: 2 * audio.Rate}, nil
			case at < 20*time.Second:
				return nil, errDevice
			}
			return last, nil
		}}
		clock := &fakeDevice{}
		out := combine(slog.New(slog.NewTextHandler(&log, nil)), part{"a", on(clock, 0), 100}, part{"kitchen", flaky, 100})
		if err := out.Play(t.Context(), audiotest.NewNoise(40*audio.Rate), farAhead); err != nil {
			t.Error(err)
		}
		if took := time.Since(began) - 40*time.Second; took > 400*time.Millisecond {
			t.Errorf("it took %v too long", took)
		}
		checkRecording(t, clock.kept, rendered(40*audio.Rate))
		if first, end := audiotest.LoudFrames(last.kept); end-first < 5*audio.Rate {
			t.Errorf("%v of sound are heard when it is back", toDuration(end-first))
		}
		if strings.Count(log.String(), "an output is lost") != 1 || strings.Count(log.String(), "the output is back") != 1 || !strings.Contains(log.String(), "kitchen") {
			t.Errorf("the log is %s", log.String())
		}
		if want := "[0s 2.5s 3.5s 5.5s 9.5s 17.5s 33.5s]"; fmt.Sprint(tries) != want {
			t.Errorf("it was tried after %v, want %s", tries, want)
		}
	})
}

func TestCombinedFollowerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := &deviceOutput{open: func(ctx context.Context) (device, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		began := time.Now()
		err := combine(audiotest.Logger(t), part{"a", on(&pacedDevice{}, 0), 100}, part{"b", stuck, 100}).Play(t.Context(), audiotest.NewNoise(audio.Rate), farAhead)
		if took := time.Since(began); err != nil || took > time.Second+drainTimeout+50*time.Millisecond {
			t.Errorf("a second took %v: %v", took, err)
		}
	})
}

// Followers that are lost delay a pause once at most, and are told once each, however often the sound pauses and goes on.
func TestCombinedLostFollowersDoNotDelayAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		slow := &deviceOutput{open: func(ctx context.Context) (device, error) {
			if err := sleep(ctx, stallTimeout); err != nil {
				return nil, err
			}
			return nil, errDevice
		}}
		stuck := &deviceOutput{open: func(ctx context.Context) (device, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		clock, healthy := &fakeDevice{}, &skewedDevice{rate: 1}
		out := combine(slog.New(slog.NewTextHandler(&log, nil)), part{"a", on(clock, 0), 100}, part{"slow", slow, 100},
			part{"stuck", stuck, 100}, part{"healthy", on(healthy, 0), 100})
		for i := range 6 {
			began := time.Now()
			clock.pacedDevice, clock.kept = pacedDevice{}, nil
			*healthy = skewedDevice{rate: 1}
			if err := out.Play(t.Context(), audiotest.NewNoise(3*audio.Rate), farAhead); err != nil {
				t.Fatal(err)
			}
			if late := time.Since(began) - 3*time.Second; i > 0 && late > 400*time.Millisecond {
				t.Errorf("sound %d ended %v late", i, late)
			}
			checkRecording(t, clock.kept, rendered(3*audio.Rate))
			checkDithered(t, healthy.kept, 3*audio.Rate, 1)
		}
		if text := log.String(); strings.Count(text, "WARN") != 2 || strings.Count(text, "output=slow") != 1 || strings.Count(text, "output=stuck") != 1 {
			t.Errorf("the log is %s", text)
		}
	})
}

func TestCombinedClock(t *testing.T) {
	t.Run("fails as if it were alone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			out := combine(audiotest.Logger(t), part{"a", on(&fakeDevice{failAt: audio.Rate}, 0), 100}, part{"b", on(&pacedDevice{}, 0), 100})
			if err := out.Play(t.Context(), audiotest.NewNoise(5*audio.Rate), farAhead); !errors.Is(err, errDevice) || time.Since(began) > time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		})
	})
	t.Run("rewinds, and the followers never play what was rewound", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			src, other, asked := newChangingNoise(3*audio.Rate), &skewedDevice{rate: 1}, false
			err := combine(audiotest.Logger(t), part{"a", on(&rewindingDevice{}, 0), 100}, part{"b", on(other, 0), 100}).Play(t.Context(), src, eachBlock(func(n int) {
				if n > audio.Rate && !asked {
					asked = true
					src.silence()
				}
			}))
			if err != nil || src.rewound == 0 {
				t.Errorf("%d frames were rewound: %v", src.rewound, err)
			}
			checkDithered(t, other.kept, src.quietFrom, 1)
			if first, last := audiotest.LoudFrames(other.kept); last-first >= src.quietFrom {
				t.Errorf("%d frames are heard, though it was silent after %d", last-first+1, src.quietFrom)
			}
		})
	})
	t.Run("is cancelled with the followers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			err := combine(audiotest.Logger(t), part{"a", on(&pacedDevice{}, 0), 100}, part{"b", on(&pacedDevice{}, 0), 100}).Play(ctx, audiotest.NewNoise(5*audio.Rate), farAhead)
			if took := time.Since(began); err != context.DeadlineExceeded || took > 1010*time.Millisecond {
				t.Errorf("after %v: %v", took, err)
			}
		})
	})
}

// BenchmarkFollower is one second of sound on its way from the clock to a follower.
func BenchmarkFollower(b *testing.B) {
	const feed = targetLag/2 - audio.Block
	ring := newRingBuffer()
	src := newFollowerSource(b.Context(), ring, part{"pulse", nil, 100}, feed)
	src.started = true
	piece := make([][2]float64, feed)
	var block [audio.Block][2]float64
	b.ReportAllocs()
	for b.Loop() {
		for range audio.Rate / feed {
			ring.setHeard(ring.head + feed)
			ring.write(0, piece, 0)
			src.startedAt, src.delivered, src.meanLag = time.Now(), 0, targetLag
			for range feed / audio.Block {
				src.Stream(block[:])
			}
		}
	}
}
