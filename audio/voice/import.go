package voice

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"guided/audio"
)

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
		if samples, err = extractWord(samples, of, take); err != nil {
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

const (
	silenceLevel     = -48.0                  // dB below the loudest 10 ms: quieter edges are silence
	maxNoiseFloor    = -36.0                  // dB: a recording made at home may have a room as loud as this around it
	noiseFloorMargin = 4.0                    // dB that a voice must stand out of the loudest moment of the room
	noiseFloorBlocks = 20                     // blocks without a word, in which the room is heard: longer than a soft consonant
	trimMargin       = audio.Rate * 15 / 1000 // kept before and after what is heard: soft consonants and breath
	levelBlock       = audio.Rate / 100
)

// trim cuts the silence, or the noise of the room, before and after what is heard.
func trim(samples []float64) []float64 {
	var blocks []float64
	for i := 0; i < len(samples); i += levelBlock {
		blocks = append(blocks, audio.MeanSquare(samples[i:min(i+levelBlock, len(samples))]))
	}
	limit := silenceThreshold(blocks)
	first, last := 0, len(blocks)-1
	for first < last && blocks[first] <= limit {
		first++
	}
	for last > first && blocks[last] <= limit {
		last--
	}
	return samples[max(0, first*levelBlock-trimMargin):min(len(samples), (last+1)*levelBlock+trimMargin)]
}

// silenceThreshold is the mean square up to which blocks are silence.
func silenceThreshold(blocks []float64) float64 {
	if len(blocks) == 0 {
		return 0
	}
	loudest := slices.Max(blocks)
	limit := loudest * audio.PowerRatio(silenceLevel)
	room := math.Inf(1)
	for i := 0; i+noiseFloorBlocks <= len(blocks); i++ {
		room = min(room, slices.Max(blocks[i:i+noiseFloorBlocks]))
	}
	if room <= loudest*audio.PowerRatio(maxNoiseFloor) {
		limit = max(limit, room*audio.PowerRatio(noiseFloorMargin))
	}
	return limit
}

// How quiet, in dB below the loudest 10 ms, and how long it must be for one word to be told from the next. A stop
// inside a word, as in "eight", is shorter.
const (
	pauseLevel  = -30.0
	minPauseLen = audio.Rate * 60 / 1000
)

// extractWord is the take-th of so many words, cut in the middle of the longest pauses between them.
func extractWord(samples []float64, of, take int) ([]float64, error) {
	if take < 1 || take > of {
		return nil, fmt.Errorf("there is no word %d of %d", take, of)
	}
	found := findPauses(samples)
	if len(found) < of-1 {
		return nil, fmt.Errorf("%d words were expected, and %d pauses heard", of, len(found))
	}
	sort.Slice(found, func(i, j int) bool { return found[i].end-found[i].start > found[j].end-found[j].start })
	found = found[:of-1]
	sort.Slice(found, func(i, j int) bool { return found[i].start < found[j].start })
	from, to := 0, len(samples)
	if take > 1 {
		from = (found[take-2].start + found[take-2].end) / 2
	}
	if take < of {
		to = (found[take-1].start + found[take-1].end) / 2
	}
	return samples[from:to], nil
}

// pause is quiet samples, from one to before another.
type pause struct{ start, end int }

// findPauses are the quiet places with sound before and after them.
func findPauses(samples []float64) []pause {
	var levels []float64
	loudest := 0.0
	for i := 0; i+levelBlock <= len(samples); i += levelBlock {
		levels = append(levels, audio.MeanSquare(samples[i:i+levelBlock]))
		loudest = math.Max(loudest, levels[len(levels)-1])
	}
	limit := loudest * audio.Gain(pauseLevel) * audio.Gain(pauseLevel)
	var found []pause
	for i := 0; i < len(levels); i++ {
		j := i
		for j < len(levels) && levels[j] <= limit {
			j++
		}
		if (j-i)*levelBlock >= minPauseLen && i > 0 && j < len(levels) {
			found = append(found, pause{i * levelBlock, j * levelBlock})
		}
		i = j
	}
	return found
}
