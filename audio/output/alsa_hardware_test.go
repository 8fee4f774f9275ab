package output

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"guided/audio"
	"guided/audio/audiotest"
)

// soundCard is a sound card as the kernel and alsa-lib describe it: no machine of the tests has one. It plays by the clock
// from when its buffer holds the start threshold, and stops when it is empty.
type soundCard struct {
	maxBuffer int
	batch     int32
	norewinds bool // the driver copies sound as soon as it is written
	late      int  // frames beyond its position that the hardware has fetched

	buffer, period, threshold int
	queue                     []byte
	played                    []byte
	began                     time.Time // of the sound; zero while it does not run
	first                     time.Time // when it began first
	stopped                   atomic.Bool
	taken                     int // frames since then
	underrun                  bool
	writes, calls             int
	rewound                   []int
	rewroteFetched            bool
}

// sync plays up to now.
func (c *soundCard) sync() {
	c.calls++
	if c.began.IsZero() || c.stopped.Load() {
		return
	}
	n := int(time.Since(c.began)*audio.Rate/time.Second) - c.taken
	if held := len(c.queue) / audio.FrameBytes; n > held {
		n, c.underrun, c.began = held, true, time.Time{}
	}
	c.played = append(c.played, c.queue[:n*audio.FrameBytes]...)
	c.queue = c.queue[n*audio.FrameBytes:]
	c.taken += n
}

func (c *soundCard) write(_ unsafe.Pointer, frames *byte, n uint) int {
	c.sync()
	if c.underrun {
		return -32 // EPIPE
	}
	c.writes++
	n = min(n, uint(c.buffer-len(c.queue)/audio.FrameBytes))
	c.queue = append(c.queue, unsafe.Slice(frames, n*audio.FrameBytes)...)
	if c.began.IsZero() && len(c.queue) >= c.threshold*audio.FrameBytes {
		if c.began, c.taken = time.Now(), 0; c.first.IsZero() {
			c.first = c.began
		}
	}
	return int(n)
}

func (c *soundCard) rewind(_ unsafe.Pointer, n uint) int {
	c.sync()
	if c.norewinds || c.underrun {
		return 0
	}
	held := len(c.queue) / audio.FrameBytes
	back := min(int(n), held)
	c.queue = slices.Clip(c.queue[:(held-back)*audio.FrameBytes])
	c.rewroteFetched = c.rewroteFetched || !c.began.IsZero() && held-back < c.late
	c.rewound = append(c.rewound, back)
	return back
}

func (c *soundCard) state(unsafe.Pointer) int32 {
	c.sync()
	switch {
	case c.underrun:
		return 4
	case c.began.IsZero():
		return 2
	}
	return 3
}

func (c *soundCard) avail(unsafe.Pointer) int {
	if c.sync(); c.underrun {
		return -32
	}
	return c.buffer - len(c.queue)/audio.FrameBytes
}

// reset drops what was not played.
func (c *soundCard) reset() int32 {
	c.sync()
	c.queue, c.began, c.underrun = nil, time.Time{}, false
	return 0
}

// lib is a library that knows the card alone.
func (c *soundCard) lib() *alsaLib {
	dump := []byte("Plug PCM: Hardware PCM card 0 'card' device 0 subdevice 0\n")
	done := func() int32 { return 0 }
	object := func(p *unsafe.Pointer) int32 {
		*p = unsafe.Pointer(c)
		return 0
	}
	param := func(_, _ unsafe.Pointer, _ int32) int32 { return 0 }
	unsigned := func(_, _ unsafe.Pointer, _ uint32) int32 { return 0 }
	l := &alsaLib{
		open:    func(p *unsafe.Pointer, _ string, _, _ int32) int32 { return object(p) },
		close:   func(unsafe.Pointer) int32 { return 0 },
		drop:    func(unsafe.Pointer) int32 { return c.reset() },
		state:   c.state,
		write:   c.write,
		rewind:  c.rewind,
		recover: func(unsafe.Pointer, int32, int32) int32 { return c.reset() },
		avail:   c.avail,
		delay: func(_ unsafe.Pointer, frames *int) int32 {
			c.sync()
			*frames = len(c.queue) / audio.FrameBytes
			return 0
		},
		dump:       func(unsafe.Pointer, unsafe.Pointer) int32 { return 0 },
		bufferOpen: object,
		bufferString: func(_ unsafe.Pointer, text *unsafe.Pointer) uint {
			*text = unsafe.Pointer(&dump[0])
			return uint(len(dump))
		},
		outputClose: func(unsafe.Pointer) int32 { return 0 },
		hwMalloc:    object, hwFree: func(unsafe.Pointer) {}, hwAny: func(_, _ unsafe.Pointer) int32 { return 0 },
		hwSetAccess: param, hwSetFormat: param,
		hwSetChannels: unsigned, hwSetResample: unsigned,
		hwSetRate: func(_, _ unsafe.Pointer, _ uint32, _ int32) int32 { return 0 },
		hwSetPeriod: func(_, _ unsafe.Pointer, frames *uint, _ *int32) int32 {
			c.period = int(*frames)
			return 0
		},
		hwSetBuffer: func(_, _ unsafe.Pointer, frames *uint) int32 {
			c.buffer = min(int(*frames), c.maxBuffer)
			return 0
		},
		hwIsBatch: func(unsafe.Pointer) int32 { return c.batch },
		hwApply:   func(_, _ unsafe.Pointer) int32 { return 0 }, freeParams: func(unsafe.Pointer) int32 { return c.reset() },
		getParams: func(_ unsafe.Pointer, buffer, period *uint) int32 {
			*buffer, *period = uint(c.buffer), uint(c.period)
			return 0
		},
		swMalloc: object, swFree: func(unsafe.Pointer) {}, swCurrent: func(_, _ unsafe.Pointer) int32 { return 0 },
		swSetStart: func(_, _ unsafe.Pointer, frames uint) int32 {
			c.threshold = int(frames)
			return 0
		},
		swSetAvailMin: func(_, _ unsafe.Pointer, _ uint) int32 { return 0 }, swApply: func(_, _ unsafe.Pointer) int32 { return 0 },
		freeConfig: done, strerror: func(int32) string { return "Broken pipe" },
	}
	l.once.Do(func() {})
	return l
}

