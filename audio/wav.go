package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gopxl/beep/v2"
)

// Reading and writing of WAV files: RIFF chunks of a format and of data (Microsoft and IBM, "Multimedia Programming
// Interface and Data Specifications 1.0", 1991).

// WAVHeaderBytes is the length of a header without extra chunks.
const WAVHeaderBytes = 44

// MaxWAVFrames is how many frames of 16-bit stereo a WAV file holds: 6.2 hours.
const MaxWAVFrames = (math.MaxUint32 - WAVHeaderBytes) / FrameBytes

// UnknownFrames is the length of a file that is written to a pipe: its header says the largest size there is.
const UnknownFrames = -1

// The tags of a format chunk.
const (
	tagPCM        = 1
	tagFloat      = 3
	tagExtensible = 0xFFFE
)

// unknownSize and everything above it is what programs put in the header when they write to a pipe and cannot go back,
// as 0 is: the sound goes on to the end of the file.
const unknownSize = 0x7FFF0000

// WAVFormat is how the samples of a WAV file are stored: interleaved, little-endian, signed integers, unsigned ones of
// 8 bits, or IEEE floats.
type WAVFormat struct {
	Channels int
	Rate     int // frames a second
	Bits     int // of one sample
	Float    bool
}

// WAVChunk is a chunk of a program's own, such as metadata. ID has four characters.
type WAVChunk struct {
	ID   string
	Data []byte
}

// WAVHeader returns the header of a file of 16-bit stereo at Rate, as Encode makes it; frames may be UnknownFrames.
func WAVHeader(frames int) []byte {
	return WAVFormat{Channels: 2, Rate: Rate, Bits: 16}.Header(frames)
}

// Header returns all of a file that comes before its samples. frames may be UnknownFrames. chunks lie between the format
// and the data; without them the header has WAVHeaderBytes.
func (f WAVFormat) Header(frames int, chunks ...WAVChunk) []byte {
	tag := uint16(tagPCM)
	if f.Float {
		tag = tagFloat
	}
	b := append(make([]byte, 0, WAVHeaderBytes), "RIFF\x00\x00\x00\x00WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, tag)
	b = binary.LittleEndian.AppendUint16(b, uint16(f.Channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate*f.frameBytes()))
	b = binary.LittleEndian.AppendUint16(b, uint16(f.frameBytes()))
	b = binary.LittleEndian.AppendUint16(b, uint16(f.Bits))
	for _, c := range chunks {
		b = append(b, c.ID...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(c.Data)))
		b = append(append(b, c.Data...), make([]byte, len(c.Data)%2)...)
	}
	b = append(b, "data"...)
	size, rest := uint32(math.MaxUint32), uint32(math.MaxUint32)
	if frames != UnknownFrames {
		size = uint32(frames) * uint32(f.frameBytes())
		rest = uint32(len(b)+4-8) + size
	}
	binary.LittleEndian.PutUint32(b[4:], rest)
	return binary.LittleEndian.AppendUint32(b, size)
}

// frameBytes is the bytes of one sample of every channel.
func (f WAVFormat) frameBytes() int { return f.Channels * f.Bits / 8 }

