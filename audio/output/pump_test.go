package output

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/audio/audiotest"
)

// fakeDevice keeps what is written to it.
type fakeDevice struct {
	pacedDevice
	delayFunc  func(written int) int // nil is the true delay
	failAt     int                   // frames after which write fails, 0 for never
	greedy     bool                  // it takes all that it gets
	kept       []byte
	closedWith int // the argument of close
}

var errDevice = errors.New("the device broke")

func (d *fakeDevice) write(ctx context.Context, block []byte) error {
	if d.failAt > 0 && d.written >= int64(d.failAt) {
		return errDevice
	}
	d.kept = append(d.kept, block...)
	if d.greedy {
		d.written += int64(len(block) / audio.FrameBytes)
		return nil
	}
	return d.pacedDevice.write(ctx, block)
}

func (d *fakeDevice) delay() (int, error) {
	if d.delayFunc == nil {
		return d.pacedDevice.delay()
	}
	return d.delayFunc(int(d.written)), nil
}

func (d *fakeDevice) close(heard int) error {
	d.closedWith = heard
	return nil
}

// on is an output on one device, which is not opened.
func on(d device, leadIn int) *deviceOutput {
	return &deviceOutput{func(context.Context) (device, error) { return d, nil }, leadIn}
}

// The reports of Play never decrease and never exceed what was pulled, whatever delay a device reports; and Play ends.
func TestPumpHeardIsMonotonicAndClamped(t *testing.T) {
	const frames, leadIn = audio.Rate + 77, 1000
	for name, delay := range map[string]func(int) int{
		"true":     nil,
		"none":     func(int) int { return 0 },
		"negative": func(int) int { return -5000 },
		"constant": func(int) int { return 9000 },
		"jumping":  func(written int) int { return written % 7777 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, src, last := &fakeDevice{delayFunc: delay}, audiotest.NewNoise(frames), 0
				err := on(d, leadIn).Play(t.Context(), src, eachBlock(func(n int) {
					if n < last || n > src.At {
						t.Errorf("%d are heard after %d, of %d that were pulled", n, last, src.At)
					}
					last = n
				}))
				if err != nil || last != frames || d.closedWith != leadIn+frames {
					t.Errorf("error %v, %d heard at the end, close got %d", err, last, d.closedWith)
				}
				if first, _ := audiotest.LoudFrames(d.kept); first != leadIn {
					t.Errorf("the sound begins at %d, want %d", first, leadIn)
				}
				checkRecording(t, d.kept, rendered(frames))
			})
		})
	}
}

func TestPumpKeepsNoMoreThanDepth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := audiotest.NewNoise(3 * audio.Rate)
		began := time.Now()
		err := on(&pacedDevice{}, 0).Play(t.Context(), src, eachBlock(func(n int) {
			if src.At-n > audio.Depth {
				t.Errorf("%d frames were pulled and not heard", src.At-n)
			}
		}))
		if took := time.Since(began); err != nil || took < 3*time.Second || took > 3*time.Second+50*time.Millisecond {
			t.Errorf("3 s took %v: %v", took, err)
		}
	})
}

// A device that takes sound faster than it can be heard would let a routine rush through.
func TestPumpDeviceWithoutPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDevice{delayFunc: func(int) int { return 0 }, greedy: true}
		err := on(d, 0).Play(t.Context(), audiotest.NewNoise(3600*audio.Rate), farAhead)
		if err == nil || !strings.Contains(err.Error(), "faster") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestPumpSourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := on(&pacedDevice{}, 0).Play(t.Context(), brokenStreamer{}, farAhead)
		if err == nil || !strings.Contains(err.Error(), "making the sound: the file broke") {
			t.Errorf("the error is %v", err)
		}
	})
}

// A panic in a source ends the process at once, with its trace, whatever device is open and whatever follows it.
func TestPumpPanicEndsTheProcess(t *testing.T) {
	const spec = "GUIDED_TEST_PANIC"
	sources := map[string]beep.StreamerFunc{
		"panic":           func([][2]float64) (int, bool) { panic("boom") },
		"runtime error":   func(s [][2]float64) (int, bool) { return int(s[len(s)][0]), true },
		"too many frames": func(s [][2]float64) (int, bool) { return len(s) + 1, true },
	}
	if kind, source, ok := strings.Cut(os.Getenv(spec), "/"); ok {
		var out audio.Output = on(&hangingDevice{}, 0)
		if kind == "combined" {
			out = combine(audiotest.Logger(t), part{"a", out, 100}, part{"b", on(&pacedDevice{}, 0), 100})
		}
		err := NewTap().Output(out).Play(t.Context(), sources[source], farAhead)
		t.Fatalf("Play returned: %v", err)
	}
	for _, kind := range []string{"single", "combined"} {
		for source := range sources {
			ctx, cancel := context.WithTimeout(t.Context(), longDeadline)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestPumpPanicEndsTheProcess$")
			cmd.Env = append(os.Environ(), spec+"="+kind+"/"+source)
			out, err := cmd.CombinedOutput()
			if err == nil || ctx.Err() != nil || !strings.Contains(string(out), "panic: ") || !strings.Contains(string(out), "goroutine ") || strings.Contains(string(out), "Play returned") {
				t.Errorf("%s, %s: the process ended with %v: %s", kind, source, err, out)
			}
		}
	}
}

