package audio

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/gopxl/beep/v2"
)

// FrameBytes is the bytes of one frame of 16-bit stereo.
const FrameBytes = 4

// Encode is the only way from samples to the bytes of an output, a file or a page: 16-bit stereo, little-endian,
// dithered. index is the number of src's first frame; the dither is a function of it, so any block size gives the same
// bytes. dst holds at least FrameBytes for each frame.
func Encode(dst []byte, src [][2]float64, index int) {
	dst = dst[:FrameBytes*len(src)]
	at := 2 * uint32(index)
	for i := range src {
		left, right := float64(src[i][0]*(1<<31)), float64(src[i][1]*(1<<31))
		l, r := ditherNoise(at), ditherNoise(at+1)
		if left > -safeFixed && left < safeFixed && right > -safeFixed && right < safeFixed {
			l, r = (int32(left)+l+1<<15)>>16, (int32(right)+r+1<<15)>>16
		} else {
			l, r = quantizeDithered(left, l), quantizeDithered(right, r)
		}
		binary.LittleEndian.PutUint32(dst[FrameBytes*i:], uint32(uint16(l))|uint32(r)<<16)
		at += 2
	}
}

// safeFixed is the level in steps of 2^-31 below which dither and rounding cannot leave 32 bits, nor the result its 16.
const safeFixed = 1<<31 - 1<<17

// ditherNoise returns noise of triangular distribution (TPDF), from −1 to 1 step of 16 bits, in units of 2^-16 step: the
// sum of the two halves of a hash of the index. The hash is lowbias32 (Wellons, "Prospecting for Hash Functions", 2018).
func ditherNoise(index uint32) int32 {
	index ^= index >> 16
	index *= 0x7feb352d
	index ^= index >> 15
	index *= 0x846ca68b
	index ^= index >> 16
	return int32(index&0xffff) + int32(index>>16) - 0xffff
}

// quantizeDithered adds noise to a level in steps of 2^-31 and rounds to 16 bits. The scaling was exact and all that
// follows is integer arithmetic, so every machine gives the same result, and a 32-bit ARM is fast.
func quantizeDithered(fixed float64, noise int32) int32 {
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

// ReadFull fills samples from src and reports whether src ended there, like io.ReadFull. A short block is not taken for the
// end: src is drained when it returns nothing, or false.
func ReadFull(src beep.Streamer, samples [][2]float64) (n int, drained bool) {
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

// RampLen is how long the fade at either end of every recording is, in samples: 3 ms.
const RampLen = Rate * 3 / 1000

// ClipQuantizer makes the recording of QuantizeClip block by block. Beside it, it needs the memory of both fades.
type ClipQuantizer struct {
	pcm        []int16
	head, tail []float64 // the first RampLen samples, and the last
}

// NewClipQuantizer returns a quantizer of about so many samples.
func NewClipQuantizer(samples int) *ClipQuantizer {
	return &ClipQuantizer{pcm: make([]int16, 0, samples)}
}

// Add takes the next samples, and leaves them as they are.
func (q *ClipQuantizer) Add(samples []float64) {
	q.head = append(q.head, samples[:min(len(samples), RampLen-len(q.head))]...)
	q.tail = append(q.tail, samples[max(0, len(samples)-RampLen):]...)
	q.tail = q.tail[:copy(q.tail, q.tail[max(0, len(q.tail)-RampLen):])]
	at := len(q.pcm)
	q.pcm = slices.Grow(q.pcm, len(samples))[:at+len(samples)]
	Quantize(q.pcm[at:], samples, 1)
}

// Clip returns the recording of all samples.
func (q *ClipQuantizer) Clip() []int16 {
	n := min(RampLen, len(q.pcm)/2)
	for i := range n {
		gain := fadeGain(i, n)
		q.pcm[i] = quantize(q.head[i] * gain)
		q.pcm[len(q.pcm)-1-i] = quantize(q.tail[len(q.tail)-1-i] * gain)
	}
	return slices.Clip(q.pcm)
}

// Quantize makes samples of 16 bits with a gain: it limits to ±1 and rounds. dst holds at least as many as samples.
func Quantize(dst []int16, samples []float64, gain float64) {
	dst = dst[:len(samples)]
	for i, x := range samples {
		dst[i] = quantize(gain * x)
	}
}

// quantize limits to ±1 and rounds to 16 bits, halves away from zero.
func quantize(x float64) int16 {
	switch {
	case x >= 1:
		return math.MaxInt16
	case x <= -1:
		return -math.MaxInt16
	}
	y := float64(x * math.MaxInt16)
	n := int32(y)
	rest := y - float64(n) // exact, as is its double: this rounds without a branch, which noise would mispredict
	return int16(n + int32(rest+rest))
}

// fadeGain returns the gain at a sample of a fade-in of n.
func fadeGain(i, n int) float64 { return 0.5 - 0.5*math.Cos(math.Pi*(float64(i)+0.5)/float64(n)) }

// QuantizeClip makes a recording of samples: it fades both ends over RampLen, in place, so that nothing clicks wherever the
// recording is placed, and rounds to 16 bits.
func QuantizeClip(samples []float64) []int16 {
	fadeEnds(samples)
	pcm := make([]int16, len(samples))
	Quantize(pcm, samples, 1)
	return pcm
}

func fadeEnds(samples []float64) {
	n := min(RampLen, len(samples)/2)
	for i := range n {
		gain := fadeGain(i, n)
		samples[i] *= gain
		samples[len(samples)-1-i] *= gain
	}
}

// FitLength returns pcm at the length that a score has planned for it: filled with silence, or cut after a fade of
// RampLen.
func FitLength(pcm []int16, n int) []int16 {
	if len(pcm) == n {
		return pcm
	}
	out := make([]int16, n)
	copy(out, pcm)
	if len(pcm) > n {
		FadeCut(out)
	}
	return out
}

// FadeCut fades the end of a recording that was cut, over RampLen, in place.
func FadeCut(pcm []int16) {
	for i := range min(RampLen, len(pcm)) {
		last := len(pcm) - 1 - i
		pcm[last] = int16(int(pcm[last]) * i / RampLen)
	}
}
