package voice

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"

	"guided/audio"
)

// maxSpeechSeconds is the longest speech that is normalised, which takes 46 MiB of memory for two minutes, and as much
// again while its peaks are limited.
const maxSpeechSeconds = 120

// Decode decodes a sound file as it is: its level and its silences stay, and its beat is not looked for.
func Decode(file []byte) (Recording, error) {
	return decodeFile(bytes.NewReader(file), int64(len(file)))
}

// decodeFile is Decode for a file of so many bytes, block by block.
func decodeFile(file io.ReaderAt, size int64) (Recording, error) {
	d, err := audio.NewDecoder(file, size)
	if err != nil {
		return Recording{}, err
	}
	q := audio.NewClipQuantizer(0)
	if err := d.Resampled(func(samples []float64) error {
		q.Add(samples)
		return nil
	}); err != nil {
		return Recording{}, err
	}
	return Recording{PCM: q.Clip()}, nil
}

// importSpeech decodes a sound file of speech and normalises it.
func importSpeech(file []byte, r Recipe) (Recording, error) {
	return importSpeechFile(bytes.NewReader(file), int64(len(file)), r)
}

// importSpeechFile is importSpeech for a file of so many bytes: the speech is trimmed, reduced to one word
// where the recipe selects one, brought to the loudness of a phrase, and its beat is found.
func importSpeechFile(file io.ReaderAt, size int64, r Recipe) (Recording, error) {
	d, err := audio.NewDecoder(file, size)
	if err != nil {
		return Recording{}, err
	}
	var samples []float64
	if err := d.Resampled(func(block []float64) error {
		if samples = append(samples, block...); len(samples) > maxSpeechSeconds*audio.Rate {
			return fmt.Errorf("the speech is longer than %d s; cut it into phrases", maxSpeechSeconds)
		}
		return nil
	}); err != nil {
		return Recording{}, err
	}
	samples = trim(samples)
	if r.Words > 0 {
		if samples, err = extractWord(samples, r.Words, r.Word); err != nil {
			return Recording{}, err
		}
		samples = trim(samples)
	}
	if err := audio.NormalizePhrase(samples); err != nil {
		return Recording{}, err
	}
	beat := FindBeat(samples) // before QuantizeClip, which ramps the edges of samples
	return Recording{audio.QuantizeClip(samples), beat}, nil
}

// floats returns samples of ±1.
func floats(pcm []int16) []float64 {
	samples := make([]float64, len(pcm))
	for i, x := range pcm {
		samples[i] = float64(x) / (math.MaxInt16 + 1)
	}
	return samples
}

// levelBlock is how many samples make one level: 10 ms.
const levelBlock = audio.Rate / 100

// blockLevels returns the mean square of each block of samples; the last block may be shorter.
func blockLevels(samples []float64) []float64 {
	levels := make([]float64, 0, len(samples)/levelBlock+1)
	for block := range slices.Chunk(samples, levelBlock) {
		levels = append(levels, audio.MeanSquare(block))
	}
	return levels
}

const (
	silenceLevel     = -48.0                  // dB relative to the loudest block: quieter edges are silence
	maxNoiseFloor    = -36.0                  // dB relative to the loudest block: what is louder is not taken for noise
	noiseFloorMargin = 4.0                    // dB by which speech must exceed the noise floor
	noiseFloorBlocks = 20                     // blocks over which the noise floor is measured: longer than a soft consonant
	trimMargin       = audio.Rate * 15 / 1000 // samples kept before and after the speech: soft consonants and breath
)

// trim removes the silence, or the background noise of a home recording, before and after the speech.
func trim(samples []float64) []float64 {
	levels := blockLevels(samples)
	threshold := silenceThreshold(levels)
	first, last := 0, len(levels)-1
	for first < last && levels[first] <= threshold {
		first++
	}
	for last > first && levels[last] <= threshold {
		last--
	}
	return samples[max(0, first*levelBlock-trimMargin):min(len(samples), (last+1)*levelBlock+trimMargin)]
}

// silenceThreshold returns the mean square up to which a block is silence. The noise floor is the loudest block of the
// quietest noiseFloorBlocks in a row.
func silenceThreshold(levels []float64) float64 {
	if len(levels) == 0 {
		return 0
	}
	loudest := slices.Max(levels)
	threshold := loudest * audio.PowerFromDB(silenceLevel)
	noiseFloor := math.Inf(1)
	for i := 0; i+noiseFloorBlocks <= len(levels); i++ {
		noiseFloor = min(noiseFloor, slices.Max(levels[i:i+noiseFloorBlocks]))
	}
	if noiseFloor <= loudest*audio.PowerFromDB(maxNoiseFloor) {
		threshold = max(threshold, noiseFloor*audio.PowerFromDB(noiseFloorMargin))
	}
	return threshold
}

// A pause separates two words where it is this quiet and this long. The silence before a stop consonant inside a word,
// as in "eight", is shorter.
const (
	pauseLevel  = -30.0                  // dB relative to the loudest block
	minPauseLen = audio.Rate * 60 / 1000 // samples
)

// extractWord returns one of several words, numbered from 1. It cuts in the middle of the longest pauses between them.
func extractWord(samples []float64, words, word int) ([]float64, error) {
	if word < 1 || word > words {
		return nil, fmt.Errorf("there is no word %d of %d", word, words)
	}
	pauses := findPauses(samples)
	if len(pauses) < words-1 {
		return nil, fmt.Errorf("%d words were expected, and %d pauses heard", words, len(pauses))
	}
	sort.Slice(pauses, func(i, j int) bool { return pauses[i].end-pauses[i].start > pauses[j].end-pauses[j].start })
	pauses = pauses[:words-1]
	sort.Slice(pauses, func(i, j int) bool { return pauses[i].start < pauses[j].start })
	start, end := 0, len(samples)
	if word > 1 {
		start = pauses[word-2].middle()
	}
	if word < words {
		end = pauses[word-1].middle()
	}
	return samples[start:end], nil
}

// pause is a range of samples; end is exclusive.
type pause struct{ start, end int }

func (p pause) middle() int { return (p.start + p.end) / 2 }

// findPauses returns the pauses that have sound before and after them.
func findPauses(samples []float64) []pause {
	levels := blockLevels(samples[:len(samples)-len(samples)%levelBlock])
	threshold := 0.0
	if len(levels) > 0 {
		threshold = slices.Max(levels) * audio.PowerFromDB(pauseLevel)
	}
	var pauses []pause
	for i := 0; i < len(levels); i++ {
		j := i
		for j < len(levels) && levels[j] <= threshold {
			j++
		}
		if (j-i)*levelBlock >= minPauseLen && i > 0 && j < len(levels) {
			pauses = append(pauses, pause{i * levelBlock, j * levelBlock})
		}
		i = j
	}
	return pauses
}
