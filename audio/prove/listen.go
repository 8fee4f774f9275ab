package prove

import (
	"math"

	"guided/audio"
	"guided/routines"
)

// listener goes through a recording cue by cue, and follows it where it jumps.
type listener struct {
	near, far *matcher // far is made when it is needed
	recent    []float64
	silences  []hush
}

// A cue that is not within reach is looked for with the four seconds from it on, two seconds to each side: words come
// again, a piece that long does not.
const (
	farReach  = 2 * audio.Rate
	farWindow = 4 * audio.Rate
	farSpan   = 1 << 19
	sure      = 0.8
)

// listen finds a cue, n samples long. One that is silent of itself is not audible.
func (l *listener) listen(c routines.Cue, n int) (Hearing, bool, error) {
	h := Hearing{Planned: float64(c.At) / audio.Rate, What: c.Clip.Say, at: c.At}
	if h.What == "" {
		h.What = c.Clip.Sound
	}
	if n <= 0 {
		return h, false, nil
	}
	window := min(n, matchWindow)
	if energy, err := l.near.reference(c.At, window); err != nil || energy < 1e-9*float64(window) {
		return h, false, err
	}
	found, place, err := l.search(c.At, window)
	if err != nil {
		return h, false, err
	}
	h.Correlation = math.Max(0, found.correlation)
	h.Heard = found.correlation >= heardFrom
	if !h.Heard {
		return h, true, nil
	}
	h.gain, h.offset = found.gain, float64(place-c.At)+found.at
	if l.recent = append(l.recent, h.offset); len(l.recent) > 5 {
		l.recent = l.recent[1:]
	}
	return h, true, l.silent(c.At, n, int(math.Round(h.offset)), h.gain)
}

// search looks near where the last cues were: for all of a cue, then for its beginning, which may be all that is whole;
// then farther away.
func (l *listener) search(at, n int) (match, int, error) {
	place := at + int(math.Round(median(l.recent)))
	found, err := l.near.find(at, n, place, matchReach)
	if err != nil || found.correlation >= heardFrom {
		return found, place, err
	}
	if part, err := l.near.find(at, n/2, place, matchReach); err != nil || part.correlation >= sure {
		return part, place, err
	}
	if l.far == nil {
		l.far = newMatcher(l.near.score, l.near.recording, farSpan)
	}
	m, err := l.far.find(at, min(farWindow, l.near.score.Len()-at), place, farReach)
	if err != nil || m.correlation < sure || math.Abs(m.at) < matchReach {
		return found, place, err
	}
	l.recent = []float64{float64(place-at) + m.at}
	place += int(math.Round(m.at))
	found, err = l.near.find(at, n, place, matchReach)
	return found, place, err
}

// hush is a piece of the recording in which there is none of the sound that belongs there, in samples of the score.
type hush struct{ from, to int }

// shard is the piece that is judged loud or silent at once, 2.5 ms, and two in a row are a silence.
const shard = audio.Rate / 400

// silent looks for silences in a cue that was found at an offset.
func (l *listener) silent(at, n, offset int, gain float64) error {
	m := l.near
	for from := at; from+shard <= at+n; {
		length := min(len(m.want), at+n-from) / shard * shard
		if _, err := m.reference(from, length); err != nil {
			return err
		}
		if err := m.recording.read(m.got[:length], from+offset); err != nil {
			return err
		}
		for i := 0; i < length; i += shard {
			if want := gain * rms(m.want[i:i+shard]); want > 1e-3 && rms(m.got[i:i+shard]) < want/50 {
				l.note(from+i, from+i+shard)
			}
		}
		from += length
	}
	return nil
}

// note joins what touches.
func (l *listener) note(from, to int) {
	if n := len(l.silences); n > 0 && from <= l.silences[n-1].to+shard {
		l.silences[n-1].to = max(to, l.silences[n-1].to)
		return
	}
	l.silences = append(l.silences, hush{from, to})
}

func rms(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x * x
	}
	return math.Sqrt(sum / float64(len(list)))
}
