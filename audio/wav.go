package audio

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sync"

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

// RangeFrames is how many frames WriteWAVRanges asks for at a time: a second and a third. It is a multiple of the interval
// at which the beds of package mix begin anew, so that a range needs no sound from before it.
const RangeFrames = 1 << 16

// RangeEncoder fills dst with the frames of a sound from an index on, as Encode makes them.
type RangeEncoder func(dst []byte, at int) error

// WriteWAV writes exactly so many frames of src as a WAV file: a longer source is cut, a shorter one is followed by
// silence. Otherwise it is WriteWAVRanges.
func WriteWAV(w io.Writer, src beep.Streamer, frames int, progress func(done int)) error {
	samples := make([][2]float64, Rate/10)
	drained := false
	encode := func(dst []byte, at int) error { // the ranges of one encoder come in order
		for len(dst) > 0 {
			part := samples[:min(len(samples), len(dst)/FrameBytes)]
			n := 0
			if !drained {
				n, drained = ReadFull(src, part)
			}
			clear(part[n:])
			Encode(dst, part, at)
			dst = dst[FrameBytes*len(part):]
			at += len(part)
		}
		return src.Err()
	}
	return WriteWAVRanges(w, []RangeEncoder{encode}, frames, progress)
}

// WriteWAVRanges writes a WAV file of so many frames, in ranges of RangeFrames that its encoders make at the same time, each
// on a goroutine of its own. Their number does not change the bytes. It never seeks, so w may be a pipe, and holds one range
// more than there are encoders. progress, where it is not nil, is called with the frames that are written.
func WriteWAVRanges(w io.Writer, encoders []RangeEncoder, frames int, progress func(done int)) error {
	if frames < 0 || int64(frames) > MaxWAVFrames {
		return fmt.Errorf("a WAV file holds up to 6 hours of sound; %d frames do not fit", frames)
	}
	if _, err := w.Write(WAVHeader(frames)); err != nil {
		return fmt.Errorf("writing the WAV header: %w", err)
	}
	ranges := make([]wavRange, len(encoders)+1)
	work := make(chan *wavRange, len(ranges))
	var workers sync.WaitGroup
	for _, encode := range encoders {
		workers.Go(func() {
			for r := range work {
				r.encoded <- encode(r.bytes, r.at)
			}
		})
	}
	defer workers.Wait()
	defer close(work)
	next := 0
	begin := func(r *wavRange) {
		n := min(RangeFrames, frames-next)
		if n == 0 {
			return
		}
		r.at, r.bytes = next, r.buffer(n)
		next += n
		work <- r
	}
	for i := range ranges {
		ranges[i].encoded = make(chan error, 1)
		begin(&ranges[i])
	}
	for i, done := 0, 0; done < frames; i = (i + 1) % len(ranges) {
		r := &ranges[i]
		if err := <-r.encoded; err != nil {
			return fmt.Errorf("making the sound: %w", err)
		}
		if _, err := w.Write(r.bytes); err != nil {
			return fmt.Errorf("writing the sound: %w", err)
		}
		if done += len(r.bytes) / FrameBytes; progress != nil {
			progress(done)
		}
		begin(r)
	}
	return nil
}

// wavRange is a range of a file that is being made. Its memory is used again.
type wavRange struct {
	at      int // its first frame
	bytes   []byte
	encoded chan error // capacity 1: it is made
}

// buffer returns the range's memory for so many frames.
func (r *wavRange) buffer(frames int) []byte {
	if n := FrameBytes * frames; n > cap(r.bytes) {
		return make([]byte, n)
	}
	return r.bytes[:FrameBytes*frames]
}
