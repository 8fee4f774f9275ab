package mix

import (
	"math"
	"slices"

	"guided/audio"
	"guided/routines"
)

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

// gain is that of a cue.
func (r *Renderer) gain(cue int) cueGain {
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
