package mix

import (
	"fmt"
	"math"
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
	longest int             // samples of the longest cue
	length  int
	at      int
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
	return &Renderer{length: score.Len, bed: newBed(score, loop), gains: quietGains(score)}
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
	r.mixCues(samples)
	for i := range samples {
		samples[i][1] = samples[i][0] // cues are mono and stand in the centre
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

// mixCues adds the cues that sound in a block to its left channel.
func (r *Renderer) mixCues(samples [][2]float64) {
	first := sort.Search(len(r.cues), func(i int) bool { return r.cues[i].at > r.at-r.longest })
	for k, c := range r.cues[first:] {
		if c.at >= r.at+len(samples) {
			break
		}
		from, to := max(0, c.at-r.at), min(len(samples), c.at+c.clip.length-r.at)
		for from < to {
			at := r.at + from - c.at // in the clip
			pcm, n := c.clip.from(at)
			n = min(n, to-from)
			heard := min(n, len(pcm))
			if heard > 0 {
				r.gainOf(first+k).addTo(samples[from:from+heard], pcm, at)
			}
			from += n
		}
	}
}

// softLimit lets a sum of voice, tones and bed near full scale approach a ceiling instead of clipping; below the knee
// it is the identity. The ceiling leaves room for peaks between samples: the mix stays below audio.MaxTruePeak.
func softLimit(x float64) float64 {
	const knee, ceiling = 0.80, 0.875
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
