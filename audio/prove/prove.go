package prove

import (
	"io"
	"math"
	"slices"

	"guided/audio"
	"guided/audio/mix"
	"guided/routines"
)

// Proof is a score held against a recording of it. Times are seconds of the score, errors milliseconds.
type Proof struct {
	Cues   []CueTiming `json:"cues"` // those that can be heard, in the score's order
	Gaps   []Gap       `json:"gaps"`
	Heard  int         `json:"heard"`     // how many of Cues
	Worst  float64     `json:"worst_ms"`  // the largest error, with its sign
	Spread float64     `json:"spread_ms"` // the standard deviation of the errors
	Drift  float64     `json:"drift_ppm"` // how much slower the recording runs than the score; negative: faster
	Gain   float64     `json:"gain"`      // the median of the cues: 1 is the score's own level
	Begins float64     `json:"begins_s"`  // where in the recording the score begins
}

// CueTiming is what became of one cue. A cue that was not heard has no error.
type CueTiming struct {
	Planned     float64 `json:"planned_s"`
	Error       float64 `json:"error_ms"` // positive: late against the others
	Correlation float64 `json:"correlation"`
	Heard       bool    `json:"heard"`
	What        string  `json:"what"`

	at     int
	offset float64 // samples from its place in the score to its place in the recording
	gain   float64
}

// Gap is sound that is missing. Where the sound itself does not tell, At is the last cue before it.
type Gap struct {
	At     float64 `json:"at_s"`
	Length float64 `json:"length_ms"`
	Kind   GapKind `json:"kind"`
}

// GapKind is what a gap did to the sound after it.
type GapKind string

// The kinds of a gap.
const (
	Lost     GapKind = "lost"     // a piece was left out: all that follows is early
	Inserted GapKind = "inserted" // silence came in between: all that follows is late
	Silenced GapKind = "silenced" // silence took the place of a piece: what follows is in time
)

// minCorrelation is the correlation from which on a cue counts as heard. Another word of the same voice stays far below.
const minCorrelation = 0.6

// Prove measures where each cue of a score lies in a recording of it, a WAV file of so many bytes with 48 000 samples a
// second: the normalised cross-correlation with sound, what the score should sound like, around the cue. Neither the
// level nor where the recording begins matters. A recording that is silent is an error. show is told of the cues done,
// and may be nil.
func Prove(score *routines.Score, sound *mix.Renderer, recording io.ReaderAt, size int64, show func(done int)) (*Proof, error) {
	t, err := openRecording(recording, size)
	if err != nil {
		return nil, err
	}
	near := newCorrelator(sound, t, narrowSpan)
	begins, err := align(near, score.Cues)
	if err != nil {
		return nil, err
	}
	l := &tracker{narrow: near, offsets: []float64{float64(begins)}}
	p := &Proof{Cues: []CueTiming{}, Gaps: []Gap{}}
	for i, c := range score.Cues {
		n := min(c.Len, score.Len-c.At)
		h, audible, err := l.track(c, n)
		if err != nil {
			return nil, err
		}
		if audible {
			p.Cues = append(p.Cues, h)
		}
		if show != nil {
			show(i + 1)
		}
	}
	p.summarize(begins, l.silences)
	return p, nil
}

// summarize makes of the offsets of all cues what is common to them, and what is each one's own.
func (p *Proof) summarize(begins int, silences []span) {
	var heard []*CueTiming
	var gains []float64
	for i := range p.Cues {
		if h := &p.Cues[i]; h.Heard {
			heard = append(heard, h)
			gains = append(gains, h.gain)
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
		for _, h := range r.cues {
			h.Error = (h.offset - slope*float64(h.at) - r.offset) * 1000 / audio.Rate
			squares += h.Error * h.Error
			if math.Abs(h.Error) > math.Abs(p.Worst) {
				p.Worst = h.Error
			}
		}
	}
	p.Spread = math.Sqrt(squares / float64(len(heard)))
	p.Gaps = append(p.Gaps, findGaps(runs, silences)...)
}

// median of a list that is not empty.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
