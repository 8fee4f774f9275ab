package output

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"guided/audio"
	"guided/audio/audiotest"
)

// fickle is a rustle that may fall silent at any moment, also where it has been pulled and not heard.
type fickle struct {
	changed chan struct{}

	mu      sync.Mutex
	at      int
	frames  int
	asked   bool // to be silent from the next frame on
	quiet   int  // from this frame on, once it is
	taken   int  // frames taken back
	rewinds int
}

func newFickle(frames int) *fickle {
	return &fickle{changed: make(chan struct{}, 1), frames: frames, quiet: frames}
}

func (f *fickle) Stream(samples [][2]float64) (int, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked {
		f.asked, f.quiet = false, f.at
	}
	n := min(len(samples), f.frames-f.at)
	for i := range samples[:n] {
		samples[i] = [2]float64{}
		if f.at+i < f.quiet {
			samples[i] = audiotest.NoiseAt(f.at + i)
		}
	}
	f.at += n
	return n, n > 0
}

func (f *fickle) Err() error { return nil }

func (f *fickle) Changed() <-chan struct{} { return f.changed }

func (f *fickle) Rewind(frames int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at -= frames
	f.taken += frames
	f.rewinds++
}

func (f *fickle) hush() time.Time {
	f.mu.Lock()
	f.asked = true
	f.mu.Unlock()
	f.changed <- struct{}{}
	return time.Now()
}

// A pause must not wait for what is buffered, and what is heard up to it must be as it was rendered: no sample lost,
// none twice, none of what was taken back.
func TestPulseTakesBackWhatIsNotHeard(t *testing.T) {
	for name, tt := range map[string]struct{ frames, least int }{
		"in the middle": {3 * audio.Rate, audio.Reserve / 2},
		"near the end, when all of it has been pulled": {3*audio.Rate/2 + 100, 1}, // not a whole number of blocks
	} {
		t.Run(name, func(t *testing.T) {
			audiotest.NoLeaks(t)
			server := startServer(t)
			recording := server.record()
			src := newFickle(tt.frames)
			p := play(t, openOutput(t, "pulse:mat", 0), src)
			p.untilHeard(t, audio.Rate)
			asked := src.hush()
			if err := p.end(t, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			got := recording.sound(audio.Rate * audio.FrameBytes / 5)
			first, last := audiotest.LoudFrames(got)
			delay := recording.arrived(last * audio.FrameBytes).Sub(asked)
			t.Logf("silence is recorded %v after it was asked for; %d frames were taken back", delay, src.taken)
			if delay > 150*time.Millisecond {
				t.Errorf("silence is recorded %v after it was asked for, want within 150 ms", delay)
			}
			if src.taken < tt.least || src.rewinds != 1 {
				t.Errorf("%d frames were taken back in %d goes, want at least %d in one", src.taken, src.rewinds, tt.least)
			}
			if want := rendered(src.quiet); !bytes.Equal(got[first*audio.FrameBytes:min(len(got), first*audio.FrameBytes+len(want))], want) {
				t.Errorf("what was heard before the silence is not the render")
			}
			if p.heard() != tt.frames {
				t.Errorf("%d frames are heard at the end, want all %d", p.heard(), tt.frames)
			}
		})
	}
}
