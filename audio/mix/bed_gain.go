package mix

import (
	"math"
	"sort"

	"guided/audio"
	"guided/routines"
)

// bedGain is how loud a bed is at each sample of a score: its fades, the voice it makes room for, and the breath.
type bedGain struct {
	length int
	quiet  float64 // dB
	voice  []stretch
	breath []bend
}

func newBedGain(score *routines.Score) *bedGain {
	g := &bedGain{length: score.Len, voice: voiced(score.Cues)}
	if score.Quiet {
		g.quiet = quietBed
	}
	if score.Bed.Swell {
		g.breath = breathing(score.Marks)
	}
	return g
}

// at is the gain at a sample, as a factor.
func (g *bedGain) at(i int) float64 {
	fade := min(float64(i)/fadeIn, float64(g.length-i)/fadeOut, 1)
	if fade <= 0 {
		return 0
	}
	return float64(math.Sin(math.Pi/2*fade) * audio.Gain(g.quiet+ducked(g.voice, i)+bent(g.breath, i)))
}

// bend is a way from one gain in dB to another between two samples; after it the gain stays.
type bend struct {
	at, n    int
	from, to float64
}

// How a bed goes with the breath.
const (
	breathIn   = 4.0             // dB at the end of a breath in
	breathMore = 2.5             // dB before a second one
	breathOut  = -4.0            // dB at the end of a breath out
	breathRest = 4 * audio.Rate  // in which it comes to rest where no breath goes on
	breathGap  = audio.Rate / 10 // from one phase to the next of the same breathing: words begin on their beats
)

// breathing is the bends of a score's breaths. Each stretch of breaths is as loud as the bed is without them.
func breathing(marks []routines.Mark) []bend {
	var list []bend
	first, end := 0, 0 // of the stretch that goes on: its first bend, the end of its last phase
	gain := 0.0
	rest := func() {
		if first < len(list) {
			even(list[first:])
			list = append(list, bend{end, breathRest, list[len(list)-1].to, 0})
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
			to = breathIn
			if next := nextPhase(marks[i+1:]); next.Name == "again" && next.At <= m.At+m.Len+breathGap {
				to = breathMore
			}
		case "again":
			to = breathIn
		case "out":
			to = breathOut
		case "hold", "wait":
		default: // a movement
			continue
		}
		if m.At > end+breathGap {
			rest()
			if to == gain { // a hold of a movement
				continue
			}
		}
		list = append(list, bend{m.At, m.Len, gain, to})
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

// even lowers bends that follow each other so that their mean power is that of no bend; the first begins where it did.
func even(bends []bend) {
	sum, n := 0.0, 0
	for _, b := range bends {
		const points = 16
		for k := range points {
			sum += float64(float64(b.n) / points * audio.PowerRatio(b.gain(b.at+b.n*k/points)))
		}
		n += b.n
	}
	over := 10 * math.Log10(sum/float64(max(1, n)))
	for i := range bends {
		bends[i].to -= over
		if i > 0 {
			bends[i].from -= over
		}
	}
}

// gain is the gain in dB from its begin on.
func (b bend) gain(i int) float64 {
	x := 1.0
	if i < b.at+b.n {
		x = float64(i-b.at) / float64(b.n)
	}
	return b.from + float64((b.to-b.from)*ease(x))
}

// bent is the gain in dB that bends give at a sample.
func bent(bends []bend, i int) float64 {
	k := sort.Search(len(bends), func(k int) bool { return bends[k].at > i }) - 1
	if k < 0 {
		return 0
	}
	return bends[k].gain(i)
}

// ease goes from 0 to 1 as a raised cosine.
func ease(x float64) float64 { return 0.5 - 0.5*math.Cos(math.Pi*x) }
