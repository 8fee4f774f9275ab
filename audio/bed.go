package audio

import "guided/routines"

// bedLUFS is how loud a bed is alone, over half a minute.
const bedLUFS = -28.0

const (
	cell = 64         // samples: slow curves are known at multiples of it, and straight between them
	span = 512 * cell // what has a state begins anew at multiples of it
	warm = 128 * cell // samples that a generator runs before: what it held of the past is 160 dB down by then
	rise = 3 * Rate   // the bed comes in with the first seconds of a score
	fall = 5 * Rate   // and goes with its last
)

// bed is what sounds under a score.
type bed struct {
	sound  bedSound
	gain   *bedGain
	frames [cell][2]float64
}

// bedSound is an endless sound of bedLUFS. Frames are a function of their index; no call crosses a multiple of cell.
type bedSound interface {
	fill(frames [][2]float64, at int)
}

// newBed makes the bed of a score, nil where it has none; loop is what the sound file sounds like that it names.
func newBed(score *routines.Score, loop []int16) *bed {
	b := &bed{gain: newBedGain(score)}
	switch score.Bed.Sound {
	case "":
		return nil
	case "rain":
		b.sound = &spanned{generator: newRain()}
	case "waves":
		b.sound = &spanned{generator: newWaves()}
	case "brown":
		b.sound = &spanned{generator: newBrown()}
	case "drone":
		b.sound = &spanned{generator: newDrone()}
	default:
		if len(loop) == 0 {
			return nil
		}
		b.sound = looped(loop)
	}
	return b
}

// addTo adds the bed to samples of the score from at on.
func (b *bed) addTo(samples [][2]float64, at int) {
	for len(samples) > 0 {
		inside := at % cell
		frames := b.frames[:min(len(samples), cell-inside)]
		b.sound.fill(frames, at)
		from, to := b.gain.at(at-inside), b.gain.at(at-inside+cell)
		for i, x := range frames {
			gain := from + float64((to-from)*(float64(inside+i)/cell))
			samples[i][0] += float64(gain * x[0])
			samples[i][1] += float64(gain * x[1])
		}
		samples = samples[len(frames):]
		at += len(frames)
	}
}

// generator makes sound one frame after the other, from wherever it was reset.
type generator interface {
	reset(at int)
	fill(frames [][2]float64, at int)
}

// spanned makes a sound of an index of what a generator makes: it is reset before each span.
type spanned struct {
	generator
	next   int // the index that the generator is at, once it has begun
	begun  bool
	wasted [cell][2]float64
}

func (s *spanned) fill(frames [][2]float64, at int) {
	start := at - at%span
	if !s.begun || at < s.next || s.next <= start {
		s.next, s.begun = start-warm, true
		s.reset(s.next)
	}
	for s.next < at {
		skip := s.wasted[:min(at-s.next, cell-(s.next+warm)%cell)]
		s.generator.fill(skip, s.next)
		s.next += len(skip)
	}
	s.generator.fill(frames, at)
	s.next += len(frames)
}

// between frames of a cell a slow curve is a straight line: its value and its step at an index.
func line(at int, curve func(at int) float64) (value, step float64) {
	start := floorDiv(at, cell) * cell
	from := curve(start)
	step = (curve(start+cell) - from) / cell
	return from + float64(step*float64(at-start)), step
}
