package output

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/audio/audiotest"
)

// listener reads from a tap in the background.
type listener struct {
	cancel context.CancelFunc
	ended  chan struct{}
	bytes  []byte // valid once ended is closed
	err    error
}

func listen(t *testing.T, tap *Tap) *listener {
	ctx, cancel := context.WithCancel(t.Context())
	l := &listener{cancel: cancel, ended: make(chan struct{})}
	r := mustListen(t, tap, ctx)
	go func() {
		defer close(l.ended)
		l.bytes, l.err = io.ReadAll(r)
	}()
	return l
}

func mustListen(t testing.TB, tap *Tap, ctx context.Context) io.Reader {
	t.Helper()
	r, err := tap.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stop ends the listener and returns what it has read.
func (l *listener) stop(t *testing.T) []byte {
	t.Helper()
	synctest.Wait()
	l.cancel()
	<-l.ended
	if l.err != nil {
		t.Error(l.err)
	}
	return l.bytes
}

func playTapped(t *testing.T, tap *Tap, src *audiotest.Noise) {
	t.Helper()
	if err := tap.Output(openOutput(t, "null", 0)).Play(t.Context(), src, farAhead); err != nil {
		t.Error(err)
	}
}

// checkRealTime compares how much a listener has read with how long it listened.
func checkRealTime(t *testing.T, got []byte, took time.Duration) {
	t.Helper()
	if off := toDuration(len(got)/audio.FrameBytes) - took; off > 0 || off < -silenceAfter-silenceStep {
		t.Errorf("the stream is %v ahead after %v", off, took)
	}
}

func TestTapListenersGetTheRender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, began := NewTap(), time.Now()
		var all []*listener
		for range 50 {
			all = append(all, listen(t, tap))
		}
		time.Sleep(3 * time.Second)
		playTapped(t, tap, audiotest.NewNoise(5*audio.Rate+77))
		time.Sleep(time.Second)
		took := time.Since(began)
		for _, l := range all {
			got := l.stop(t)
			checkRecording(t, got, rendered(5*audio.Rate+77))
			if first, last := audiotest.LoudFrames(got); last-first >= 5*audio.Rate+77 {
				t.Errorf("there is sound from %d to %d", first, last)
			}
			checkRealTime(t, got, took)
		}
	})
}

// A stream keeps real time over many pauses.
func TestTapListenersGetPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, began := NewTap(), time.Now()
		l := listen(t, tap)
		for i := range 20 {
			playTapped(t, tap, audiotest.NewNoise(audio.Rate))
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
		}
		took := time.Since(began)
		got := l.stop(t)
		checkRealTime(t, got, took)
		for range 20 {
			at := checkRecording(t, got, rendered(audio.Rate))
			got = got[(at+audio.Rate)*audio.FrameBytes:]
		}
	})
}

// Any number of listeners is woken at the same few moments, while nothing is played and while something is.
func TestTapListenersAreWokenSeldomAndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap, began := NewTap(), time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		moments := map[time.Time]int{}
		for range 50 {
			r := mustListen(t, tap, ctx)
			go func() { // ends with ctx
				b := make([]byte, audio.Rate*audio.FrameBytes)
				for {
					if _, err := r.Read(b); err != nil {
						return
					}
					mu.Lock()
					moments[time.Now()]++
					mu.Unlock()
				}
			}()
		}
		count := func() (n int) {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			for _, readers := range moments {
				if n++; readers != 50 {
					t.Errorf("%d listeners were woken at one moment, and the others were not", readers)
				}
			}
			clear(moments)
			return n
		}
		time.Sleep(10 * time.Second)
		if n := count(); n > 20 {
			t.Errorf("%d wakes in ten silent seconds", n)
		}
		playTapped(t, tap, audiotest.NewNoise(10*audio.Rate))
		if n := count(); n > 60 {
			t.Errorf("%d wakes in ten seconds of sound", n)
		}
		cancel()
		synctest.Wait()
		if took := time.Since(began); took > 21*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// Who comes in the middle of the sound hears what is heard from then on, alone or beside others.
