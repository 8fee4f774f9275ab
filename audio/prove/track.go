package prove

import (
	"math"

	"guided/audio"
	"guided/routines"
)

// tracker goes through a recording cue by cue, and follows it where it jumps.
type tracker struct {
	narrow, wide *correlator // far is made when it is needed
	offsets      []float64
	silences     []span
}

// A cue that is not within reach is looked for with the four seconds from it on, two seconds to each side: words come
// again, a piece that long does not.
const (
	wideReach         = 2 * audio.Rate
	wideWindow        = 4 * audio.Rate
	wideSpan          = 1 << 19
	strongCorrelation = 0.8
)

// track finds a cue, n samples long. One that is silent of itself is not audible.
func (l *tracker) track(c routines.Cue, n int) (CueTiming, bool, error) {
	h := CueTiming{Planned: float64(c.At) / audio.Rate, What: c.Clip.Say, at: c.At}
	if h.What == "" {
		h.What = c.Clip.Sound
	}
	if n <= 0 {
		return h, false, nil
	}
	window := min(n, narrowWindow)
	if energy, err := l.narrow.readScore(c.At, window); err != nil || energy < 1e-9*float64(window) {
		return h, false, err
	}
	found, place, err := l.locate(c.At, window)
	if err != nil {
		return h, false, err
	}
	h.Correlation = math.Max(0, found.correlation)
	h.Heard = found.correlation >= minCorrelation
	if !h.Heard {
		return h, true, nil
	}
	h.gain, h.offset = found.gain, float64(place-c.At)+found.at
	if l.offsets = append(l.offsets, h.offset); len(l.offsets) > 5 {
		l.offsets = l.offsets[1:]
	}
	return h, true, l.findSilences(c.At, n, int(math.Round(h.offset)), h.gain)
}

// locate looks near where the last cues were: for all of a cue, then for its beginning, which may be all that is whole;
// then farther away.
func (l *tracker) locate(at, n int) (match, int, error) {
	place := at + int(math.Round(median(l.offsets)))
	found, err := l.narrow.find(at, n, place, narrowReach)
	if err != nil || found.correlation >= minCorrelation {
		return found, place, err
	}
	if part, err := l.narrow.find(at, n/2, place, narrowReach); err != nil || part.correlation >= strongCorrelation {
		return part, place, err
	}
	if l.wide == nil {
		l.wide = newCorrelator(l.narrow.score, l.narrow.recording, wideSpan)
	}
	m, err := l.wide.find(at, min(wideWindow, l.narrow.score.Len()-at), place, wideReach)
	if err != nil || m.correlation < strongCorrelation || math.Abs(m.at) < narrowReach {
		return found, place, err
	}
	l.offsets = []float64{float64(place-at) + m.at}
	place += int(math.Round(m.at))
	found, err = l.narrow.find(at, n, place, narrowReach)
	return found, place, err
}

// span is a piece of the recording in which there is none of the sound that belongs there, in samples of the score.
type span struct{ from, to int }

// silenceBlock is the piece that is judged loud or silent at once, 2.5 ms, and two in a row are a silence.
const silenceBlock = audio.Rate / 400

// findSilences looks for silences in a cue that was found at an offset.
func (l *tracker) findSilences(at, n, offset int, gain float64) error {
	m := l.narrow
	for from := at; from+silenceBlock <= at+n; {
		length := min(len(m.want), at+n-from) / silenceBlock * silenceBlock
		if _, err := m.readScore(from, length); err != nil {
			return err
		}
		if err := m.recording.read(m.got[:length], from+offset); err != nil {
			return err
		}
		for i := 0; i < length; i += silenceBlock {
			if want := gain * rms(m.want[i:i+silenceBlock]); want > 1e-3 && rms(m.got[i:i+silenceBlock]) < want/50 {
				l.addSilence(from+i, from+i+silenceBlock)
			}
		}
		from += length
	}
	return nil
}

// addSilence joins what touches.
func (l *tracker) addSilence(from, to int) {
	if n := len(l.silences); n > 0 && from <= l.silences[n-1].to+silenceBlock {
		l.silences[n-1].to = max(to, l.silences[n-1].to)
		return
	}
	l.silences = append(l.silences, span{from, to})
}

func rms(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x * x
	}
	return math.Sqrt(sum / float64(len(list)))
}
