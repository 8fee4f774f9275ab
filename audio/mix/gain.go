package mix

import (
	"math"
	"slices"
	"sort"

	"guided/audio"
	"guided/routines"
)

// bedGain is how loud a bed is at each sample of a score: its fades, the voice it makes room for, and the breath.
type bedGain struct {
	length int
	quiet  float64 // dB
	voiced []interval
	breath []envelopeSegment
}

func newBedGain(score *routines.Score) *bedGain {
	g := &bedGain{length: score.Len, voiced: voiceIntervals(score.Cues)}
	if score.Quiet {
		g.quiet = quietBed
	}
	if score.Bed.Swell {
		g.breath = breathEnvelope(score.Marks)
	}
	return g
}

// at is the gain at a sample, as a factor.
func (g *bedGain) at(i int) float64 {
	fade := min(float64(i)/bedFadeIn, float64(g.length-i)/bedFadeOut, 1)
	if fade <= 0 {
		return 0
	}
	return float64(math.Sin(math.Pi/2*fade) * audio.Gain(g.quiet+duckGain(g.voiced, i)+envelopeGain(g.breath, i)))
}

// envelopeSegment is a way from one gain in dB to another between two samples; after it the gain stays.
type envelopeSegment struct {
	at, length int
	from, to   float64
}

// How a bed goes with the breath.
const (
	swellInhale      = 4.0             // dB at the end of a breath in
	swellFirstInhale = 2.5             // dB before a second one
	swellExhale      = -4.0            // dB at the end of a breath out
	swellRelease     = 4 * audio.Rate  // in which it comes to rest where no breath goes on
	swellMaxGap      = audio.Rate / 10 // from one phase to the next of the same breathing: words begin on their beats
)

// breathEnvelope is the bends of a score's breaths. Each stretch of breaths is as loud as the bed is without them.
func breathEnvelope(marks []routines.Mark) []envelopeSegment {
	var list []envelopeSegment
	first, end := 0, 0 // of the stretch that goes on: its first bend, the end of its last phase
	gain := 0.0
	rest := func() {
		if first < len(list) {
			normalizePower(list[first:])
			list = append(list, envelopeSegment{end, swellRelease, list[len(list)-1].to, 0})
		}
		first, gain = len(list), 0
	}
	for i, m := range marks {
		if m.Kind != routines.PhaseMark {
			continue
		}
		to := gain
		switch m.Name {
		case "in":
			to = swellInhale
			if next := nextPhase(marks[i+1:]); next.Name == "again" && next.At <= m.At+m.Len+swellMaxGap {
				to = swellFirstInhale
			}
		case "again":
			to = swellInhale
		case "out":
			to = swellExhale
		case "hold", "wait":
		default: // a movement
			continue
		}
		if m.At > end+swellMaxGap {
			rest()
			if to == gain { // a hold of a movement
				continue
			}
		}
		list = append(list, envelopeSegment{m.At, m.Len, gain, to})
		gain, end = to, m.At+m.Len
	}
	rest()
	return list
}

func nextPhase(marks []routines.Mark) routines.Mark {
	for _, m := range marks {
		if m.Kind == routines.PhaseMark {
			return m
		}
	}
	return routines.Mark{}
}

// normalizePower lowers bends that follow each other so that their mean power is that of no bend; the first begins where it did.
func normalizePower(bends []envelopeSegment) {
	sum, n := 0.0, 0
	for _, b := range bends {
		const points = 16
		for k := range points {
			sum += float64(float64(b.length) / points * audio.PowerRatio(b.gainAt(b.at+b.length*k/points)))
		}
		n += b.length
	}
	over := 10 * math.Log10(sum/float64(max(1, n)))
	for i := range bends {
		bends[i].to -= over
		if i > 0 {
			bends[i].from -= over
		}
	}
}

// gainAt is the gain in dB from its begin on.
func (b envelopeSegment) gainAt(i int) float64 {
	x := 1.0
	if i < b.at+b.length {
		x = float64(i-b.at) / float64(b.length)
	}
	return b.from + float64((b.to-b.from)*raisedCosine(x))
}