// output is an output on the card.
func (c *soundCard) output(log *slog.Logger) *deviceOutput {
	return &deviceOutput{(&alsaOutput{lib: c.lib(), name: "card", log: log}).open, 0}
}

// A pause is heard as soon as the hardware allows, and the sound is exact. A card that can take sound back is filled twice a
// second; another one keeps so little that a pause is heard within 150 ms all the same.
func TestALSAHardware(t *testing.T) {
	for name, tt := range map[string]struct {
		card   *soundCard
		deep   bool
		silent time.Duration // after a pause
		calls  int           // into the library in a second of sound, at most
	}{
		"rewinds":            {&soundCard{maxBuffer: 10 * audio.Rate, late: audio.Rate / 50}, true, 40 * time.Millisecond, 60},
		"small buffer":       {&soundCard{maxBuffer: audio.Rate * 7 / 10}, true, 40 * time.Millisecond, 60},
		"coarse position":    {&soundCard{maxBuffer: 10 * audio.Rate, batch: 1, late: audio.Rate / 25}, true, 60 * time.Millisecond, 60},
		"takes back nothing": {&soundCard{maxBuffer: 10 * audio.Rate, norewinds: true}, false, 150 * time.Millisecond, 300},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				card, src := tt.card, newChangingNoise(8*audio.Rate)
				paused := time.Now().Add(3*time.Second + 7*time.Millisecond)
				pause := time.AfterFunc(time.Until(paused), func() { src.silence() })
				defer pause.Stop()
				if err := card.output(audiotest.Logger(t)).Play(t.Context(), src, farAhead); err != nil {
					t.Fatal(err)
				}
				want := make([]byte, len(card.played))
				copy(want, rendered(src.quietFrom))
				loud := src.quietFrom * audio.FrameBytes
				if !bytes.Equal(card.played[:loud], want[:loud]) || isLoud(card.played[loud:]) {
					t.Error("the sound is not what was rendered")
				}
				if late := toDuration(src.quietFrom) - paused.Sub(card.first); late < 0 || late > tt.silent {
					t.Errorf("it is silent %v after the pause", late)
				}
				if (src.rewinds == 1) != tt.deep || card.rewroteFetched {
					t.Errorf("it was rewound %d times: %v; a part that was fetched already: %t", src.rewinds, card.rewound, card.rewroteFetched)
				}
				if card.calls > 8*tt.calls {
					t.Errorf("%d calls in 8 s of sound", card.calls)
				}
				t.Logf("%d calls, %d writes; buffer %d, period %d", card.calls, card.writes, card.buffer, card.period)
			})
		})
	}
}

// A machine that is busy for a second leaves no gap on a card that can take sound back, and one longer is told.
func TestALSAHardwareBusyMachine(t *testing.T) {
	for busy, gaps := range map[time.Duration]int{900 * time.Millisecond: 0, 3 * time.Second: 1} {
		synctest.Test(t, func(t *testing.T) {
			card, log := &soundCard{maxBuffer: 10 * audio.Rate}, &lockedBuffer{}
			src, held := audiotest.NewNoise(8*audio.Rate), false
			err := card.output(log.logger()).Play(t.Context(), src, eachBlock(func(n int) {
				if n > 4*audio.Rate && !held {
					held = true
					time.Sleep(busy)
				}
			}))
			if err != nil || !bytes.Equal(card.played[:8*audio.Rate*audio.FrameBytes], rendered(8*audio.Rate)) {
				t.Errorf("busy for %v: the sound is not what was rendered: %v", busy, err)
			}
			if told := bytes.Contains([]byte(log.String()), []byte("times=1")); told != (gaps == 1) {
				t.Errorf("busy for %v: the log says %q", busy, log.String())
			}
		})
	}
}

// A card that stops without an error is noticed.
func TestALSAHardwareStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		card := &soundCard{maxBuffer: 10 * audio.Rate}
		stop := time.AfterFunc(2*time.Second, func() { card.stopped.Store(true) })
		defer stop.Stop()
		began := time.Now()
		err := card.output(audiotest.Logger(t)).Play(t.Context(), audiotest.NewNoise(60*audio.Rate), farAhead)
		if err == nil || err.Error() != `the ALSA device "card" has taken no sound for 2s` {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// What a write costs the program, without the device.
func BenchmarkALSAWrite(b *testing.B) {
	b.ReportAllocs()
	setALSAConfig(b, "pcm.void { type null }")
	d, err := openALSA(&alsaLib{}, "void", audiotest.Logger(b))
	if err != nil {
		b.Fatal(err)
	}
	defer d.closePCM()
	w := newALSAWorker()
	sound := make([]byte, d.target/2*audio.FrameBytes)
	err = w.do(context.Background(), func() error {
		for b.Loop() {
			if err := w.call("writing to it", alsaCallTimeout, func() { _, err = d.put(sound) }); err != nil {
				return err
			}
		}
		return err
	})
	close(w.jobs)
	if <-w.ended; err != nil {
		b.Fatal(err)
	}
}
