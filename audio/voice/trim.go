package voice

import (
	"guided/audio"
	"math"
	"slices"
)

const (
	silence   = -48.0                  // dB below the loudest 10 ms: quieter edges are silence
	loudRoom  = -36.0                  // dB: a recording made at home may have a room as loud as this around it
	overRoom  = 4.0                    // dB that a voice must stand out of the loudest moment of the room
	roomTone  = 20                     // blocks without a word, in which the room is heard: longer than a soft consonant
	margin    = audio.Rate * 15 / 1000 // kept before and after what is heard: soft consonants and breath
	trimBlock = audio.Rate / 100
)

// trim cuts the silence, or the noise of the room, before and after what is heard.
func trim(samples []float64) []float64 {
	var blocks []float64
	for i := 0; i < len(samples); i += trimBlock {
		blocks = append(blocks, audio.MeanSquare(samples[i:min(i+trimBlock, len(samples))]))
	}
	limit := silenceIn(blocks)
	first, last := 0, len(blocks)-1
	for first < last && blocks[first] <= limit {
		first++
	}
	for last > first && blocks[last] <= limit {
		last--
	}
	return samples[max(0, first*trimBlock-margin):min(len(samples), (last+1)*trimBlock+margin)]
}

// silenceIn is the mean square up to which blocks are silence.
func silenceIn(blocks []float64) float64 {
	if len(blocks) == 0 {
		return 0
	}
	loudest := slices.Max(blocks)
	limit := loudest * audio.PowerRatio(silence)
	room := math.Inf(1)
	for i := 0; i+roomTone <= len(blocks); i++ {
		room = min(room, slices.Max(blocks[i:i+roomTone]))
	}
	if room <= loudest*audio.PowerRatio(loudRoom) {
		limit = max(limit, room*audio.PowerRatio(overRoom))
	}
	return limit
}
