package mix

import (
	"crypto/sha256"
	"errors"
	"math"
	"slices"
	"sync"

	"guided/audio"
	"guided/routines"
)

// loopFade is how long the end of a sound file goes over into its beginning at most, in samples.
const loopFade = 8 * audio.Rate

// loopedSound is a sound that begins anew where it ends.
type loopedSound []int16

func (l loopedSound) fill(frames [][2]float64, at int) {
	at %= len(l)
	for i := range frames {
		x := float64(l[at]) / (math.MaxInt16 + 1)
		frames[i] = [2]float64{x, x}
		if at++; at == len(l) {
			at = 0
		}
	}
}

// importBed makes a bed of a sound file: its end goes over into its beginning, and it is as loud as a bed is.
func importBed(file []byte) ([]int16, error) {
	samples, rate, err := audio.Decode(file)
	if err != nil {
		return nil, err
	}
	samples = crossfadeLoop(audio.Resample(samples, rate))
	loud := audio.Loudness(samples)
	if loud < audio.AbsoluteGate || math.IsNaN(loud) {
		return nil, errors.New("the sound is silent")
	}
	gain := audio.Gain(bedLUFS - loud)
	pcm := make([]int16, len(samples))
	for i, x := range samples {
		pcm[i] = int16(math.Round(max(-1, min(1, gain*x)) * math.MaxInt16))
	}
	return pcm, nil
}

// crossfadeLoop is samples that can be repeated, shorter by the part that is under the beginning.
func crossfadeLoop(samples []float64) []float64 {
	fade := min(loopFade, len(samples)/3)
	n := len(samples) - fade
	for i := range fade {
		sin, cos := math.Sincos(math.Pi / 2 * (float64(i) + 0.5) / float64(fade))
		samples[i] = float64(sin*samples[i]) + float64(cos*samples[n+i])
	}
	return samples[:n]
}

// bedClipKey names a bed among the clips of a score: the same file may be heard as a sound too, as it is.
func bedClipKey(sound string) routines.Clip { return routines.Clip{Sound: sound, Len: -1} }

// bedCache is the bed that was made last: a score that is revised has the one it had.
type bedCache struct {
	mu  sync.Mutex
	sum [32]byte // of the file
	pcm []int16
}

// bedLoop is the sound file that a score's bed names, nil where it names none. One that cannot be had is silent, and logged.
func (v *bankCache) bedLoop(score *routines.Score) []int16 {
	name := score.Bed.Sound
	if name == "" || slices.Contains(routines.BedNames(), name) {
		return nil
	}
	data, err := v.readFile(name)
	if err != nil {
		v.log.Error("the bed is silent", "file", name, "err", err)
		return nil
	}
	sum := sha256.Sum256(data)
	v.lastBed.mu.Lock()
	defer v.lastBed.mu.Unlock()
	if v.lastBed.sum == sum {
		return v.lastBed.pcm
	}
	pcm, err := importBed(data)
	if err != nil {
		v.log.Error("the bed is silent", "file", name, "err", err)
		return nil
	}
	v.lastBed.sum, v.lastBed.pcm = sum, pcm
	return pcm
}
