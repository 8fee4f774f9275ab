// Package prove measures, from a recording of what was heard, whether every cue of a score came at its time and nothing
// was lost on the way.
//
// Its law: it is a pure analysis. It opens no device and knows no clock; the verdict is a function of the score, its
// rendered sound and the recording.
//
// Begin with Prove below. It finds where the score begins in the recording (align.go), locates each cue by
// cross-correlation with its rendered sound (track.go, correlate.go), and summarises the offsets as clock drift, gaps
// (gaps.go) and the error of each cue.
package prove

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/routines"
)

// Report is the verdict on a recording of a score. Times are seconds of the score, errors milliseconds.
type Report struct {
	Cues   []CueTiming `json:"cues"` // the audible cues, in the score's order
	Gaps   []Gap       `json:"gaps"`
	Heard  int         `json:"heard"`     // how many of Cues were found
	Worst  float64     `json:"worst_ms"`  // the largest error, with its sign
	Spread float64     `json:"spread_ms"` // the standard deviation of the errors
	Drift  float64     `json:"drift_ppm"` // how much slower the recording runs than the score; negative: faster
	Gain   float64     `json:"gain"`      // the median of the cues; 1 is the score's own level
	Begins float64     `json:"begins_s"`  // where in the recording the score begins
}

// CueTiming is where one cue was found. A cue that was not heard has no error.
type CueTiming struct {
	Planned     float64 `json:"planned_s"`
	Error       float64 `json:"error_ms"`    // positive: late, relative to the other cues
	Correlation float64 `json:"correlation"` // 1: the rendered sound, but for its level
	Heard       bool    `json:"heard"`
	What        string  `json:"what"` // the text or the name of the sound

	at     int     // samples, in the score
	offset float64 // samples from its place in the score to its place in the recording
	gain   float64
}

// Gap is sound that is missing. Where no silence shows the place, At is the last cue before it.
type Gap struct {
	At     float64 `json:"at_s"`
	Length float64 `json:"length_ms"`
	Kind   GapKind `json:"kind"`
}

// GapKind is what a gap did to the sound after it.
type GapKind string

// The kinds of a gap.
const (
	Lost     GapKind = "lost"     // sound was left out: all that follows is early
	Inserted GapKind = "inserted" // silence was inserted: all that follows is late
	Silenced GapKind = "silenced" // silence replaced sound: what follows is in time
)

// minCorrelation is the least at which a cue counts as heard. Another word of the same voice stays far below it.
const minCorrelation = 0.6

// Prove compares a recording, a WAV file of size bytes at 48 kHz, with a score and its rendered sound. Neither the
// recording's level nor where the score begins in it matters. A silent recording is an error. progress, if not nil, is
// called with the number of cues done.
func Prove(score *routines.Score, rendered beep.StreamSeeker, recording io.ReaderAt, size int64, progress func(done int)) (*Report, error) {
	file, err := audio.OpenWAV(recording, size)
	if err != nil {
		return nil, err
	}
	if file.Format.Rate != audio.Rate {
		return nil, fmt.Errorf("the recording has %d samples a second; record it with %d", file.Format.Rate, audio.Rate)
	}
	narrow := newCorrelator(rendered, file, narrowSpan)
	begins, err := align(narrow, score.Cues)
	if err != nil {
		return nil, err
	}
	t := &tracker{narrow: narrow, offsets: []float64{float64(begins)}}
	p := &Report{Cues: []CueTiming{}, Gaps: []Gap{}}
	for i, c := range score.Cues {
		timing, audible, err := t.track(c, min(c.Len, score.Len-c.At))
		if err != nil {
			return nil, err
		}
		if audible {
			p.Cues = append(p.Cues, timing)
		}
		if progress != nil {
			progress(i + 1)
		}
	}
	p.summarize(begins, t.silences)
	return p, nil
}

// summarize splits the offsets of the cues into what is common to them, drift and gaps, and the error of each.
func (p *Report) summarize(begins int, silences []span) {
	var heard []*CueTiming
	var gains []float64
	for i := range p.Cues {
		if c := &p.Cues[i]; c.Heard {
			heard = append(heard, c)
			gains = append(gains, c.gain)
		}
	}
	p.Heard, p.Begins = len(heard), float64(begins)/audio.Rate
	if len(heard) == 0 {
		return
	}
	p.Gain = median(gains)
	slope := estimateDrift(heard)
	p.Drift = slope * 1e6
	runs := splitAtJumps(heard, slope)
	p.Begins = runs[0].offset / audio.Rate
	squares := 0.0
	for _, r := range runs {
		for _, c := range r.cues {
			c.Error = (c.offset - slope*float64(c.at) - r.offset) * 1000 / audio.Rate
			squares += c.Error * c.Error
			if math.Abs(c.Error) > math.Abs(p.Worst) {
				p.Worst = c.Error
			}
		}
	}
	p.Spread = math.Sqrt(squares / float64(len(heard)))
	p.Gaps = append(p.Gaps, findGaps(runs, silences)...)
}

// median returns the median of a list that is not empty.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
