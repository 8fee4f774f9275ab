package output

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/audio/audiotest"

	"github.com/gopxl/beep/v2"
)

// odd is a device whose delay is what the test says.
type odd struct {
	pacedDevice
	lag    func(written int) int
	failAt int // frames
	kept   []byte
	closed int // what close was told
}

var errOdd = errors.New("the device broke")

func (d *odd) write(ctx context.Context, block []byte) error {
	if d.failAt > 0 && d.written >= d.failAt {
		return errOdd
	}
	d.kept = append(d.kept, block...)
	return d.pacedDevice.write(ctx, block)
}

func (d *odd) delay() (int, error) {
	if d.lag == nil {
		return d.pacedDevice.delay()
	}
	return d.lag(d.written), nil
}

func (d *odd) close(heard int) error {
	d.closed = heard
	return nil
}

func on(d device, leadIn int) *deviceOutput {
	return &deviceOutput{func(context.Context) (device, error) { return d, nil }, leadIn}
}

// What is heard never goes back and never passes what was pulled, whatever a device says; and Play ends.
func TestHeardIsMonotonicAndClamped(t *testing.T) {
	const frames, leadIn = audio.Rate + 77, 1000
	for name, lag := range map[string]func(int) int{
		"true":     nil,
		"none":     func(int) int { return 0 },
		"negative": func(int) int { return -5000 },
		"constant": func(int) int { return 9000 },
		"jumping":  func(written int) int { return written % 7777 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, src, last := &odd{lag: lag}, audiotest.NewNoise(frames), 0
				err := on(d, leadIn).Play(t.Context(), src, func(n int) {
					if n < last || n > src.At {
						t.Errorf("%d are heard after %d, of %d that were pulled", n, last, src.At)
					}
					last = n
				})
				if err != nil || last != frames || d.closed != leadIn+frames {
					t.Errorf("error %v, %d heard at the end, %d told to the device", err, last, d.closed)
				}
				if first, _ := audiotest.LoudFrames(d.kept); first != leadIn {
					t.Errorf("the sound begins at %d, want %d", first, leadIn)
				}
				checkRecording(t, d.kept, rendered(frames))
			})
		})
	}
}

func TestPlayKeepsNoMoreThanDepth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := audiotest.NewNoise(3 * audio.Rate)
		began := time.Now()
		err := on(&pacedDevice{}, 0).Play(t.Context(), src, func(n int) {
			if src.At-n > audio.Depth {
				t.Errorf("%d frames were pulled and not heard", src.At-n)
			}
		})
		if took := time.Since(began); err != nil || took < 3*time.Second || took > 3*time.Second+50*time.Millisecond {
			t.Errorf("3 s took %v: %v", took, err)
		}
	})
}

func TestPlayFails(t *testing.T) {
	for name, test := range map[string]struct {
		src  beep.Streamer
		want string
	}{
		"panic":            {beep.StreamerFunc(func([][2]float64) (int, bool) { panic("boom") }), "making the sound failed at pump_test.go:"},
		"runtime panic":    {beep.StreamerFunc(func(s [][2]float64) (int, bool) { return int(s[len(s)][0]), true }), "pump_test.go:"},
		"too many frames":  {beep.StreamerFunc(func(s [][2]float64) (int, bool) { return len(s) + 1, true }), "pcm.go:"},
		"error at the end": {brokenStreamer{}, "making the sound: the file broke"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := on(&pacedDevice{}, 0).Play(t.Context(), test.src, func(int) {})
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("the error is %v, want %q in it", err, test.want)
				}
			})
		})
	}
}

type brokenStreamer struct{}

func (brokenStreamer) Stream([][2]float64) (int, bool) { return 0, false }
func (brokenStreamer) Err() error                      { return errors.New("the file broke") }

func TestPlayOnADeviceThatBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := audiotest.NewNoise(3 * audio.Rate)
		if err := on(&odd{failAt: audio.Rate}, 0).Play(t.Context(), src, func(int) {}); !errors.Is(err, errOdd) {
			t.Errorf("the error is %v", err)
		}
		heard := 0 // it goes on where it stood
		rest := src.Frames - src.At
		if err := on(&odd{}, 0).Play(t.Context(), src, func(n int) { heard = n }); err != nil || heard != rest {
			t.Errorf("%d frames of %d: %v", heard, rest, err)
		}
	})
}

// A streamer that gives short blocks, against its contract, is heard to its end.
func TestPlayOfAStreamerThatFallsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, src := &odd{}, audiotest.NewNoise(audio.Rate)
		short := beep.StreamerFunc(func(s [][2]float64) (int, bool) { return src.Stream(s[:min(len(s), 100)]) })
		heard := 0
		if err := on(d, 0).Play(t.Context(), short, func(n int) { heard = n }); err != nil || heard != audio.Rate {
			t.Errorf("%d frames are heard: %v", heard, err)
		}
		checkRecording(t, d.kept, rendered(audio.Rate))
		nothing := beep.StreamerFunc(func([][2]float64) (int, bool) { return 0, true })
		if err := on(d, 0).Play(t.Context(), nothing, func(int) {}); err != nil {
			t.Error(err)
		}
	})
}

func TestPlayThatIsCancelledAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, spec := range []string{"null", "wav:" + t.TempDir() + "/a.wav", "pulse", "alsa", "auto"} {
		if err := openOutput(t, spec, 0).Play(ctx, audiotest.NewNoise(audio.Rate), func(int) {}); err != context.Canceled {
			t.Errorf("%s: the error is %v", spec, err)
		}
	}
}
