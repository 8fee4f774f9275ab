package audiotest

import (
	"encoding/binary"
	"math"
)

// WAVHeader is the header of a WAV file, correct or not.
type WAVHeader struct {
	Tag, Channels, Bits uint16
	Rate                uint32
	Frame               uint16 // bytes of a frame
	Size                uint32 // of the data chunk
	Before              []byte // chunks between format and data
}

// NewWAVHeader returns a header of its arguments in the order of the fields.
func NewWAVHeader(tag, channels, bits uint16, rate uint32, frame uint16, size uint32, before []byte) WAVHeader {
	return WAVHeader{tag, channels, bits, rate, frame, size, before}
}

// MonoHeader returns the correct header of 16-bit mono with size bytes of data.
func MonoHeader(rate, size int) WAVHeader {
	return WAVHeader{Tag: 1, Channels: 1, Bits: 16, Rate: uint32(rate), Frame: 2, Size: uint32(size)}
}

// File returns the header followed by data.
func (h WAVHeader) File(data []byte) []byte {
	b := []byte("RIFF")
	u16 := func(v uint16) { b = binary.LittleEndian.AppendUint16(b, v) }
	u32 := func(v uint32) { b = binary.LittleEndian.AppendUint32(b, v) }
	u32(h.Size + 36)
	b = append(b, "WAVEfmt "...)
	u32(16)
	u16(h.Tag)
	u16(h.Channels)
	u32(h.Rate)
	u32(h.Rate * uint32(h.Frame))
	u16(h.Frame)
	u16(h.Bits)
	b = append(b, h.Before...)
	b = append(b, "data"...)
	u32(h.Size)
	return append(b, data...)
}

// WAVFile returns samples of ±1 as a correct file of 16-bit mono.
func WAVFile(rate int, samples []float64) []byte {
	var b []byte
	for _, x := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(math.Round(x*32767))))
	}
	return MonoHeader(rate, len(b)).File(b)
}
