package mix

import (
	"sort"

	"guided/audio"
	"guided/routines"
)

// How a bed makes room for the voice. A count each second would pump it up and down, so it stays down in short gaps.
const (
	duckDepth = -14.0               // dB
	duckDown  = audio.Rate / 5      // samples of the way down
	duckLead  = audio.Rate / 20     // it is down so long before the word
	duckUp    = audio.Rate * 7 / 10 // samples of the way back
	duckStay  = 2 * audio.Rate      // gaps shorter than this
)

// stretch is samples of a score, from one to before another.
type stretch struct{ from, to int }

// voiced is where the voice sounds, with the gaps in which a bed stays down.
func voiced(cues []routines.Cue) []stretch {
	var list []stretch
	for _, c := range cues {
		if c.Clip.Say == "" {
			continue
		}
		if last := len(list) - 1; last >= 0 && c.At < list[last].to+duckStay {
			list[last].to = max(list[last].to, c.At+c.Len)
			continue
		}
		list = append(list, stretch{c.At, c.At + c.Len})
	}
	return list
}

// ducked is the gain in dB that a voice leaves a bed at a sample. The ways down and back of two stretches never meet.
func ducked(voice []stretch, i int) float64 {
	const begin = duckLead + duckDown
	k := sort.Search(len(voice), func(k int) bool { return voice[k].from-begin > i }) - 1
	switch {
	case k < 0:
		return 0
	case i < voice[k].from-duckLead:
		return duckDepth * ease(float64(i-voice[k].from+begin)/duckDown)
	case i <= voice[k].to:
		return duckDepth
	case i < voice[k].to+duckUp:
		return duckDepth * ease(1-float64(i-voice[k].to)/duckUp)
	}
	return 0
}
