package mix

import (
	"guided/audio"
	"guided/routines"
)

// bedLUFS is how loud a bed is alone, over half a minute.
const bedLUFS = -28.0

const (
	controlBlock  = 64                 // samples: slow curves are known at multiples of it, and straight between them
	resetInterval = 512 * controlBlock // what has a state begins anew at multiples of it
	warmUp        = 128 * controlBlock // samples that a generator runs before: what it held of the past is 160 dB down by then
	bedFadeIn     = 3 * audio.Rate     // the bed comes in with the first seconds of a score
	bedFadeOut    = 5 * audio.Rate     // and goes with its last
)

// bed is what sounds under a score.
type bed struct {
	sound  bedSound
	gain   *bedGain
	frames [controlBlock][2]float64
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
		b.sound = &restarting{generator: newRain()}
	case "waves":
		b.sound = &restarting{generator: newWaves()}
	case "brown":
		b.sound = &restarting{generator: newBrown()}
	case "drone":
		b.sound = &restarting{generator: newDrone()}
	default:
		if len(loop) == 0 {
			return nil
		}
		b.sound = loopedSound(loop)
	}
	return b
}

// addTo adds the bed to samples of the score from at on.
func (b *bed) addTo(samples [][2]float64, at int) {
	for len(samples) > 0 {
		frames := b.frames[:min(len(samples), controlBlock-at%controlBlock)]
		b.sound.fill(frames, at)
		line := rampFrom(at, b.gain.at)
		for i, x := range frames {
			gain := line.at(i)
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

// restarting makes a sound of an index of what a generator makes: it is reset before each span.
type restarting struct {
	generator
	next      int // the index that the generator is at, once it has begun
	started   bool
	discarded [controlBlock][2]float64
}

func (s *restarting) fill(frames [][2]float64, at int) {
	start := at - at%resetInterval
	if !s.started || at < s.next || s.next <= start {
		s.next, s.started = start-warmUp, true
		s.reset(s.next)
	}
	for s.next < at {
		skip := s.discarded[:min(at-s.next, controlBlock-(s.next+warmUp)%controlBlock)]
		s.generator.fill(skip, s.next)
		s.next += len(skip)
	}
	s.generator.fill(frames, at)
	s.next += len(frames)
}

// gainRamp is a slow curve as it is used: straight from one multiple of cell to the next.
type gainRamp struct {
	from, step float64
	offset     int // samples from the multiple to the first frame
}

func rampFrom(at int, curve func(at int) float64) gainRamp {
	inside := at - floorDiv(at, controlBlock)*controlBlock
	from := curve(at - inside)
	return gainRamp{from, (curve(at-inside+controlBlock) - from) / controlBlock, inside}
}

// at is its value at a frame.
func (l gainRamp) at(i int) float64 { return l.from + float64(l.step*float64(l.offset+i)) }
