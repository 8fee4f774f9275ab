package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"guided/audio"
	"guided/audio/audiotest"
)

// Counters of frames pass 2^31 after 12 hours and 2^32 after a day. These tests begin just before that; run them with
// GOARCH=386 too, whose int has 32 bits.

// edges are the numbers of frames where a counter of 32 bits ends, and a quarter of them, where one of bytes does.
var edges = []int64{1 << 29, 1 << 30, 1 << 31, 1 << 32, 1 << 33}

// eachEdge runs a test two seconds of sound before each edge.
func eachEdge(t *testing.T, test func(t *testing.T, before int64)) {
	for _, edge := range edges {
		t.Run(fmt.Sprint(edge), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, edge-2*audio.Rate) })
		})
	}
}

func TestTapBeyond32Bits(t *testing.T) {
	eachEdge(t, func(t *testing.T, before int64) {
		tap := NewTap()
		tap.head = before
		l := listen(t, tap)
		idle := mustListen(t, tap, t.Context())
		playTapped(t, tap, audiotest.NewNoise(5*audio.Rate))
		checkRecording(t, l.stop(t), rendered(5*audio.Rate))
		if n, err := idle.Read(make([]byte, 4096)); n == 0 || err != nil {
			t.Errorf("a listener that was late reads %d bytes: %v", n, err)
		}
		if tap.head != before+5*audio.Rate {
			t.Errorf("%d frames were heard", tap.head-before)
		}
	})
}

// at is a paced device that has taken so many frames already.
func at(frames int64) pacedDevice {
	return pacedDevice{start: time.Now().Add(-toDuration(frames - audio.Depth)), written: frames}
}

func TestPumpBeyond32Bits(t *testing.T) {
	eachEdge(t, func(t *testing.T, before int64) {
		d := &fakeDevice{pacedDevice: at(before)}
		p := &pump{dev: d, src: audiotest.NewNoise(5 * audio.Rate), written: before, pulled: before, heard: before - audio.Depth, onHeard: farAhead}
		err := p.playFrom(t.Context(), d.start)
		switch {
		case before > maxPlayFrames: // an int of 32 bits
			if err == nil || !strings.Contains(err.Error(), "12 hours") {
				t.Errorf("the error is %v", err)
			}
		case err != nil:
			t.Error(err)
		case p.heard != before+5*audio.Rate:
			t.Errorf("%d frames were heard", p.heard-before)
		}
	})
}

func TestPacedDeviceBeyond32Bits(t *testing.T) {
	eachEdge(t, func(t *testing.T, before int64) {
		d := at(before)
		began := time.Now()
		for range 4 * audio.Rate / audio.Block {
			if err := d.write(t.Context(), make([]byte, audio.Block*audio.FrameBytes)); err != nil {
				t.Fatal(err)
			}
			if delay, err := d.delay(); err != nil || delay > audio.Depth+audio.Block || delay < audio.Depth-2*audio.Block {
				t.Fatalf("after %d frames the delay is %d: %v", d.written, delay, err)
			}
		}
		if off := time.Since(began) - 4*time.Second; off.Abs() > 20*time.Millisecond {
			t.Errorf("four seconds took %v too long", off)
		}
	})
}

func TestSnapcastBeyond32Bits(t *testing.T) {
	eachEdge(t, func(t *testing.T, before int64) {
		d := snapcastDevice{pacedDevice: at(before), output: &snapcastOutput{buffer: audio.Rate}}
		if delay, err := d.delay(); err != nil || delay != audio.Rate+audio.Depth {
			t.Errorf("the delay is %d: %v", delay, err)
		}
	})
}

func TestPulseBeyond32Bits(t *testing.T) {
	eachEdge(t, func(t *testing.T, before int64) {
		d := &pulseDevice{written: before + 1000, timing: timingInfo{at: time.Now(), heard: float64(before), running: true}, timingAge: time.Minute}
		if delay, err := d.delay(); err != nil || delay != 1000 {
			t.Errorf("the delay is %d: %v", delay, err)
		}
		d.changed = make(chan struct{}, 1)
		for range 5 { // a server may request as much as it likes
			d.handleMessage(&proto.Request{Length: 0xffffffff})
		}
		if n, err := d.reserve(4096); n != 4096 || err != nil {
			t.Errorf("%d bytes may be written: %v", n, err)
		}
		m := &Monitor{bytes: before * audio.FrameBytes}
		if before < audio.MaxWAVFrames && m.Frames() != int(before) {
			t.Errorf("%d frames are recorded", m.Frames())
		}
	})
}

func TestToDurationOfManyFrames(t *testing.T) {
	for frames, want := range map[int64]time.Duration{
		1: 20834, 48: time.Millisecond, 1 << 40 / 48000 * 48000: (1 << 40 / 48000) * time.Second,
	} {
		if got := toDuration(frames); got != want {
			t.Errorf("%d frames take %v, want %v", frames, got, want)
		}
	}
}

// The file of the output wav ends at 4 GiB with a message, and stays valid.
func TestWAVFileAt4GiB(t *testing.T) {
	file := t.TempDir() + "/heard.wav"
	w := &wavFile{path: file}
	opened, err := w.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := opened.(*wavDevice)
	defer d.file.Close()
	if err := d.file.Truncate(audio.WAVHeaderBytes + audio.MaxWAVFrames*audio.FrameBytes); err != nil { // without content, it takes no room
		t.Skip(err)
	}
	d.frames = audio.MaxWAVFrames - audio.Block
	block := make([]byte, audio.Block*audio.FrameBytes)
	if err := d.write(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	if err := d.write(t.Context(), block); err == nil || !strings.Contains(err.Error(), "full after 6 hours") {
		t.Errorf("the error is %v", err)
	}
	info, err := d.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := audio.OpenWAV(d.file, info.Size())
	if err != nil || r.Frames != audio.MaxWAVFrames {
		t.Errorf("the file has %+v: %v", r, err)
	}
}

// More listeners than a house has are refused, and those that listen hear everything.
func TestTapTooManyListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := NewTap()
		l := listen(t, tap)
		ctx, cancel := context.WithCancel(t.Context())
		refused := 0
		for range 3000 {
			r, err := tap.Listen(ctx)
			if errors.Is(err, ErrTooManyListeners) {
				refused++
				continue
			}
			go func() { _, _ = io.Copy(io.Discard, r) }() // ends with ctx
		}
		if refused != 3001-maxListeners {
			t.Errorf("%d are refused", refused)
		}
		playTapped(t, tap, audiotest.NewNoise(2*audio.Rate))
		checkRecording(t, l.stop(t), rendered(2*audio.Rate))
		cancel()
		synctest.Wait()
		mustListen(t, tap, t.Context())
	})
}
