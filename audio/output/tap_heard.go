package output

import (
	"github.com/gopxl/beep/v2"
	"guided/audio"
)

// trail is a source that keeps what was pulled from it until it is heard, and then shows it: what an output takes back
// is never shown. It belongs to the goroutine of one Play.
type trail struct {
	src  beep.Streamer
	gain float64                              // of what is pulled, not of what is shown
	show func(first int, frames [][2]float64) // what was heard, and the number of its first frame
	tell func(frames int)                     // is told what Play tells

	kept  [][2]float64
	shown int // frames of kept
	heard int // frames of src
}

func (t *trail) Stream(samples [][2]float64) (int, bool) {
	n, more := t.src.Stream(samples)
	t.kept = append(t.kept, samples[:n]...)
	if t.gain != 1 {
		for i := range samples[:n] {
			samples[i][0] *= t.gain
			samples[i][1] *= t.gain
		}
	}
	return n, more
}

func (t *trail) Err() error { return t.src.Err() }

// Changed is nil, which never tells anything, where the source knows no change.
func (t *trail) Changed() <-chan struct{} {
	if r, is := t.src.(audio.Rewinder); is {
		return r.Changed()
	}
	return nil
}

// Rewind is called only after Changed told.
func (t *trail) Rewind(frames int) {
	t.kept = t.kept[:len(t.kept)-frames]
	t.src.(audio.Rewinder).Rewind(frames)
}

// hear is what Play tells.
func (t *trail) hear(frames int) {
	if n := frames - t.heard; n > 0 {
		t.show(t.heard, t.kept[t.shown:t.shown+n])
		t.heard = frames
		if t.shown += n; t.shown >= audio.Reserve { // seldom, because what is moved may be a second
			t.kept = t.kept[:copy(t.kept, t.kept[t.shown:])]
			t.shown = 0
		}
	}
	t.tell(frames)
}
