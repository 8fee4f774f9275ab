package mix

import "guided/routines"

// fade is the gain of the whole sound of a score: the cube of its volume, as in audio.VolumeGain.
type fade struct{ gain gainCurve }

// newFade returns the fade of a score, nil where it has none.
func newFade(score *routines.Score) *fade {
	if len(score.Fade) == 0 {
		return nil
	}
	return &fade{gainCurve{value: func(at int) float64 {
		v := score.Fade.Volume(at)
		return float64(v*v) * v
	}}}
}

// apply scales samples; at is the index of the first in the score.
func (f *fade) apply(samples [][2]float64, at int) {
	for len(samples) > 0 {
		part := samples[:min(len(samples), controlBlock-at%controlBlock)]
		if ramp := f.gain.ramp(at); ramp.from != 1 || ramp.step != 0 {
			for i := range part {
				gain := ramp.at(i)
				part[i][0] *= gain
				part[i][1] *= gain
			}
		}
		samples = samples[len(part):]
		at += len(part)
	}
}
