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
	gain   *bedGain
	frames [controlBlock][2]float64
}

// bedSound is an endless sound of bedLUFS. Frames are a function of their index; no call crosses a multiple of
// controlBlock.
type bedSound interface {
	fill(frames [][2]float64, at int)
}

// newBed returns the bed of a score, nil where it has none. loop is the sound file that the score names, if it names one.
func newBed(score *routines.Score, loop *loopedSound) *bed {
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
		if loop == nil {
			return nil
		}
		b.sound = loop
	}
	return b
}

// addTo adds the bed to samples; at is the index of the first in the score.
func (b *bed) addTo(samples [][2]float64, at int) {
	for len(samples) > 0 {
		frames := b.frames[:min(len(samples), controlBlock-at%controlBlock)]
		b.sound.fill(frames, at)
		ramp := rampFrom(at, b.gain.at)
		for i, x := range frames {
			gain := ramp.at(i)
			samples[i][0] += float64(gain * x[0])
			samples[i][1] += float64(gain * x[1])
		}
		samples = samples[len(frames):]
		at += len(frames)
	}
}

// generator makes sound frame by frame, from wherever it was reset. It may keep state, such as that of a filter.
type generator interface {
	reset(at int)
	fill(frames [][2]float64, at int)
}

// restarting makes a bedSound of a generator: the generator is reset before each resetInterval, so that its state
// depends on the index alone.
type restarting struct {
	generator
	next      int // the index of the generator's next frame, once it has started
	started   bool
	discarded [controlBlock][2]float64
}

func (r *restarting) fill(frames [][2]float64, at int) {
	start := at - at%resetInterval
	if !r.started || at < r.next || r.next <= start {
		r.next, r.started = start-warmUp, true
		r.reset(r.next)
	}
	for r.next < at {
		skip := r.discarded[:min(at-r.next, controlBlock-(r.next+warmUp)%controlBlock)]
		r.generator.fill(skip, r.next)
		r.next += len(skip)
	}
	r.generator.fill(frames, at)
	r.next += len(frames)
}

// gainRamp is a gain curve within one controlBlock: a straight line between its values at both ends.
type gainRamp struct {
	from, step float64
	offset     int // samples from the start of the controlBlock to the first frame
}

func rampFrom(at int, curve func(at int) float64) gainRamp {
	offset := at - floorDiv(at, controlBlock)*controlBlock
	from := curve(at - offset)
	return gainRamp{from, (curve(at-offset+controlBlock) - from) / controlBlock, offset}
}

// at returns the gain at a frame.
func (r gainRamp) at(i int) float64 { return r.from + float64(r.step*float64(r.offset+i)) }