// WriteWAV writes exactly so many frames of src as a WAV file: a longer source is cut, a shorter one is followed by
// silence. It needs little memory and never seeks, so w may be a pipe. progress, where it is not nil, is called after
// each second of sound with the frames that are done.
func WriteWAV(w io.Writer, src beep.Streamer, frames int, progress func(done int)) error {
	if frames < 0 || int64(frames) > MaxWAVFrames {
		return fmt.Errorf("a WAV file holds up to 6 hours of sound; %d frames do not fit", frames)
	}
	if _, err := w.Write(WAVHeader(frames)); err != nil {
		return fmt.Errorf("writing the WAV header: %w", err)
	}
	samples := make([][2]float64, min(frames, Rate))
	encoded := make([]byte, FrameBytes*len(samples))
	for done, drained := 0, false; done < frames; {
		samples = samples[:min(len(samples), frames-done)]
		n := 0
		if !drained {
			n, drained = ReadFull(src, samples)
		}
		clear(samples[n:])
		Encode(encoded, samples, done)
		if _, err := w.Write(encoded[:FrameBytes*len(samples)]); err != nil {
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

// DecodeWAV reads a whole file of PCM of 8, 16, 24 or 32 bits or float of 32 or 64 as mono samples of ±1 and their
// rate. A file that has less sound than its header says was cut short, perhaps within a word, and is an error.
func DecodeWAV(data []byte) ([]float64, int, error) {
	sound, err := findWAVSound(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, 0, err
	}
	f, rest := sound.format, data[sound.offset:]
	if sound.size > 0 && sound.size < unknownSize {
		have := int64(len(rest))
		if sound.size > have+int64(f.frameBytes()) {
			return nil, 0, fmt.Errorf("the WAV file is cut short: it says %d bytes of sound and has %d", sound.size, have)
		}
		rest = rest[:min(sound.size, have)]
	}
	if len(rest)/f.frameBytes() > maxSamples(f.Rate) {
		return nil, 0, errTooLong
	}
	return f.decodeMono(rest), f.Rate, nil
}

// WAVReader reads a WAV file in pieces, so that a long recording is never in memory as a whole.
type WAVReader struct {
	Format WAVFormat
	Frames int

	file   io.ReaderAt
	offset int64 // of the first frame
}

// OpenWAV reads the header of a file of so many bytes. A file that has less sound than its header says is as long as
// what it has: the recording program was killed.
func OpenWAV(file io.ReaderAt, size int64) (*WAVReader, error) {
	sound, err := findWAVSound(file, size)
	if err != nil {
		return nil, err
	}
	length := size - sound.offset
	if sound.size > 0 && sound.size < unknownSize {
		length = min(length, sound.size)
	}
	return &WAVReader{sound.format, int(length / int64(sound.format.frameBytes())), file, sound.offset}, nil
}

// ReadMono fills samples with the mean of the channels, from frame at on, and with silence outside the file.
func (r *WAVReader) ReadMono(samples []float64, at int) error {
	clear(samples)
	from, to := min(max(at, 0), r.Frames), max(0, min(at+len(samples), r.Frames))
	if from >= to {
		return nil
	}
	frame := r.Format.frameBytes()
	b := make([]byte, (to-from)*frame)
	if n, err := r.file.ReadAt(b, r.offset+int64(from)*int64(frame)); n < len(b) {
		return fmt.Errorf("reading the recording: %w", err)
	}
	copy(samples[from-at:], r.Format.decodeMono(b))
	return nil
}

// wavSound is the data chunk of a file: its format, its offset, and the size that the chunk claims, in bytes.
type wavSound struct {
	format       WAVFormat
	offset, size int64
}

// findWAVSound walks the chunks of a file of so many bytes up to its data.
func findWAVSound(file io.ReaderAt, size int64) (wavSound, error) {
	var head [12]byte
	if _, err := file.ReadAt(head[:], 0); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return wavSound{}, errors.New("not a WAV file")
	}
	var sound wavSound
	for at := int64(len(head)); ; {
		var chunk [8]byte
		if _, err := file.ReadAt(chunk[:], at); err != nil {
			return wavSound{}, errors.New("the WAV file has no sound in it")
		}
		at += int64(len(chunk))
		length := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch id := string(chunk[:4]); {
		case id == "data" && sound.format == WAVFormat{}:
			return wavSound{}, errors.New("the WAV file has no format before its sound")
		case id == "data":
			sound.offset, sound.size = at, length
			return sound, nil
		case length > size-at:
			return wavSound{}, errors.New("the WAV file has no sound in it")
		case id == "fmt ":
			b := make([]byte, min(length, 64))
			if _, err := file.ReadAt(b, at); err != nil {
				return wavSound{}, fmt.Errorf("reading the WAV header: %w", err)
			}
			var err error
			if sound.format, err = parseWAVFormat(b); err != nil {
				return wavSound{}, err
			}
		}
		at += length + length%2
	}
}

// parseWAVFormat reads the content of a format chunk.
func parseWAVFormat(b []byte) (WAVFormat, error) {
	if len(b) < 16 {
		return WAVFormat{}, errors.New("the WAV file's format is cut short")
	}
	tag := binary.LittleEndian.Uint16(b)
	if tag == tagExtensible && len(b) >= 26 { // the tag proper begins the sub-format
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	f := WAVFormat{
		Float:    tag == tagFloat,
		Channels: int(binary.LittleEndian.Uint16(b[2:])),
		Rate:     int(binary.LittleEndian.Uint32(b[4:])),
		Bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	known := tag == tagPCM && (f.Bits == 8 || f.Bits == 16 || f.Bits == 24 || f.Bits == 32) || f.Float && (f.Bits == 32 || f.Bits == 64)
	if !known {
		return WAVFormat{}, fmt.Errorf("a WAV file of kind %d with %d bits cannot be read; store it as 16-bit PCM", tag, f.Bits)
	}
	if f.Channels < 1 || f.Channels > 32 {
		return WAVFormat{}, fmt.Errorf("a WAV file with %d channels cannot be read", f.Channels)
	}
	return f, checkRate(f.Rate)
}

// decodeMono returns the mean of the channels. An incomplete last frame is left out.
func (f WAVFormat) decodeMono(b []byte) []float64 {
	frame := f.frameBytes()
	list := make([]float64, 0, len(b)/frame)
	for ; len(b) >= frame; b = b[frame:] {
		sum := 0.0
		for c := range f.Channels {
			sum += f.decodeSample(b[c*f.Bits/8:])
		}
		list = append(list, sum/float64(f.Channels))
	}
	return list
}

func (f WAVFormat) decodeSample(b []byte) float64 {
	switch {
	case f.Float && f.Bits == 32:
		return clampFinite(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	case f.Float:
		return clampFinite(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case f.Bits == 8:
		return (float64(b[0]) - 128) / 128
	case f.Bits == 16:
		return float64(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
	case f.Bits == 24:
		return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
	default:
		return float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31)
	}
}
