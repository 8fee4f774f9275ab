package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// unknownSize and everything above it is what programs put in the header when they write to a pipe and cannot go back,
// as 0 is: the sound goes on to the end of the file.
const unknownSize = 0x7FFF0000

// DecodeWAV reads a whole file as Decode does, and refuses every other kind.
func DecodeWAV(data []byte) ([]float64, int, error) {
	if _, err := findWAVSound(bytes.NewReader(data), int64(len(data))); err != nil {
		return nil, 0, err
	}
	return Decode(data)
}

// wavBlock is how many frames of a WAV file are decoded at a time.
const wavBlock = 1024

// openWAV decodes PCM of 8, 16, 24 or 32 bits or float of 32 or 64. A file that has less sound than its header says was
// cut short, perhaps within a word, and is an error, unless the header is wrong and not the file: where the whole file is
// as long as it says, the sound goes on to its end.
func (d *Decoder) openWAV(file *io.SectionReader) error {
	sound, err := findWAVSound(file, file.Size())
	if err != nil {
		return err
	}
	f, have := sound.format, file.Size()-sound.offset
	length := have
	if !sound.unknown() {
		if sound.size > have+int64(f.frameBytes()) && !sound.whole {
			return fmt.Errorf("the WAV file is cut short: it says %d bytes of sound and has %d", sound.size, have)
		}
		length = min(sound.size, have)
	}
	if d.Rate = f.Rate; length/int64(f.frameBytes()) > int64(d.maxSamples()) {
		return d.tooLong()
	}
	d.WAV = &WAVReader{Format: f, Frames: int(length / int64(f.frameBytes())), file: file, offset: sound.offset}
	d.frames = func() int { return d.WAV.Frames }
	rest := io.NewSectionReader(file, sound.offset, length)
	var raw, unread []byte // nil before the first block: who reads the header alone does not need them
	var block []float64
	d.next = func() ([]float64, error) {
		if len(unread) < f.frameBytes() {
			if raw == nil {
				frames := max(1, min(d.WAV.Frames, decoderBuffer/f.frameBytes()))
				raw = make([]byte, frames*f.frameBytes())
			}
			n, err := io.ReadFull(rest, raw)
			if n < f.frameBytes() { // an incomplete last frame is left out
				if err == io.ErrUnexpectedEOF {
					err = io.EOF
				}
				return nil, err
			}
			unread = raw[:n]
		}
		n := min(len(unread), wavBlock*f.frameBytes())
		block, unread = f.appendMono(block[:0], unread[:n]), unread[n:]
		return block, nil
	}
	return nil
}

// WAVReader reads a WAV file in pieces, so that a long recording is never in memory as a whole.
type WAVReader struct {
	Format WAVFormat
	Frames int

	file   io.ReaderAt
	offset int64 // of the first frame
	buf    []byte
	mono   []float64 // of EachMono
}

// OpenWAV reads the header of a file of so many bytes. A file that has less sound than its header says is as long as
// what it has: the recording program was killed.
func OpenWAV(file io.ReaderAt, size int64) (*WAVReader, error) {
	sound, err := findWAVSound(file, size)
	if err != nil {
		return nil, err
	}
	length := size - sound.offset
	if !sound.unknown() {
		length = min(length, sound.size)
	}
	return &WAVReader{Format: sound.format, Frames: int(length / int64(sound.format.frameBytes())), file: file, offset: sound.offset}, nil
}

// ReadMono fills samples with the mean of the channels, from frame at on, and with silence outside the file. It is for one
// goroutine at a time.
func (r *WAVReader) ReadMono(samples []float64, at int) error {
	clear(samples)
	from, to := min(max(at, 0), r.Frames), max(0, min(at+len(samples), r.Frames))
	if from >= to {
		return nil
	}
	b, err := r.read(from, to)
	if err == nil {
		r.Format.appendMono(samples[from-at:from-at], b)
	}
	return err
}

// EachMono hands take the mean of the channels of the frames from one to before another, which lie in the file, in pieces that
// are valid during the call and small enough for the processor's cache. The file is read once. It is for one goroutine at a
// time.
func (r *WAVReader) EachMono(from, to int, take func(samples []float64, at int)) error {
	b, err := r.read(from, to)
	if err != nil {
		return err
	}
	for size := wavBlock * r.Format.frameBytes(); len(b) > 0; {
		n := min(size, len(b))
		r.mono = r.Format.appendMono(r.mono[:0], b[:n])
		take(r.mono, from)
		b = b[n:]
		from += len(r.mono)
	}
	return nil
}

// read reads the frames from one to before another. The bytes are valid until the next call.
func (r *WAVReader) read(from, to int) ([]byte, error) {
	frame := r.Format.frameBytes()
	r.buf = slices.Grow(r.buf[:0], (to-from)*frame)
	b := r.buf[:(to-from)*frame]
	if n, err := r.file.ReadAt(b, r.offset+int64(from)*int64(frame)); n < len(b) {
		return nil, fmt.Errorf("reading the recording: %w", err)
	}
	return b, nil
}

// wavSound is the data chunk of a file: its format, its offset, and the size that the chunk claims, in bytes.
type wavSound struct {
	format       WAVFormat
	offset, size int64
	whole        bool // the file is as long as its first header says
}

// unknown reports whether the size is one of those that stand for "to the end of the file".
func (s wavSound) unknown() bool {
	return s.size == 0 || s.size >= unknownSize && s.size <= math.MaxUint32
}

