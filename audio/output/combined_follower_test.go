package output

import (
	"bytes"
	"context"
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
