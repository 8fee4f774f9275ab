package mix

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/gopxl/beep/v2"

	"guided/routines"
)

// Renderer plays a score: a beep.StreamSeeker at audio.Rate, in stereo. A sample is a function of the score and its
// index alone, so any block size and any seek give the same samples. It is not safe for concurrent use.
type Renderer struct {
	cues    []scheduledClip // in the order of their start
	gains   []cueGain       // of each cue; nil: all are 1
	bed     *bed            // nil: none
	fade    *fade           // nil: none
	longest int             // samples of the longest cue
	length  int
	at      int

	sounding   []int // the cues that have begun and sound at soundingAt, by their index, in order
	upcoming   int   // the first cue that has not begun there
	soundingAt int
}

// scheduledClip is the clip of a cue at its place in the score, in samples. What of it is not in memory is silent:
// LiveRenderer and FileRenderer see to it that each block is there before its time.
type scheduledClip struct {
	at, length int
	clip       *blocks
}

var _ beep.StreamSeeker = (*Renderer)(nil)

// newRenderer returns a renderer without cues. loop is the sound file that the score names as its bed, nil for none.
func newRenderer(score *routines.Score, loop *loopedSound) *Renderer {
	return &Renderer{length: score.Len, bed: newBed(score, loop), gains: quietGains(score), fade: newFade(score)}
}

// Render returns a renderer of a score whose clips are all loaded. A cue without a clip is silent.
func Render(score *routines.Score, clips Clips) *Renderer {
	r := newRenderer(score, loopOf(clips[bedClipKey(score.Bed.Sound)].PCM))
	for _, c := range score.Cues {
		clip := wholeClip(clips[c.Clip].PCM)
		r.add(scheduledClip{c.At, clip.length, clip})
	}
	return r
}

func (r *Renderer) add(c scheduledClip) {
	r.cues = append(r.cues, c)
	r.longest = max(r.longest, c.length)
}

// Stream fills samples from the position on. It returns 0, false at the end of the score, and a short block only there.
func (r *Renderer) Stream(samples [][2]float64) (int, bool) {
	n := min(len(samples), r.length-r.at)
	if n <= 0 {
		return 0, false
	}
	samples = samples[:n]
	clear(samples)
	sounding := r.mixCues(samples)
	switch {
	case r.bed != nil:
		r.bed.addTo(samples, r.at)
	case sounding:
		for i := range samples {
			x := samples[i][0]
			if !(x <= knee && x >= -knee) {
				x = softLimit(x)
			}
			samples[i][0], samples[i][1] = x, x // cues are mono and stand in the centre
		}
	}
	if r.fade != nil {
		r.fade.apply(samples, r.at)
	}
	r.at += n
	return n, true
}

// mixCues adds the cues that sound in a block to its left channel, and reports whether there are any.
func (r *Renderer) mixCues(samples [][2]float64) (any bool) {
	end := r.at + len(samples)
	if r.soundingAt != r.at {
		r.findSounding()
	}
	for ; r.upcoming < len(r.cues) && r.cues[r.upcoming].at < end; r.upcoming++ {
		r.sounding = append(r.sounding, r.upcoming)
	}
	kept := r.sounding[:0]
	for _, k := range r.sounding {
		c := &r.cues[k]
		from, to := max(0, c.at-r.at), min(len(samples), c.at+c.clip.length-r.at)
		for from < to {
			at := r.at + from - c.at // in the clip
			pcm, n := c.clip.from(at)
			n = min(n, to-from)
			if heard := min(n, len(pcm)); heard > 0 {
				r.gainOf(k).addTo(samples[from:from+heard], pcm, at)
				any = true
			}
			from += n
		}
		if c.at+c.length > end {
			kept = append(kept, k)
		}
	}
	r.sounding, r.soundingAt = kept, end
	return any
}

// findSounding finds the cues that began before the position and sound there, and the first that has not begun.
func (r *Renderer) findSounding() {
	r.upcoming = sort.Search(len(r.cues), func(i int) bool { return r.cues[i].at >= r.at })
	r.sounding = r.sounding[:0]
	for k := r.upcoming - 1; k >= 0 && r.cues[k].at > r.at-r.longest; k-- {
		if r.cues[k].at+r.cues[k].length > r.at {
			r.sounding = append(r.sounding, k)
		}
	}
	slices.Reverse(r.sounding)
}

// What softLimit limits begins at the knee.
const knee, ceiling = 0.80, 0.875

// softLimit lets a sum of voice, tones and bed near full scale approach a ceiling instead of clipping; below the knee
// it is the identity. The ceiling leaves room for peaks between samples: the mix stays below audio.MaxTruePeak.
func softLimit(x float64) float64 {
	if x >= -knee && x <= knee {
		return x
	}
	over := (math.Abs(x) - knee) / (ceiling - knee)
	return math.Copysign(knee+float64((ceiling-knee)*(over/(1+over))), x)
}

// Err is nil: nothing can fail while streaming.
func (r *Renderer) Err() error { return nil }

// Len is the score's length in samples.
func (r *Renderer) Len() int { return r.length }

// Position is the index of the next sample.
func (r *Renderer) Position() int { return r.at }

// Seek goes to a sample from 0 to Len.
func (r *Renderer) Seek(to int) error {
	if to < 0 || to > r.length {
		return fmt.Errorf("sample %d lies outside the score of %d", to, r.length)
	}
	r.at = to
	return nil
}