// maxWAVChunks is how many chunks may stand before the sound: more than any program writes.
const maxWAVChunks = 1000

// findWAVSound walks the chunks of a file of so many bytes up to its data. RF64 is WAV with sizes of 64 bits in a chunk
// "ds64" (EBU Tech 3306).
func findWAVSound(file io.ReaderAt, size int64) (wavSound, error) {
	var head [12]byte
	if _, err := file.ReadAt(head[:], 0); err != nil || string(head[:4]) != "RIFF" && string(head[:4]) != "RF64" || string(head[8:]) != "WAVE" {
		return wavSound{}, errors.New("not a WAV file")
	}
	var sound wavSound
	claimed := int64(binary.LittleEndian.Uint32(head[4:])) + 8 - size
	sound.whole = claimed == 0 || claimed == 1 // the last byte of padding may be missing
	long := int64(0)                           // the size of the data in "ds64"
	at := int64(len(head))
	for range maxWAVChunks {
		var chunk [8]byte
		if _, err := file.ReadAt(chunk[:], at); err != nil && err != io.EOF || at+int64(len(chunk)) > size {
			break
		}
		at += int64(len(chunk))
		length := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch id := string(chunk[:4]); {
		case id == "data" && sound.format == WAVFormat{}:
			return wavSound{}, errors.New("the WAV file has no format before its sound")
		case id == "data":
			sound.offset, sound.size = at, length
			if long > 0 && length == math.MaxUint32 {
				sound.size = long
			}
			return sound, nil
		case length > size-at:
			return wavSound{}, errors.New("the WAV file has no sound in it")
		case id == "ds64" && length >= 16:
			var sizes [16]byte
			if _, err := file.ReadAt(sizes[:], at); err != nil {
				return wavSound{}, fmt.Errorf("reading the WAV header: %w", err)
			}
			long = int64(min(binary.LittleEndian.Uint64(sizes[8:]), math.MaxInt64/2))
		case id == "fmt ":
			b := make([]byte, min(length, 64))
			if _, err := file.ReadAt(b, at); err != nil && err != io.EOF {
				return wavSound{}, fmt.Errorf("reading the WAV header: %w", err)
			}
			var err error
			if sound.format, err = parseWAVFormat(b); err != nil {
				return wavSound{}, err
			}
		}
		if at += length; length%2 != 0 {
			at += wavPadding(file, at)
		}
	}
	return wavSound{}, errors.New("the WAV file has no sound in it")
}

// wavPadding returns how many bytes stand between a chunk of an odd size, which ends at an offset, and the next: one, but
// for programs that leave it out.
func wavPadding(file io.ReaderAt, at int64) int64 {
	var next [5]byte
	_, _ = file.ReadAt(next[:], at) // at the end of the file nothing follows
	if next[0] == 0 || slices.Contains([]string{"data", "fmt ", "LIST", "fact"}, string(next[1:])) {
		return 1
	}
	for _, c := range next[:4] {
		if c < ' ' || c > '~' {
			return 1
		}
	}
	return 0
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
	if tag == tagPCM { // such as 20 bits, which are stored in the high bits of 24
		f.Bits = (f.Bits + 7) / 8 * 8
	}
	known := tag == tagPCM && (f.Bits == 8 || f.Bits == 16 || f.Bits == 24 || f.Bits == 32) || f.Float && (f.Bits == 32 || f.Bits == 64)
	if !known {
		return WAVFormat{}, fmt.Errorf("a WAV file of kind %d with %d bits cannot be read; store it as 16-bit PCM, such as: ffmpeg -i FILE -c:a pcm_s16le NEW.wav", tag, f.Bits)
	}
	if f.Channels < 1 || f.Channels > 32 {
		return WAVFormat{}, fmt.Errorf("a WAV file with %d channels cannot be read", f.Channels)
	}
	return f, checkRate(f.Rate)
}

// appendMono appends the mean of the channels to list. An incomplete last frame is left out.
func (f WAVFormat) appendMono(list []float64, b []byte) []float64 {
	frame := f.frameBytes()
	n := len(b) / frame
	at := len(list)
	list = slices.Grow(list, n)[:at+n]
	out, b := list[at:], b[:n*frame]
	switch { // sums and means of integers of up to 32 bits are exact, so the order does not matter
	case f.Bits == 16 && f.Channels == 1:
		for i := range out {
			out[i] = float64(int16(binary.LittleEndian.Uint16(b[2*i:]))) * (1.0 / (1 << 15))
		}
	case f.Bits == 16 && f.Channels == 2:
		for i := range out {
			x := binary.LittleEndian.Uint32(b[4*i:])
			out[i] = float64(int32(int16(x))+int32(x)>>16) * (1.0 / (1 << 16))
		}
	case f.Bits == 24 && f.Channels == 2:
		for i := range out {
			x := b[6*i : 6*i+6]
			left, right := int32(uint32(x[0])<<8|uint32(x[1])<<16|uint32(x[2])<<24), int32(uint32(x[3])<<8|uint32(x[4])<<16|uint32(x[5])<<24)
			out[i] = (float64(left) + float64(right)) * (1.0 / (1 << 32))
		}
	default:
		for i := range out {
			sum := 0.0
			for c := range f.Channels {
				sum += f.decodeSample(b[c*f.Bits/8:])
			}
			out[i] = sum / float64(f.Channels)
			b = b[frame:]
		}
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
