package mix

import (
	"guided/audio"
	"guided/routines"
)

// bedLUFS is the loudness of a bed alone, integrated over half a minute.
const bedLUFS = -28.0

const (
	controlBlock  = 64                 // samples: gain curves are computed at multiples of it, and linear between them
	resetInterval = 512 * controlBlock // samples: a generator restarts at multiples of it
	warmUp        = 128 * controlBlock // samples that a generator runs before a restart: the state it lacks is 160 dB down by then
	bedFadeIn     = 3 * audio.Rate     // samples at the start of a score
	bedFadeOut    = 5 * audio.Rate     // samples at its end
)

// bed is the background sound of a score.
type bed struct {
	sound  bedSound
	gain   gainCurve
	frames [controlBlock][2]float64
}

// bedSound is an endless sound of bedLUFS. Frames are a function of their index; no call crosses a multiple of
// controlBlock.
type bedSound interface {
	fill(frames [][2]float64, at int)
}

// newBed returns the bed of a score, nil where it has none. loop is the sound file that the score names, if it names one.
func newBed(score *routines.Score, loop *loopedSound) *bed {
	b := &bed{gain: gainCurve{value: newBedGain(score).at}}
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
		if loop == nil {
			return nil
		}
		b.sound = loop
	}
	return b
}

// addTo spreads the left channel of samples to both, and adds the bed; at is the index of the first in the score.
func (b *bed) addTo(samples [][2]float64, at int) {
	for len(samples) > 0 {
		frames := b.frames[:min(len(samples), controlBlock-at%controlBlock)]
		b.sound.fill(frames, at)
		ramp := b.gain.ramp(at)
		part := samples[:len(frames)]
		for i := range frames {
			gain, cue := ramp.at(i), part[i][0]
			left, right := cue+float64(gain*frames[i][0]), cue+float64(gain*frames[i][1])
			if !(left <= knee && left >= -knee && right <= knee && right >= -knee) {
				left, right = softLimit(left), softLimit(right)
			}
			part[i][0], part[i][1] = left, right
		}
		samples = samples[len(frames):]
		at += len(frames)
	}
}

// generator makes sound frame by frame, from wherever it was reset. It may keep state, such as that of a filter. No call
// crosses a multiple of controlBlock.
type generator interface {
	reset(at int)
	fill(frames [][2]float64, at int)
	// advance goes on by n frames as fill does, without their sound.
	advance(n, at int)
}

// restarting makes a bedSound of a generator: the generator is reset before each resetInterval, so that its state
// depends on the index alone.
type restarting struct {
	generator
	next    int // the index of the generator's next frame, once it has started
	started bool
}

func (r *restarting) fill(frames [][2]float64, at int) {
	start := at - at%resetInterval
	if !r.started || at < r.next || r.next <= start {
		r.next, r.started = start-warmUp, true
		r.reset(r.next)
	}
	for r.next < at {
		n := min(at-r.next, controlBlock-(r.next+warmUp)%controlBlock)
		r.advance(n, r.next)
		r.next += n
	}
	r.generator.fill(frames, at)
	r.next += len(frames)
}

// gainCurve is a gain over time that is computed at multiples of controlBlock and linear between them. It keeps the
// controlBlock that it was last asked for, so that no value is computed twice while a score plays.
type gainCurve struct {
	value func(at int) float64

	start    int // of the controlBlock
	known    bool
	from, to float64
}

// ramp returns the gain from a sample to the end of its controlBlock.
func (c *gainCurve) ramp(at int) gainRamp {
	start := floorDiv(at, controlBlock) * controlBlock
	switch {
	case c.known && start == c.start:
	case c.known && start == c.start+controlBlock:
		c.from, c.to = c.to, c.value(start+controlBlock)
	default:
		c.from, c.to = c.value(start), c.value(start+controlBlock)
	}
	c.start, c.known = start, true
	return gainRamp{c.from, (c.to - c.from) / controlBlock, at - start}
}

// gainRamp is a gain curve within one controlBlock: a straight line between its values at both ends.
type gainRamp struct {
	from, step float64
	offset     int // samples from the start of the controlBlock to the first frame
}

// at returns the gain at a frame.
func (r gainRamp) at(i int) float64 { return r.from + float64(r.step*float64(r.offset+i)) }
