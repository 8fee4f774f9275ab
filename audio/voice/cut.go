package voice

import (
	"fmt"
	"guided/audio"
	"math"
	"sort"
)

// How quiet, in dB below the loudest 10 ms, and how long it must be for one word to be told from the next. A stop
// inside a word, as in "eight", is shorter.
const (
	pauseLevel    = -30.0
	shortestPause = audio.Rate * 60 / 1000
)

// cutWord is the take-th of so many words, cut in the middle of the longest pauses between them.
func cutWord(samples []float64, of, take int) ([]float64, error) {
	if take < 1 || take > of {
		return nil, fmt.Errorf("there is no word %d of %d", take, of)
	}
	found := pauses(samples)
	if len(found) < of-1 {
		return nil, fmt.Errorf("%d words were expected, and %d pauses heard", of, len(found))
	}
	sort.Slice(found, func(i, j int) bool { return found[i].to-found[i].from > found[j].to-found[j].from })
	found = found[:of-1]
	sort.Slice(found, func(i, j int) bool { return found[i].from < found[j].from })
	from, to := 0, len(samples)
	if take > 1 {
		from = (found[take-2].from + found[take-2].to) / 2
	}
	if take < of {
		to = (found[take-1].from + found[take-1].to) / 2
	}
	return samples[from:to], nil
}

// gap is quiet samples, from one to before another.
type gap struct{ from, to int }

// pauses are the quiet places with sound before and after them.
func pauses(samples []float64) []gap {
	var levels []float64
	loudest := 0.0
	for i := 0; i+trimBlock <= len(samples); i += trimBlock {
		levels = append(levels, audio.MeanSquare(samples[i:i+trimBlock]))
		loudest = math.Max(loudest, levels[len(levels)-1])
	}
	limit := loudest * audio.Gain(pauseLevel) * audio.Gain(pauseLevel)
	var found []gap
	for i := 0; i < len(levels); i++ {
		j := i
		for j < len(levels) && levels[j] <= limit {
			j++
		}
		if (j-i)*trimBlock >= shortestPause && i > 0 && j < len(levels) {
			found = append(found, gap{i * trimBlock, j * trimBlock})
		}
		i = j
	}
	return found
}