func TestTapListenerComesLater(t *testing.T) {
	for name, others := range map[string]int{"alone": 0, "beside another": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tap := NewTap()
				for range others {
					defer listen(t, tap).stop(t)
				}
				late := make(chan *listener, 1)
				time.AfterFunc(2345*time.Millisecond, func() { late <- listen(t, tap) })
				playTapped(t, tap, audiotest.NewNoise(5*audio.Rate))
				got := (<-late).stop(t)
				const missed = 2345 * audio.Rate / 1000
				first, last := audiotest.LoudFrames(got)
				if heard := last - first + 1; heard < 5*audio.Rate-missed-audio.Block || heard > 5*audio.Rate-missed+audio.Block {
					t.Errorf("%v of sound are heard, and not %v", toDuration(heard), toDuration(5*audio.Rate-missed))
				}
				want := rendered(5 * audio.Rate)
				if sound := got[first*audio.FrameBytes:]; !bytes.HasSuffix(want, sound) {
					t.Error("it is not the end of the render")
				}
			})
		})
	}
}

func TestTapListenersDoNotGetWhatWasRewound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := NewTap()
		l := listen(t, tap)
		src := newChangingNoise(3 * audio.Rate)
		var once sync.Once
		out := &rewindingDevice{}
		err := tap.Output(on(out, 0)).Play(t.Context(), src, eachBlock(func(n int) {
			if n > audio.Rate {
				once.Do(func() { src.silence() })
			}
		}))
		if err != nil || src.rewound == 0 {
			t.Errorf("%d frames were rewound: %v", src.rewound, err)
		}
		got := l.stop(t)
		checkRecording(t, got, rendered(src.quietFrom))
		if first, last := audiotest.LoudFrames(got); last-first >= src.quietFrom {
			t.Errorf("%d frames are heard, though it was silent after %d", last-first+1, src.quietFrom)
		}
	})
}

// rewindingDevice is a paced device that keeps half a second ahead and can rewind it.
type rewindingDevice struct{ pacedDevice }

func (d *rewindingDevice) write(ctx context.Context, block []byte) error {
	frames := int64(len(block) / audio.FrameBytes)
	if d.written == 0 {
		d.start = time.Now()
	}
	if err := sleep(ctx, toDuration(d.written+frames-audio.RewindDepth/2-d.elapsed())); err != nil {
		return err
	}
	d.written += frames
	return nil
}

