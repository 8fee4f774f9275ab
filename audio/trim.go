package audio

import "math"

const (
	silence   = -48.0            // dB below the loudest 10 ms: quieter edges are silence
	margin    = Rate * 15 / 1000 // kept before and after what is heard: soft consonants and breath
	edge      = Rate * 3 / 1000  // the ramp at either end of every recording
	trimBlock = Rate / 100
)

// trim cuts the silence before and after what is heard.
func trim(samples []float64) []float64 {
	var blocks []float64
	loudest := 0.0
	for i := 0; i < len(samples); i += trimBlock {
		b := meanSquare(samples[i:min(i+trimBlock, len(samples))])
		blocks = append(blocks, b)
		loudest = math.Max(loudest, b)
	}
	limit := loudest * decibels(silence) * decibels(silence)
	first, last := 0, len(blocks)-1
	for first < last && blocks[first] <= limit {
		first++
	}
	for last > first && blocks[last] <= limit {
		last--
	}
	return samples[max(0, first*trimBlock-margin):min(len(samples), (last+1)*trimBlock+margin)]
}

// rampEdges makes a recording begin and end at zero, so that nothing clicks wherever it is placed.
func rampEdges(samples []float64) {
	n := min(edge, len(samples)/2)
	for i := range n {
		gain := 0.5 - 0.5*math.Cos(math.Pi*(float64(i)+0.5)/float64(n))
		samples[i] *= gain
		samples[len(samples)-1-i] *= gain
	}
}
