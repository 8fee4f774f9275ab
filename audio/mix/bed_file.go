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

// loopFade is the longest crossfade from the end of a looped file into its beginning, in samples.
const loopFade = 8 * audio.Rate

// loopedSound is a bedSound that repeats mono samples.
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

// importBed makes a loop of bedLUFS from a sound file.
func importBed(file []byte) ([]int16, error) {
	samples, rate, err := audio.Decode(file)
	if err != nil {
		return nil, err
	}
	samples = crossfadeLoop(audio.Resample(samples, rate))
	loudness := audio.Loudness(samples)
	if loudness < audio.AbsoluteGate || math.IsNaN(loudness) {
		return nil, errors.New("the sound is silent")
	}
	gain := audio.GainFromDB(bedLUFS - loudness)
	pcm := make([]int16, len(samples))
	for i, x := range samples {
		pcm[i] = int16(math.Round(max(-1, min(1, gain*x)) * math.MaxInt16))
	}
	return pcm, nil
}

// crossfadeLoop mixes the end of samples into their beginning, at equal power, in place, and returns them without that
// end: they can be repeated without a seam.
func crossfadeLoop(samples []float64) []float64 {
	fade := min(loopFade, len(samples)/3)
	n := len(samples) - fade
	for i := range fade {
		sin, cos := math.Sincos(math.Pi / 2 * (float64(i) + 0.5) / float64(fade))
		samples[i] = float64(sin*samples[i]) + float64(cos*samples[n+i])
	}
	return samples[:n]
}

// bedClipKey is the key of a bed among Clips. Its length differs from that of the same file as a cue, which is played
// at its own level and not looped.
func bedClipKey(sound string) routines.Clip { return routines.Clip{Sound: sound, Len: -1} }

// bedCache holds the bed that was imported last: a score that is recompiled in a session keeps its bed.
type bedCache struct {
	mu  sync.Mutex
	sum [32]byte // SHA-256 of the file
	pcm []int16
}

// bedLoop returns the imported sound file that a score names as its bed, nil where it names none. A file that cannot be
// used is logged, and the bed is silent.
func (b *bankCache) bedLoop(score *routines.Score) []int16 {
	name := score.Bed.Sound
	if name == "" || slices.Contains(routines.BedNames(), name) {
		return nil
	}
	data, err := b.readFile(name)
	if err != nil {
		b.log.Error("the bed is silent", "file", name, "err", err)
		return nil
	}
	sum := sha256.Sum256(data)
	b.lastBed.mu.Lock()
	defer b.lastBed.mu.Unlock()
	if b.lastBed.sum == sum {
		return b.lastBed.pcm
	}
	pcm, err := importBed(data)
	if err != nil {
		b.log.Error("the bed is silent", "file", name, "err", err)
		return nil
	}
	b.lastBed.sum, b.lastBed.pcm = sum, pcm
	return pcm
}