// envelopeGain is the gain in dB that bends give at a sample.
func envelopeGain(bends []envelopeSegment, i int) float64 {
	k := sort.Search(len(bends), func(k int) bool { return bends[k].at > i }) - 1
	if k < 0 {
		return 0
	}
	return bends[k].gainAt(i)
}

// raisedCosine goes from 0 to 1 as a raised cosine.
func raisedCosine(x float64) float64 { return 0.5 - 0.5*math.Cos(math.Pi*x) }

// The quiet profile, for the night.
const (
	quietVoice  = -6.0                 // dB
	quietSound  = -12.0                // dB, of tones, swells and sound files
	quietBed    = -6.0                 // dB
	quietAttack = audio.Rate * 6 / 100 // samples in which a stroke comes, so that nobody starts
)

// cueGain is how a cue is played: its gain as a factor, and the samples in which it comes in.
type cueGain struct {
	gain   float64
	attack int
}

// quietGains are the gains of a score's cues, nil where it is not quiet.
func quietGains(score *routines.Score) []cueGain {
	if !score.Quiet {
		return nil
	}
	list := make([]cueGain, len(score.Cues))
	for i, c := range score.Cues {
		list[i].gain = audio.Gain(quietSound)
		if c.Clip.Say != "" {
			list[i].gain = audio.Gain(quietVoice)
		}
		if slices.Contains([]string{"bell", "bowl", "chime"}, c.Clip.Sound) {
			list[i].attack = quietAttack
		}
	}
	return list
}

// gainOf is that of a cue.
func (r *Renderer) gainOf(cue int) cueGain {
	if r.gains == nil {
		return cueGain{gain: 1}
	}
	return r.gains[cue]
}

// addTo adds a recording from its sample at on to the left channel of samples.
func (g cueGain) addTo(samples [][2]float64, pcm []int16, at int) {
	scale := g.gain / (math.MaxInt16 + 1)
	for i := range samples {
		x := float64(scale * float64(pcm[i]))
		if at+i < g.attack {
			x *= smoothStep(float64(at+i) / float64(g.attack))
		}
		samples[i][0] += x
	}
}

// How a bed makes room for the voice. A count each second would pump it up and down, so it stays down in short gaps.
const (
	duckDepth   = -14.0               // dB
	duckAttack  = audio.Rate / 5      // samples of the way down
	duckLead    = audio.Rate / 20     // it is down so long before the word
	duckRelease = audio.Rate * 7 / 10 // samples of the way back
	duckHold    = 2 * audio.Rate      // gaps shorter than this
)

// interval is samples of a score, from one to before another.
type interval struct{ from, to int }

// voiceIntervals is where the voice sounds, with the gaps in which a bed stays down.
func voiceIntervals(cues []routines.Cue) []interval {
	var list []interval
	for _, c := range cues {
		if c.Clip.Say == "" {
			continue
		}
		if last := len(list) - 1; last >= 0 && c.At < list[last].to+duckHold {
			list[last].to = max(list[last].to, c.At+c.Len)
			continue
		}
		list = append(list, interval{c.At, c.At + c.Len})
	}
	return list
}

// duckGain is the gain in dB that a voice leaves a bed at a sample. The ways down and back of two stretches never meet.
func duckGain(voice []interval, i int) float64 {
	const begin = duckLead + duckAttack
	k := sort.Search(len(voice), func(k int) bool { return voice[k].from-begin > i }) - 1
	switch {
	case k < 0:
		return 0
	case i < voice[k].from-duckLead:
		return duckDepth * raisedCosine(float64(i-voice[k].from+begin)/duckAttack)
	case i <= voice[k].to:
		return duckDepth
	case i < voice[k].to+duckRelease:
		return duckDepth * raisedCosine(1-float64(i-voice[k].to)/duckRelease)
	}
	return 0
}
