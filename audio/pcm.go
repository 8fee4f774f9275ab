package audio

import (
	"encoding/binary"
	"fmt"
	"io"
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
		left, right := noise(place), noise(place+1)
		frame := uint32(uint16(toS16(src[i][0], left))) | uint32(uint16(toS16(src[i][1], right)))<<16
		binary.LittleEndian.PutUint32(dst[FrameBytes*i:], frame)
		place += 2
	}
}

// noise is triangular, from -1 to 1 step of 16 bits, in units of 2^-16 step: the sum of the two halves of a well-mixed
// integer.
func noise(place uint32) int32 {
	place ^= place >> 16
	place *= 0x7feb352d
	place ^= place >> 15
	place *= 0x846ca68b
	place ^= place >> 16
	return int32(place&0xffff) + int32(place>>16) - 0xffff
}

// toS16 adds noise to x and rounds. The scaling is exact and all that follows is of integers, so that there is nothing
// that a machine could fuse or round in a way of its own; a 32-bit ARM is not slowed down by it either.
func toS16(x float64, noise int32) int32 {
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

const (
	WAVHeaderBytes = 44
	MaxWAVFrames   = (math.MaxUint32 - WAVHeaderBytes) / FrameBytes // 6.2 hours
)

// WAVHeader begins a WAV file of so many frames.
func WAVHeader(frames int) []byte {
	size := uint32(frames) * FrameBytes
	b := append(make([]byte, 0, WAVHeaderBytes), "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, WAVHeaderBytes-8+size)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint32(b, Rate)
	b = binary.LittleEndian.AppendUint32(b, Rate*FrameBytes)
	b = binary.LittleEndian.AppendUint16(b, FrameBytes)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	return binary.LittleEndian.AppendUint32(b, size)
}

// WriteWAV writes src as a WAV file of exactly so many frames: what is longer is cut, what is shorter goes on in
// silence. It needs little memory and never seeks, so w may be a pipe. progress, where it is not nil, is told after
// each second of sound how many frames are done.
func WriteWAV(w io.Writer, src beep.Streamer, frames int, progress func(done int)) error {
	if frames < 0 || int64(frames) > MaxWAVFrames {
		return fmt.Errorf("a WAV file holds up to 6 hours of sound; %d frames do not fit", frames)
	}
	if _, err := w.Write(WAVHeader(frames)); err != nil {
		return fmt.Errorf("writing the WAV header: %w", err)
	}
	samples := make([][2]float64, min(frames, Rate))
	bytes := make([]byte, FrameBytes*len(samples))
	for done, drained := 0, false; done < frames; {
		samples = samples[:min(len(samples), frames-done)]
		n := 0
		if !drained {
			n, drained = Fill(src, samples)
		}
		clear(samples[n:])
		Encode(bytes, samples, done)
		if _, err := w.Write(bytes[:FrameBytes*len(samples)]); err != nil {
			return fmt.Errorf("writing the sound: %w", err)
		}
		if done += len(samples); progress != nil {
			progress(done)
		}
	}
	if err := src.Err(); err != nil {
		return fmt.Errorf("making the sound: %w", err)
	}
	return nil
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
