package output

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

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
