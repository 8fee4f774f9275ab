package audio

import (
	"encoding/binary"
	"math"

	"github.com/gopxl/beep/v2"
)

// FrameBytes is one frame of 16-bit stereo.
const FrameBytes = 4

// Encode is the one way from samples to bytes: 16-bit stereo, little-endian, dithered. index is the number of
// src's first frame; the noise is a function of it, so any block size gives the same bytes. dst holds at least
// frameBytes for each frame.
func Encode(dst []byte, src [][2]float64, index int) {
	dst = dst[:FrameBytes*len(src)]
	place := 2 * uint32(index)
	for i := range src {
		left, right := ditherNoise(place), ditherNoise(place+1)
		frame := uint32(uint16(quantizeDithered(src[i][0], left))) | uint32(uint16(quantizeDithered(src[i][1], right)))<<16
		binary.LittleEndian.PutUint32(dst[FrameBytes*i:], frame)
		place += 2
	}
}

// ditherNoise is triangular, from -1 to 1 step of 16 bits, in units of 2^-16 step: the sum of the two halves of a well-mixed
// integer.
func ditherNoise(place uint32) int32 {
	place ^= place >> 16
	place *= 0x7feb352d
	place ^= place >> 15
	place *= 0x846ca68b
	place ^= place >> 16
	return int32(place&0xffff) + int32(place>>16) - 0xffff
}

// quantizeDithered adds noise to x and rounds. The scaling is exact and all that follows is of integers, so that there is nothing
// that a machine could fuse or round in a way of its own; a 32-bit ARM is not slowed down by it either.
func quantizeDithered(x float64, noise int32) int32 {
	fixed := float64(x * (1 << 31))
	if fixed > -1<<31 && fixed < 1<<31 {
		y := (int64(int32(fixed)) + int64(noise) + 1<<15) >> 16
		return int32(max(-math.MaxInt16, min(y, math.MaxInt16)))
	}
	switch {
	case fixed > 0:
		return math.MaxInt16
	case fixed < 0:
		return -math.MaxInt16
	}
	return 0 // not a number
}

// Fill fills samples from src, and tells whether that was its end. A streamer may return a short block only at its
// end, but one that does so earlier is heard out: it is drained when it gives nothing.
func Fill(src beep.Streamer, samples [][2]float64) (n int, drained bool) {
	for len(samples) > 0 {
		got, ok := src.Stream(samples)
		samples = samples[got:]
		n += got
		if !ok || got == 0 {
			return n, true
		}
	}
	return n, false
}

// FitLength is samples cut or filled with silence to a length that a score already counts on.
func FitLength(pcm []int16, n int) []int16 {
	if len(pcm) == n {
		return pcm
	}
	out := make([]int16, n)
	copy(out, pcm)
	for i := 0; len(pcm) > n && i < min(RampLen, n); i++ { // a cut ends in a ramp
		out[n-1-i] = int16(int(out[n-1-i]) * i / RampLen)
	}
	return out
}

// RampLen is how long the ramp at either end of every recording is, in samples.
const RampLen = Rate * 3 / 1000

// rampEdges makes a recording begin and end at zero, so that nothing clicks wherever it is placed.
func rampEdges(samples []float64) {
	n := min(RampLen, len(samples)/2)
	for i := range n {
		gain := 0.5 - 0.5*math.Cos(math.Pi*(float64(i)+0.5)/float64(n))
		samples[i] *= gain
		samples[len(samples)-1-i] *= gain
	}
}

// Quantize ramps the edges, in place, and rounds to 16 bits.
func Quantize(samples []float64) []int16 {
	rampEdges(samples)
	pcm := make([]int16, len(samples))
	for i, x := range samples {
		pcm[i] = int16(math.Round(max(-1, min(1, x)) * math.MaxInt16))
	}
	return pcm
}
