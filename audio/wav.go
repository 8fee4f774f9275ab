package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gopxl/beep/v2"
)

// UnknownSize and everything above it is what programs put in the header when they write to a pipe and cannot go back,
// as 0 is: the sound goes on to the end of the file.
const UnknownSize = 0x7FFF0000

// DecodeWAV reads PCM of 8, 16, 24 or 32 bits and float of 32 or 64. Sizes are not believed; a file that has less sound
// than it says was cut short, perhaps within a word.
func DecodeWAV(data []byte) ([]float64, int, error) {
	if len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE" {
		return nil, 0, errors.New("not a WAV file")
	}
	var format WAVFormat
	for rest := data[12:]; len(rest) >= 8; {
		name, size := string(rest[:4]), uint64(binary.LittleEndian.Uint32(rest[4:]))
		rest = rest[8:]
		if name == "data" {
			if format.Frame == 0 {
				return nil, 0, errors.New("the WAV file has no format before its sound")
			}
			if size > 0 && size < UnknownSize {
				if have := uint64(len(rest)); size > have+uint64(format.Frame) {
					return nil, 0, fmt.Errorf("the WAV file is cut short: it says %d bytes of sound and has %d", size, have)
				}
				rest = rest[:min(size, uint64(len(rest)))]
			}
			if len(rest)/format.Frame > maxSamples(format.Rate) {
				return nil, 0, errTooLong
			}
			return format.Samples(rest), format.Rate, nil
		}
		if size > uint64(len(rest)) {
			break
		}
		if name == "fmt " {
			var err error
			if format, err = ParseWAVFormat(rest[:size]); err != nil {
				return nil, 0, err
			}
		}
		rest = rest[min(size+size%2, uint64(len(rest))):]
	}
	return nil, 0, errors.New("the WAV file has no sound in it")
}

type WAVFormat struct {
	float    bool
	channels int
	Rate     int
	bits     int
	Frame    int // bytes of one sample of every channel
}

func ParseWAVFormat(b []byte) (WAVFormat, error) {
	if len(b) < 16 {
		return WAVFormat{}, errors.New("the WAV file's format is cut short")
	}
	tag := binary.LittleEndian.Uint16(b)
	if tag == 0xFFFE && len(b) >= 26 { // extensible: the tag begins the sub-format
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	f := WAVFormat{
		float:    tag == 3,
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		Rate:     int(binary.LittleEndian.Uint32(b[4:])),
		bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	known := tag == 1 && (f.bits == 8 || f.bits == 16 || f.bits == 24 || f.bits == 32) || f.float && (f.bits == 32 || f.bits == 64)
	if !known {
		return WAVFormat{}, fmt.Errorf("a WAV file of kind %d with %d bits cannot be read; store it as 16-bit PCM", tag, f.bits)
	}
	if f.channels < 1 || f.channels > 32 {
		return WAVFormat{}, fmt.Errorf("a WAV file with %d channels cannot be read", f.channels)
	}
	f.Frame = f.channels * f.bits / 8
	return f, checkRate(f.Rate)
}

// Samples is the mean of the channels; a last frame that is cut short is left out.
func (f WAVFormat) Samples(b []byte) []float64 {
	list := make([]float64, 0, len(b)/f.Frame)
	for ; len(b) >= f.Frame; b = b[f.Frame:] {
		sum := 0.0
		for c := range f.channels {
			sum += f.sample(b[c*f.bits/8:])
		}
		list = append(list, sum/float64(f.channels))
	}
	return list
}

func (f WAVFormat) sample(b []byte) float64 {
	switch {
	case f.float && f.bits == 32:
		return clampFinite(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	case f.float:
		return clampFinite(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case f.bits == 8:
		return (float64(b[0]) - 128) / 128
	case f.bits == 16:
		return float64(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
	case f.bits == 24:
		return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
	default:
		return float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31)
	}
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
