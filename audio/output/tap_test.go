package output

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// hearing is a listener who keeps what he hears.
type hearing struct {
	cancel context.CancelFunc
	ended  chan struct{}
	bytes  []byte // once ended
	err    error
}

func listen(t *testing.T, tap *Tap) *hearing {
	ctx, cancel := context.WithCancel(t.Context())
	h := &hearing{cancel: cancel, ended: make(chan struct{})}
	r := tap.Listen(ctx)
	go func() {
		defer close(h.ended)
		h.bytes, h.err = io.ReadAll(r)
	}()
	return h
}

// heard ends the listening.
func (h *hearing) heard(t *testing.T) []byte {
	t.Helper()
	synctest.Wait()
	h.cancel()
	<-h.ended
	if h.err != nil {
		t.Error(h.err)
	}
	return h.bytes
}

func playTapped(t *testing.T, tap *Tap, src *audiotest.Noise) {
	t.Helper()
	if err := tap.Output(openOutput(t, "null", 0)).Play(t.Context(), src, func(int) {}); err != nil {
		t.Error(err)
	}
}

// inTime compares how much somebody was given with how long he listened.
func inTime(t *testing.T, got []byte, took time.Duration) {
	t.Helper()
	if off := toDuration(len(got)/audio.FrameBytes) - took; off > 0 || off < -silenceAfter-silenceStep {
		t.Errorf("the stream is %v ahead after %v", off, took)
	}
}

func TestListenersHearTheRender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, began := NewTap(), time.Now()
		var all []*hearing
		for range 50 {
			all = append(all, listen(t, tap))
		}
		time.Sleep(3 * time.Second)
		playTapped(t, tap, audiotest.NewNoise(5*audio.Rate+77))
		time.Sleep(time.Second)
		took := time.Since(began)
		for _, h := range all {
			got := h.heard(t)
			checkRecording(t, got, rendered(5*audio.Rate+77))
			if first, last := audiotest.LoudFrames(got); last-first >= 5*audio.Rate+77 {
				t.Errorf("there is sound from %d to %d", first, last)
			}
			inTime(t, got, took)
		}
	})
}

// A stream keeps time over pauses, however many.
func TestListenersHearPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, began := NewTap(), time.Now()
		h := listen(t, tap)
		for i := range 20 {
			playTapped(t, tap, audiotest.NewNoise(audio.Rate))
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
		}
		took := time.Since(began)
		got := h.heard(t)
		off := toDuration(len(got)/audio.FrameBytes) - took
		if off > 0 || off < -time.Second { // stretches of silence that were not worth one are left out
			t.Errorf("the stream is %v ahead after %v", off, took)
		}
		for range 20 {
			at := checkRecording(t, got, rendered(audio.Rate))
			got = got[(at+audio.Rate)*audio.FrameBytes:]
		}
	})
}

func TestListenersHearNothingThatWasTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := NewTap()
		h := listen(t, tap)
		src := newFickle(3 * audio.Rate)
		var once sync.Once
		out := &reserved{}
		err := tap.Output(on(out, 0)).Play(t.Context(), src, func(n int) {
			if n > audio.Rate {
				once.Do(func() { src.hush() })
			}
		})
		if err != nil || src.taken == 0 {
			t.Errorf("%d frames were taken back: %v", src.taken, err)
		}
		got := h.heard(t)
		checkRecording(t, got, rendered(src.quiet))
		if first, last := audiotest.LoudFrames(got); last-first >= src.quiet {
			t.Errorf("%d frames are heard, though it was silent after %d", last-first+1, src.quiet)
		}
	})
}

// reserved is a device that plays as time goes by and holds half a second that it can give back.
type reserved struct{ pacedDevice }

func (d *reserved) write(ctx context.Context, block []byte) error {
	frames := len(block) / audio.FrameBytes
	if d.written == 0 {
		d.start = time.Now()
	}
	if err := sleep(ctx, toDuration(d.written+frames-audio.Reserve/2-d.elapsed())); err != nil {
		return err
	}
	d.written += frames
	return nil
}

func (d *reserved) rewind(most int) (int, error) {
	n := min(most, d.written-d.elapsed()) / audio.Block * audio.Block
	d.written -= n
	return n, nil
}

// Somebody who does not read costs no memory and holds up nobody; what he missed he has missed in whole blocks.
func TestAListenerWhoDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := NewTap()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		idle := tap.Listen(ctx)
		h := listen(t, tap)
		src := audiotest.NewNoise(60 * audio.Rate)
		began := time.Now()
		playTapped(t, tap, src)
		if late := time.Since(began) - 60*time.Second; late > 50*time.Millisecond {
			t.Errorf("a minute took %v too long", late)
		}
		checkRecording(t, h.heard(t), rendered(src.Frames))
		if len(tap.ring) > 2*audio.Rate*audio.FrameBytes {
			t.Errorf("%d bytes are kept", len(tap.ring))
		}
		got := make([]byte, 3*audio.Rate*audio.FrameBytes)
		n := 0
		for n < 2*audio.Rate*audio.FrameBytes {
			more, err := idle.Read(got[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += more
		}
		first, _ := audiotest.LoudFrames(got[:n])
		want := rendered(src.Frames)
		at := bytes.Index(want, got[first*audio.FrameBytes:first*audio.FrameBytes+64]) / audio.FrameBytes
		if at%audio.Block != 0 || at < 57*audio.Rate {
			t.Errorf("it goes on at frame %d of %d", at, src.Frames)
		}
	})
}

func TestListeningEnds(t *testing.T) {
	audiotest.NoLeaks(t)
	tap := NewTap()
	ctx, cancel := context.WithCancel(t.Context())
	r := tap.Listen(ctx)
	time.AfterFunc(10*time.Millisecond, cancel)
	if n, err := io.Copy(io.Discard, r); err != nil || n != 0 {
		t.Errorf("%d bytes in 10 ms: %v", n, err)
	}
	audiotest.Eventually(t, "nothing is kept for nobody", func() bool {
		tap.mu.Lock()
		defer tap.mu.Unlock()
		return tap.listeners == 0 && tap.ring == nil
	})
	if _, err := tap.Listen(t.Context()).Read(make([]byte, 3)); err != io.ErrShortBuffer {
		t.Errorf("the error of a buffer for less than a frame is %v", err)
	}
}

// BenchmarkTap is a second of sound for a hundred listeners.
func BenchmarkTap(b *testing.B) {
	for _, listeners := range []int{0, 1, 100} {
		b.Run("", func(b *testing.B) {
			tap := NewTap()
			ctx, cancel := context.WithCancel(b.Context())
			var all sync.WaitGroup
			for range listeners {
				r := tap.Listen(ctx)
				all.Go(func() { _, _ = io.Copy(io.Discard, r) })
			}
			block := make([][2]float64, audio.Block)
			for b.Loop() {
				for i := range 100 {
					tap.write(i*audio.Block, block)
					runtime.Gosched()
				}
			}
			cancel()
			all.Wait()
		})
	}
}
