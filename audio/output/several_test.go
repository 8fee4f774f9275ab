package output

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/audio/audiotest"

	"github.com/gopxl/beep/v2"
)

// skewed is a device whose clock is fast or slow, and that keeps what it plays.
type skewed struct {
	rate    float64 // of true time
	start   time.Time
	written int
	kept    []byte
	dry     int // times
}

func (d *skewed) played() int { return int(toFrames(time.Since(d.start)) * d.rate) }

func (d *skewed) write(ctx context.Context, block []byte) error {
	n := len(block) / audio.FrameBytes
	if d.written == 0 {
		d.start = time.Now()
	} else if late := d.played() - d.written; late > 0 {
		d.dry++
		d.start = d.start.Add(toDuration(late))
	}
	if err := sleep(ctx, toDuration(max(0, d.written+n-2*audio.Depth-d.played()))); err != nil {
		return err
	}
	d.written += n
	d.kept = append(d.kept, block...)
	return nil
}

func (d *skewed) delay() (int, error) { return max(0, d.written-d.played()), nil }
func (d *skewed) close(int) error     { return nil }

func TestSeveralOutputsPlayTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, quiet := &odd{}, &skewed{rate: 1}, &skewed{rate: 1}
		out := combine(audiotest.Logger(t), part{"a", on(a, audio.Rate/2), 100}, part{"b", on(b, 0), 100}, part{"quiet", on(quiet, 0), 50})
		const frames = 5*audio.Rate + 77
		last := 0
		began := time.Now()
		if err := out.Play(t.Context(), audiotest.NewNoise(frames), func(n int) { last = n }); err != nil || last != frames {
			t.Errorf("%d frames are heard: %v", last, err)
		}
		if took := time.Since(began) - 5500*time.Millisecond; took > 400*time.Millisecond {
			t.Errorf("the end waited %v", took)
		}
		checkRecording(t, a.kept, rendered(frames))
		at := checkSounds(t, b.kept, frames, 1)
		checkSounds(t, quiet.kept, frames, 0.125)
		if late := at - audio.Rate/2; late < 0 || late > audio.Depth+2*audio.Block {
			t.Errorf("the second is %v late", toDuration(late))
		}
	})
}

