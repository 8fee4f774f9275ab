package routines

import (
	"slices"
	"sort"
)

// Fade is the volume of the whole sound of a score, from 0 to 1, as ramps in their order. The gain is its cube, as with the
// volume of a session: so a fade is a volume that is turned evenly, to and from silence. An empty Fade is 1 throughout.
//
// A fade in begins at fadeFloor, so that what is said first is heard, and at cautionFloor where a caution is among that. A
// fade out begins behind the last caution. Both together last no longer than the score: longer ones are shortened to it,
// in proportion. Time spent waiting for the listener is not counted, and the volume stays meanwhile.
type Fade []FadeRamp

// FadeRamp takes the volume evenly from one value to another. Behind it the volume stays, up to the next ramp, whose start
// ends it in any case. Before the first ramp the volume is that of its start.
type FadeRamp struct {
	At, Len  int // samples
	From, To float64
}

const (
	fadeFloor    = 0.4       // volume at the start of a fade in: -24 dB, still understood in a quiet room
	cautionFloor = 0.63      // where a caution is spoken in it: -12 dB
	fadeRecovery = 10 * Rate // how long the volume takes to where a change of what is ahead has it
)

// Volume is the volume at a sample, from 0 to 1.
func (f Fade) Volume(at int) float64 {
	if len(f) == 0 {
		return 1
	}
	k := sort.Search(len(f), func(k int) bool { return f[k].At > at }) - 1
	if k < 0 {
		return f[0].From
	}
	return f[k].volume(at)
}

// volume is the volume at a sample from the start of the ramp on.
func (r FadeRamp) volume(at int) float64 {
	if at >= r.At+r.Len {
		return r.To
	}
	return r.From + float64((r.To-r.From)*(float64(at-r.At)/float64(r.Len)))
}

// newFade is the fade that the options ask for. cautions are where cautions are spoken.
func newFade(s *Score, o Options, cautions []span) (f Fade) {
	in, out, _ := o.fades(s)
	if in > 0 {
		floor := fadeFloor
		if slices.ContainsFunc(cautions, func(c span) bool { return s.Elapsed(c.from) < in }) {
			floor = cautionFloor
		}
		f = f.append(s, FadeRamp{0, in, floor, 1})
	}
	if end := s.Elapsed(s.Len); out > 0 {
		begin := end - out
		for _, c := range cautions {
			begin = max(begin, min(s.Elapsed(c.to), end-1))
		}
		f = f.append(s, FadeRamp{begin, end - begin, 1, 0})
	}
	return f
}

// fades are the lengths in samples that fades have in a score, and whether they had to be shortened.
func (o Options) fades(s *Score) (in, out int, shortened bool) {
	in, out = Samples(o.FadeIn), Samples(o.FadeOut)
	length := s.Elapsed(s.Len)
	if in+out <= length {
		return in, out, false
	}
	in = int(int64(in) * int64(length) / int64(in+out))
	return in, min(out, length-in), true
}

// FadesShortened reports whether the fades of the options are longer than a score, which has shortened them to its length.
func (o Options) FadesShortened(s *Score) bool {
	_, _, shortened := o.fades(s)
	return shortened
}

// append adds a ramp whose samples are counted without waits, in pieces around the waits.
func (f Fade) append(s *Score, r FadeRamp) Fade {
	waited, from := 0, r.At
	piece := func(to int) {
		if to > from {
			f = append(f, FadeRamp{from + waited, to - from, r.volume(from), r.volume(to)})
			from = to
		}
	}
	for _, w := range s.landmarks().waits {
		m := s.Marks[w]
		at := s.Elapsed(m.At)
		if at >= r.At+r.Len {
			break
		}
		piece(at)
		waited += m.Len
	}
	piece(r.At + r.Len)
	return f
}

// revised is the fade of a score of length samples that was changed at a sample: before it nothing changes, and behind it
// the volume goes to that of the new fade without a leap.
func (f Fade) revised(new Fade, at, length int) Fade {
	if len(f) == 0 && len(new) == 0 {
		return nil
	}
	joined := at
	if f.Volume(at) != new.Volume(at) {
		joined = min(at+fadeRecovery, length)
	}
	var list Fade
	for _, r := range f {
		if r.At < at {
			list = append(list, r)
		}
	}
	list = append(list, FadeRamp{at, joined - at, f.Volume(at), new.Volume(joined)})
	for _, r := range new {
		switch end := r.At + r.Len; {
		case r.At > joined:
			list = append(list, r)
		case end > joined:
			list = append(list, FadeRamp{joined, end - joined, r.volume(joined), r.To})
		}
	}
	return list
}
