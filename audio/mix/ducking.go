package mix

import (
	"math"
	"sort"

	"guided/audio"
	"guided/routines"
)

// bedGain is the gain of a bed at each sample of a score: its fades at both ends, ducking under the voice, and the
// swell with the breath.
type bedGain struct {
	length int
	quiet  float64 // dB
	voiced []interval
	breath []envelopeSegment

	db, factor float64 // the latest gain, which seldom changes
}

func newBedGain(score *routines.Score) *bedGain {
	g := &bedGain{length: score.Len, voiced: voiceIntervals(score.Cues), factor: 1}
	if score.Quiet {
		g.quiet = quietBed
	}
	if score.Bed.Swell {
		g.breath = breathEnvelope(score.Marks)
	}
	return g
}

// at returns the gain at a sample, as a factor.
func (g *bedGain) at(i int) float64 {
	fade := min(float64(i)/bedFadeIn, float64(g.length-i)/bedFadeOut, 1)
	if fade <= 0 {
		return 0
	}
	if db := g.quiet + duckGain(g.voiced, i) + envelopeGain(g.breath, i); db != g.db {
		g.db, g.factor = db, audio.GainFromDB(db)
	}
	if fade == 1 {
		return g.factor
	}
	return float64(math.Sin(math.Pi/2*fade) * g.factor)
}

// How a bed ducks under the voice. A bed that came back between the counts of each second would pump, so it stays down
// in short gaps.
const (
	duckDepth   = -14.0               // dB
	duckAttack  = audio.Rate / 5      // samples of the way down
	duckLead    = audio.Rate / 20     // samples before a word at which the bed is down
	duckRelease = audio.Rate * 7 / 10 // samples of the way back
	duckHold    = 2 * audio.Rate      // in gaps shorter than this the bed stays down
)

// interval is the samples of a score from one to before another.
type interval struct{ from, to int }

// voiceIntervals returns where the voice sounds, with gaps shorter than duckHold closed.
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

// duckGain returns the gain in dB at a sample. duckHold is longer than release, lead and attack together, so that the
// ramps of two intervals never overlap.
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

// How a bed swells with the breath.
const (
	swellInhale      = 4.0             // dB at the end of a breath in
	swellFirstInhale = 2.5             // dB at the end of the first of a double inhale
	swellExhale      = -4.0            // dB at the end of a breath out
	swellRelease     = 4 * audio.Rate  // samples back to 0 dB after the last breath
	swellMaxGap      = audio.Rate / 10 // between phases of the same breathing: words begin on their beats
)

// envelopeSegment is one segment of an envelope: from a gain in dB to another, over samples of the score. After the
// last segment the gain stays.
type envelopeSegment struct {
	at, length int
	from, to   float64
}

// breathEnvelope returns the swell for the breathing phases among marks, in the order of time. Each uninterrupted run
// of breaths has the mean power of the bed without them.
func breathEnvelope(marks []routines.Mark) []envelopeSegment {
	var list []envelopeSegment
	first, end := 0, 0 // of the current run: its first segment, and the end of its last phase
	gain := 0.0
	endRun := func() {
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
		default: // a phase of a movement
			continue
		}
		if m.At > end+swellMaxGap {
			endRun()
			if to == gain { // a hold outside of breathing
				continue
			}
		}
		list = append(list, envelopeSegment{m.At, m.Len, gain, to})
		gain, end = to, m.At+m.Len
	}
	endRun()
	return list
}

// nextPhase returns the first phase among marks, the zero Mark if there is none.
func nextPhase(marks []routines.Mark) routines.Mark {
	for _, m := range marks {
		if m.Kind == routines.PhaseMark {
			return m
		}
	}
	return routines.Mark{}
}

// normalizePower shifts consecutive segments in dB so that their mean power is that of 0 dB. The first one still begins
// where it did.
func normalizePower(segments []envelopeSegment) {
	sum, n := 0.0, 0
	for _, s := range segments {
		const points = 16
		for k := range points {
			sum += float64(float64(s.length) / points * audio.PowerFromDB(s.gainAt(s.at+s.length*k/points)))
		}
		n += s.length
	}
	excess := 10 * math.Log10(sum/float64(max(1, n)))
	for i := range segments {
		segments[i].to -= excess
		if i > 0 {
			segments[i].from -= excess
		}
	}
}

// gainAt returns the gain in dB at a sample that is not before the segment.
func (s envelopeSegment) gainAt(i int) float64 {
	x := 1.0
	if i < s.at+s.length {
		x = float64(i-s.at) / float64(s.length)
	}
	return s.from + float64((s.to-s.from)*raisedCosine(x))
}

// envelopeGain returns the gain in dB of an envelope at a sample, 0 before its first segment.
func envelopeGain(segments []envelopeSegment, i int) float64 {
	k := sort.Search(len(segments), func(k int) bool { return segments[k].at > i }) - 1
	if k < 0 {
		return 0
	}
	return segments[k].gainAt(i)
}

// raisedCosine eases from 0 to 1.
func raisedCosine(x float64) float64 { return 0.5 - 0.5*math.Cos(math.Pi*x) }

// smoothStep eases from 0 to 1: the cubic 3x² − 2x³.
func smoothStep(x float64) float64 { return x * x * (3 - 2*x) }