// checkSounds finds the rustle in a recording, to two steps of 16 bits, because it was dithered anew.
func checkSounds(t *testing.T, got []byte, frames int, gain float64) int {
	t.Helper()
	want, heard := steps(rendered(frames)), steps(got)
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

// steps is the left channel.
func steps(b []byte) []float64 {
	list := make([]float64, len(b)/audio.FrameBytes)
	for i := range list {
		list[i] = float64(int16(binary.LittleEndian.Uint16(b[i*audio.FrameBytes:])))
	}
	return list
}

// bursts are half a second of sound and half a second of silence, for so many seconds.
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

// A device that is fast or slow stays near the clock for as long as it plays, and what it drops or repeats is silence.
func TestAFollowerDrifts(t *testing.T) {
	for name, rate := range map[string]float64{"slower": 0.997, "faster": 1.003} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const minutes = 1 // 180 ms of drift
				d := &skewed{rate: rate}
				out := combine(audiotest.Logger(t), part{"a", on(&pacedDevice{}, 0), 100}, part{"b", on(d, 0), 100})
				began := time.Now()
				if err := out.Play(t.Context(), bursts(minutes*60), func(int) {}); err != nil {
					t.Fatal(err)
				}
				if d.dry > 0 {
					t.Errorf("the device ran dry %d times", d.dry)
				}
				begins := d.start.Sub(began)
				want, heard := steps(rendered(audio.Rate/2)), steps(d.kept)
				at, whole := 0, 0
				low, high := time.Hour, -time.Hour
				for k := range minutes * 60 {
					for at < len(heard) && math.Abs(heard[at]) <= 8 {
						at++
					}
					for off := max(0, at-50); off <= at; off++ { // the rustle may begin with a quiet sample
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

// A speaker that is unplugged and comes back is told twice, and the clock does not notice.
func TestAFollowerIsLostAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var tries []time.Duration
		began, last := time.Now(), &skewed{rate: 1}
		flaky := &deviceOutput{open: func(context.Context) (device, error) {
			at := time.Since(began)
			tries = append(tries, at.Round(time.Second/2))
			switch {
			case at < time.Second:
				return &odd{failAt: 2 * audio.Rate}, nil
			case at < 20*time.Second:
				return nil, errOdd
			}
			return last, nil
		}}
		clock := &odd{}
		out := combine(slog.New(slog.NewTextHandler(&log, nil)), part{"a", on(clock, 0), 100}, part{"kitchen", flaky, 100})
		if err := out.Play(t.Context(), audiotest.NewNoise(40*audio.Rate), func(int) {}); err != nil {
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

func TestAFollowerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := &deviceOutput{open: func(ctx context.Context) (device, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		began := time.Now()
		err := combine(audiotest.Logger(t), part{"a", on(&pacedDevice{}, 0), 100}, part{"b", stuck, 100}).Play(t.Context(), audiotest.NewNoise(audio.Rate), func(int) {})
		if took := time.Since(began); err != nil || took > time.Second+drainTimeout+50*time.Millisecond {
			t.Errorf("a second took %v: %v", took, err)
		}
	})
}

func TestTheClockOfSeveral(t *testing.T) {
	t.Run("fails as if it were alone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			out := combine(audiotest.Logger(t), part{"a", on(&odd{failAt: audio.Rate}, 0), 100}, part{"b", on(&pacedDevice{}, 0), 100})
			if err := out.Play(t.Context(), audiotest.NewNoise(5*audio.Rate), func(int) {}); !errors.Is(err, errOdd) || time.Since(began) > time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		})
	})
	t.Run("takes back, and the others never play it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			src, other, asked := newFickle(3*audio.Rate), &skewed{rate: 1}, false
			err := combine(audiotest.Logger(t), part{"a", on(&reserved{}, 0), 100}, part{"b", on(other, 0), 100}).Play(t.Context(), src, func(n int) {
				if n > audio.Rate && !asked {
					asked = true
					src.hush()
				}
			})
			if err != nil || src.taken == 0 {
				t.Errorf("%d frames were taken back: %v", src.taken, err)
			}
			checkSounds(t, other.kept, src.quiet, 1)
			if first, last := audiotest.LoudFrames(other.kept); last-first >= src.quiet {
				t.Errorf("%d frames are heard, though it was silent after %d", last-first+1, src.quiet)
			}
		})
	})
	t.Run("is cancelled with the others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			err := combine(audiotest.Logger(t), part{"a", on(&pacedDevice{}, 0), 100}, part{"b", on(&pacedDevice{}, 0), 100}).Play(ctx, audiotest.NewNoise(5*audio.Rate), func(int) {})
			if took := time.Since(began); err != context.DeadlineExceeded || took > 1010*time.Millisecond {
				t.Errorf("after %v: %v", took, err)
			}
		})
	})
}

func TestOpenAll(t *testing.T) {
	var log bytes.Buffer
	file := "wav:" + filepath.Join(t.TempDir(), "heard.wav")
	out, clock, err := OpenAll([]OutputSpec{{"null", 100}, {file, 40}}, 10, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || out == nil || clock != "null" || !strings.Contains(log.String(), "clock=null others=1") {
		t.Errorf("clock %q, error %v, log %s", clock, err, log.String())
	}
	if _, _, err := OpenAll(nil, 0, audiotest.Logger(t)); err == nil || !strings.Contains(err.Error(), "use auto, pulse") {
		t.Errorf("without any, the error is %v", err)
	}
	_, _, err = OpenAll([]OutputSpec{{"nul", 100}, {"null", 101}, {"auto", 1}, {"auto", 1}}, 0, audiotest.Logger(t))
	for _, want := range []string{`did you mean "null"?`, `the volume 101 of "null" is not from 0 to 100`, `"auto" is named twice`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
}