// hangingDevice never closes.
type hangingDevice struct{ pacedDevice }

func (*hangingDevice) close(int) error { select {} }

type brokenStreamer struct{}

func (brokenStreamer) Stream([][2]float64) (int, bool) { return 0, false }
func (brokenStreamer) Err() error                      { return errors.New("the file broke") }

func TestPumpDeviceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := audiotest.NewNoise(3 * audio.Rate)
		if err := on(&fakeDevice{failAt: audio.Rate}, 0).Play(t.Context(), src, farAhead); !errors.Is(err, errDevice) {
			t.Errorf("the error is %v", err)
		}
		heard := 0 // the next Play goes on where the first one stopped
		rest := src.Frames - src.At
		if err := on(&fakeDevice{}, 0).Play(t.Context(), src, eachBlock(func(n int) { heard = n })); err != nil || heard != rest {
			t.Errorf("%d frames of %d: %v", heard, rest, err)
		}
	})
}

// A streamer that returns short blocks, against its contract, is played to its end.
func TestPumpSourceOfShortBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, src := &fakeDevice{}, audiotest.NewNoise(audio.Rate)
		short := beep.StreamerFunc(func(s [][2]float64) (int, bool) { return src.Stream(s[:min(len(s), 100)]) })
		heard := 0
		if err := on(d, 0).Play(t.Context(), short, eachBlock(func(n int) { heard = n })); err != nil || heard != audio.Rate {
			t.Errorf("%d frames are heard: %v", heard, err)
		}
		checkRecording(t, d.kept, rendered(audio.Rate))
		nothing := beep.StreamerFunc(func([][2]float64) (int, bool) { return 0, true })
		if err := on(d, 0).Play(t.Context(), nothing, farAhead); err != nil {
			t.Error(err)
		}
	})
}

func TestPlayWithCancelledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, spec := range []string{"null", "wav:" + t.TempDir() + "/a.wav", "pulse", "alsa", "auto"} {
		if err := openOutput(t, spec, 0).Play(ctx, audiotest.NewNoise(audio.Rate), farAhead); err != context.Canceled {
			t.Errorf("%s: the error is %v", spec, err)
		}
	}
}

// A source that is late causes an underrun, which is logged; but every sample of it is heard.
func TestPumpSourceIsLate(t *testing.T) {
	for _, spec := range []string{"pulse:mat", "alsa:mat"} {
		t.Run(spec, func(t *testing.T) {
			server := startPulseaudio(t)
			server.alsa(t)
			recording := server.record()
			out := openOutput(t, spec, 0)
			const late, frames = audio.Rate / audio.Block * audio.Block, 2 * audio.Rate
			src, stalled := audiotest.NewNoise(frames), time.Duration(0)
			slow := beep.StreamerFunc(func(s [][2]float64) (int, bool) {
				if src.At == late {
					began := time.Now()
					time.Sleep(audio.RewindDepth*time.Second/audio.Rate + 400*time.Millisecond) // more than any output keeps ahead
					stalled = time.Since(began)
				}
				return src.Stream(s)
			})
			p := play(t, out, slow)
			if err := p.wait(t); err != nil {
				t.Fatal(err)
			}
			if p.heard() != frames || out.underruns() == 0 {
				t.Errorf("%d frames are heard, and the log says %q", p.heard(), out.log.String())
			}
			found := matchRecording(t, recording.untilSilent(), rendered(frames), out.underruns())
			if found.frames() != frames {
				t.Errorf("%d frames are recorded, want %d", found.frames(), frames)
			}
			begins := late
			for _, p := range found[1:] { // what was rendered together with the frame that is late waits with it
				if p.want <= late {
					begins = p.want
				}
			}
			if late-begins > chunk {
				t.Errorf("the gap is %d frames before the one that was late", late-begins)
			}
			gap := toDuration(found.gapBefore(begins))
			t.Logf("the gap is %v, after %v without sound", gap, stalled)
			if gap < 200*time.Millisecond || gap > stalled+5*time.Second {
				t.Errorf("the gap is %v", gap)
			}
		})
	}
}
