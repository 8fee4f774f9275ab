package mix

import (
	"fmt"
	"math"
	"sort"
	"sync/atomic"

	"github.com/gopxl/beep/v2"

	"guided/routines"
)

// Renderer is a score as sound: a beep.StreamSeeker. A sample is a function of the score and its index alone, so any
// block size and any seek give the same samples. It is not safe for use by several goroutines.
type Renderer struct {
	cues    []scheduledClip
	gains   []cueGain // of each cue; nil where all are as they are
	bed     *bed      // nil: none
	longest int       // samples of the longest cue
	length  int
	at      int
}

// scheduledClip is a cue as sound. What is not loaded yet is silent; Bank.Begin sees to it that it is loaded before its time.
type scheduledClip struct {
	at, length int
	pcm        *atomic.Pointer[[]int16]
}

var _ beep.StreamSeeker = (*Renderer)(nil)

// newRenderer has no cues yet; loop is the sound file that the score's bed names, as importBed makes it.
func newRenderer(score *routines.Score, loop []int16) *Renderer {
	return &Renderer{length: score.Len, bed: newBed(score, loop), gains: quietGains(score)}
}

// Render makes a score sound; clips hold every clip of it.
func Render(score *routines.Score, clips Clips) *Renderer {
	r := newRenderer(score, clips[bedClipKey(score.Bed.Sound)].PCM)
	for _, c := range score.Cues {
		pcm := clips[c.Clip].PCM
		slot := &atomic.Pointer[[]int16]{}
		slot.Store(&pcm)
		r.add(scheduledClip{c.At, len(pcm), slot})
	}
	return r
}

func (r *Renderer) add(c scheduledClip) {
	r.cues = append(r.cues, c)
	r.longest = max(r.longest, c.length)
}

// Stream fills samples from the position on; it is drained at the score's end.
func (r *Renderer) Stream(samples [][2]float64) (int, bool) {
	n := min(len(samples), r.length-r.at)
	if n <= 0 {
		return 0, false
	}
	samples = samples[:n]
	clear(samples)
	first := sort.Search(len(r.cues), func(i int) bool { return r.cues[i].at > r.at-r.longest })
	for k, c := range r.cues[first:] {
		if c.at >= r.at+n {
			break
		}
		pcm := c.pcm.Load()
		if pcm == nil {
			continue
		}
		from, to := max(0, c.at-r.at), min(n, c.at+len(*pcm)-r.at)
		if from < to {
			r.gainOf(first+k).addTo(samples[from:to], (*pcm)[r.at+from-c.at:], r.at+from-c.at)
		}
	}
	for i := range samples {
		samples[i][1] = samples[i][0] // the voice stands in the middle
	}
	if r.bed != nil {
		r.bed.addTo(samples, r.at)
	}
	for i, x := range samples {
		samples[i] = [2]float64{softLimit(x[0]), softLimit(x[1])}
	}
	r.at += n
	return n, true
}

// softLimit lets a sum of voice, tones and bed near full scale approach a ceiling instead of clipping; below knee it does
// nothing. The ceiling leaves room for what is higher between two samples: the mix stays below truePeak.
func softLimit(x float64) float64 {
	const knee, ceiling = 0.80, 0.875
	if x >= -knee && x <= knee {
		return x
	}
	over := (math.Abs(x) - knee) / (ceiling - knee)
	return math.Copysign(knee+float64((ceiling-knee)*(over/(1+over))), x)
}

// Err is nil: everything that could fail has happened before the first sample.
func (r *Renderer) Err() error { return nil }

// Len is the score's length in samples.
func (r *Renderer) Len() int { return r.length }

// Position is the next sample.
func (r *Renderer) Position() int { return r.at }

// Seek goes to a sample from 0 to Len.
func (r *Renderer) Seek(to int) error {
	if to < 0 || to > r.length {
		return fmt.Errorf("sample %d lies outside the score of %d", to, r.length)
	}
	r.at = to
	return nil
}
