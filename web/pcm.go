package web

import (
	"encoding/binary"
	"math"

	"guided/audio"
)

// frameBytes is one frame of 16-bit stereo.
const frameBytes = 4

// endless is the size in the header of a WAV file that goes on until somebody stops.
const endless = math.MaxUint32

// wavHeader begins a WAV file of so many bytes of sound.
func wavHeader(size uint32) []byte {
	b := append([]byte(nil), "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(min(uint64(size)+36, endless)))
	b = append(b, "WAVEfmt "...)
	for _, field := range []struct{ value, bytes uint32 }{{16, 4}, {1, 2}, {2, 2}, {audio.Rate, 4}, {audio.Rate * frameBytes, 4}, {frameBytes, 2}, {16, 2}} {
		b = binary.LittleEndian.AppendUint32(b, field.value)[:len(b)+int(field.bytes)]
	}
	b = append(b, "data"...)
	return binary.LittleEndian.AppendUint32(b, size)
}

// encode makes bytes of samples, the same that audio.WriteWAV makes of the same samples of a score: a test holds them
// together. index is the number of the first sample.
func encode(dst []byte, src [][2]float64, index int) {
	for i, frame := range src {
		for c, x := range frame {
			binary.LittleEndian.PutUint16(dst[frameBytes*i+2*c:], uint16(toS16(x, uint32(2*(index+i)+c))))
		}
	}
}

// toS16 is a sample in 16-bit steps, with the dither of its place: the sum of two uniform halves of a hash.
func toS16(x float64, place uint32) int32 {
	place = (place ^ place>>16) * 0x7feb352d
	place = (place ^ place>>15) * 0x846ca68b
	place ^= place >> 16
	noise := int64(place&0xffff) + int64(place>>16) - 0xffff
	wide := math.Max(-1<<31+1, math.Min(float64(x*(1<<31)), 1<<31-1))
	if wide != wide { // not a number
		return 0
	}
	return int32(max(-math.MaxInt16, min((int64(wide)+noise+1<<15)>>16, math.MaxInt16)))
}
