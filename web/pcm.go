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