func (d *rewindingDevice) wait(ctx context.Context, limit time.Duration, interrupt <-chan struct{}) (int, bool, error) {
	if d.written == 0 {
		return audio.Block, false, ctx.Err()
	}
	room := toDuration(max(0, d.written+audio.Block-audio.RewindDepth/2-d.elapsed()))
	alarm := time.NewTimer(min(limit, room))
	defer alarm.Stop()
	select {
	case <-alarm.C:
		if room > limit {
			return 0, false, nil
		}
		return audio.Block, false, nil
	case <-interrupt:
		return 0, true, nil
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
}

func (d *rewindingDevice) rewind(limit int) (int, error) {
	n := min(limit, int(d.written-d.elapsed())) / audio.Block * audio.Block
	d.written -= int64(n)
	return n, nil
}

// A listener that does not read costs no memory and blocks nothing; what it missed is missing in whole blocks.
func TestTapListenerDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := NewTap()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		idle := mustListen(t, tap, ctx)
		l := listen(t, tap)
		src := audiotest.NewNoise(60 * audio.Rate)
		began := time.Now()
		playTapped(t, tap, src)
		if late := time.Since(began) - 60*time.Second; late > 50*time.Millisecond {
			t.Errorf("a minute took %v too long", late)
		}
		checkRecording(t, l.stop(t), rendered(src.Frames))
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

func TestTapListenerEndsWithItsContext(t *testing.T) {
	audiotest.NoLeaks(t)
	synctest.Test(t, func(t *testing.T) {
		tap := NewTap()
		ctx, cancel := context.WithCancel(t.Context())
		r := mustListen(t, tap, ctx)
		time.AfterFunc(10*time.Millisecond, cancel)
		if n, err := io.Copy(io.Discard, r); err != nil || n != 0 {
			t.Errorf("%d bytes in 10 ms: %v", n, err)
		}
		synctest.Wait()
		if tap.listeners != 0 || tap.ring != nil {
			t.Errorf("%d bytes are kept for %d listeners", len(tap.ring), tap.listeners)
		}
	})
}

func TestTapListenerReadsLessThanAFrame(t *testing.T) {
	tap := NewTap()
	if _, err := mustListen(t, tap, t.Context()).Read(make([]byte, 3)); err != io.ErrShortBuffer {
		t.Errorf("the error of a buffer for less than a frame is %v", err)
	}
}

// BenchmarkTap is one second of sound for 0, 1 and 100 listeners.
func BenchmarkTap(b *testing.B) {
	for _, listeners := range []int{0, 1, 100} {
		b.Run("", func(b *testing.B) {
			tap := NewTap()
			ctx, cancel := context.WithCancel(b.Context())
			var all sync.WaitGroup
			for range listeners {
				r := mustListen(b, tap, ctx)
				all.Go(func() { _, _ = io.Copy(io.Discard, r) })
			}
			piece := make([][2]float64, tapInterval)
			b.ReportAllocs()
			for b.Loop() {
				for at := 0; at < audio.Rate; at += tapInterval {
					tap.write(at, piece, 0)
					runtime.Gosched()
				}
			}
			cancel()
			all.Wait()
		})
	}
}

func TestFrameRing(t *testing.T) {
	var ring frameRing
	var want [][2]float64
	random := rand.New(rand.NewPCG(1, 2))
	next := 0.0
	for range 20000 {
		switch random.IntN(4) {
		case 0, 1:
			for range random.IntN(2 * audio.Block) {
				next++
				want = append(want, [2]float64{next, -next})
			}
			ring.push(want[ring.len:])
		case 2:
			n := random.IntN(len(want) + 1)
			for n > 0 {
				front := ring.front(n)
				if !slices.Equal(front, want[:len(front)]) {
					t.Fatal("the front differs from what was pushed")
				}
				want, n = want[len(front):], n-len(front)
				ring.drop(len(front))
			}
		case 3: // a rewind
			ring.len -= random.IntN(ring.len + 1)
			want = want[:ring.len]
		}
	}
}

// BenchmarkHeardTap is one second of sound that is pulled half a second at a time, two seconds ahead, as a sleeping output
// does.
func BenchmarkHeardTap(b *testing.B) {
	tap := NewTap()
	src := beep.StreamerFunc(func(samples [][2]float64) (int, bool) { return len(samples), true })
	t := &heardTap{src: src, gain: 1, onFrames: tap.write, onHeard: farAhead, interval: tap.interval}
	var block [audio.Block][2]float64
	pull := func() {
		for range audio.Rate / audio.Block / 2 {
			t.Stream(block[:])
		}
	}
	for range 4 {
		pull()
	}
	heard := 0
	b.ReportAllocs()
	for b.Loop() {
		for range 2 {
			heard += audio.Rate / 2
			t.report(heard)
			pull()
		}
	}
}

// A listener is never without sound or silence for much longer than a second, also where an output begins to play.
func TestTapListenersWaitNoLongerThanASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := NewTap()
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan time.Duration, 1) // the longest wait
		listener := mustListen(t, tap, ctx)
		go func() {
			last, longest := time.Now(), time.Duration(0)
			_, _ = listener.(io.WriterTo).WriteTo(writerFunc(func([]byte) {
				longest = max(longest, time.Since(last))
				last = time.Now()
			}))
			got <- longest
		}()
		for range 4 {
			time.Sleep(1900 * time.Millisecond)
			playTapped(t, tap, audiotest.NewNoise(5*audio.Rate/2))
		}
		synctest.Wait()
		cancel()
		if longest := <-got; longest > 1100*time.Millisecond {
			t.Errorf("nothing came for %v", longest)
		}
	})
}

type writerFunc func(b []byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }
