package voice

import (
	"math"

	"guided/audio"
	"guided/routines"
)

// Recording is one sound as it is kept and played: mono samples of 16 bits at Rate, and the beat of its first word.
// It is immutable.
type Recording struct {
	PCM  []int16
	Beat int
}

// Extent is what a score needs to know of it.
func (r Recording) Extent() routines.Extent { return routines.Extent{Len: len(r.PCM), Beat: r.Beat} }

// importSpeech makes a recording of what a speech program or a speaker gave: trimmed, at one loudness, its beat found.
func importSpeech(file []byte) (Recording, error) { return importWord(file, 0, 0) }

// importWord is importSpeech of one word of several with pauses between them; of is 0 for all that was said.
func importWord(file []byte, of, take int) (Recording, error) {
	samples, rate, err := audio.Decode(file)
	if err != nil {
		return Recording{}, err
	}
	samples = trim(audio.Resample(samples, rate))
	if of > 0 {
		if samples, err = cutWord(samples, of, take); err != nil {
			return Recording{}, err
		}
		samples = trim(samples)
	}
	if err := audio.LevelPhrase(samples); err != nil {
		return Recording{}, err
	}
	at := Beat(samples)
	return Recording{audio.Quantize(samples), at}, nil
}

// ImportSound makes a recording of a sound file as it is, its level untouched.
func ImportSound(file []byte) (Recording, error) {
	samples, rate, err := audio.Decode(file)
	if err != nil {
		return Recording{}, err
	}
	return Recording{PCM: audio.Quantize(audio.Resample(samples, rate))}, nil
}

// beatOf finds the beat of a recording as it will be played.
func beatOf(r Recording) int {
	samples := make([]float64, len(r.PCM))
	for i, x := range r.PCM {
		samples[i] = float64(x) / (math.MaxInt16 + 1)
	}
	return Beat(samples)
}
