package mix

import (
	"math"
	"slices"

	"guided/audio"
	"guided/routines"
)

// How much softer a score of the quiet hours is.
const (
	quietVoice  = -6.0                 // dB
	quietSound  = -12.0                // dB, of tones, swells and sound files
	quietBed    = -6.0                 // dB
	quietAttack = audio.Rate * 6 / 100 // samples of fade-in on a struck tone, so that it does not startle
)

// cueGain is how a cue is played: a gain as a factor, and a fade-in in samples.
type cueGain struct {
	gain   float64
	attack int
}

// quietGains returns the gain of each cue of a score, nil where the score is not quiet.
func quietGains(score *routines.Score) []cueGain {
	if !score.Quiet {
		return nil
	}
	list := make([]cueGain, len(score.Cues))
	for i, c := range score.Cues {
		list[i].gain = audio.GainFromDB(quietSound)
		if c.Clip.Say != "" {
			list[i].gain = audio.GainFromDB(quietVoice)
		}
		if slices.Contains([]string{"bell", "bowl", "chime"}, c.Clip.Sound) {
			list[i].attack = quietAttack
		}
	}
	return list
}

// gainOf returns the gain of a cue by its index in the score.
func (r *Renderer) gainOf(cue int) cueGain {
	if r.gains == nil {
		return cueGain{gain: 1}
	}
	return r.gains[cue]
}

// addTo adds pcm to the left channel of samples. at is the index of pcm's first sample in its recording.
func (g cueGain) addTo(samples [][2]float64, pcm []int16, at int) {
	scale := g.gain / (math.MaxInt16 + 1)
	pcm = pcm[:len(samples)]
	attack := max(0, min(len(samples), g.attack-at))
	for i := range samples[:attack] {
		samples[i][0] += float64(float64(scale*float64(pcm[i])) * smoothStep(float64(at+i)/float64(g.attack)))
	}
	samples, pcm = samples[attack:], pcm[attack:]
	for i := range samples {
		samples[i][0] += float64(scale * float64(pcm[i]))
	}
}
