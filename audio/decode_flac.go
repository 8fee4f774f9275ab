package audio

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
)

// flacDecoder decodes a FLAC file frame by frame (RFC 9639). What stands between the metadata and the first frame is
// skipped, and after all announced samples whatever follows the last frame, such as the tag of another program.
type flacDecoder struct {
	in       *bufio.Reader
	rate     uint32
	bits     uint8
	channels int
	total    uint64 // samples that the header announces; 0: it does not know
	samples  uint64 // so far
	block    []float64
}

// maxFLACBits is what the library decodes: it refuses the frames of 32 bits, which RFC 9639 added, as ffmpeg 5 does.
const maxFLACBits = 24

// flacHeaderBytes is the longest header of a frame (RFC 9639, section 9.1).
const flacHeaderBytes = 16

func (d *Decoder) openFLAC(file io.Reader) error {
	in := bufio.NewReaderSize(file, decoderBuffer) // flac.New reads from it, and not from one of its own
	stream, err := flac.New(in)
	if err != nil {
		return fmt.Errorf("not a FLAC file: %w", err)
	}
	info := stream.Info
	d.Rate = int(info.SampleRate)
	if err := checkRate(d.Rate); err != nil {
		return err
	}
	if info.BitsPerSample < 4 || info.BitsPerSample > maxFLACBits {
		return fmt.Errorf("a FLAC file of %d bits cannot be read; store it with %d, such as: sox FILE -b %d NEW.flac", info.BitsPerSample, maxFLACBits, maxFLACBits)
	}
	if info.NSamples > uint64(d.maxSamples()) {
		return d.tooLong()
	}
	d.frames = func() int { return int(info.NSamples) }
	f := &flacDecoder{in: in, rate: info.SampleRate, bits: info.BitsPerSample, channels: int(info.NChannels), total: info.NSamples}
	f.skipToFrame()
	d.next = f.next
	return nil
}

func (f *flacDecoder) next() ([]float64, error) {
	complete := f.samples >= f.total
	if _, err := f.in.Peek(1); err == io.EOF && complete {
		return nil, io.EOF
	}
	if !f.atFrame() && complete {
		return nil, io.EOF
	}
	frame, err := f.decode()
	if err != nil {
		if complete && f.total > 0 {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("the FLAC file is damaged or cut short: %w", err)
	}
	scale := 1 / float64(int64(len(frame.Subframes))<<(frame.BitsPerSample-1))
	f.block = f.block[:0]
	for i := range frame.Subframes[0].Samples {
		sum := 0.0
		for _, channel := range frame.Subframes {
			sum += float64(channel.Samples[i])
		}
		f.block = append(f.block, clampFinite(sum*scale))
	}
	f.samples += uint64(len(f.block))
	return f.block, nil
}

// decode decodes the next frame, with the bits of the file where its own header leaves them out.
func (f *flacDecoder) decode() (*frame.Frame, error) {
	frame, err := frame.New(f.in)
	if err != nil {
		return nil, err
	}
	if frame.BitsPerSample == 0 {
		frame.BitsPerSample = f.bits
	}
	return frame, frame.Parse()
}

// atFrame reports whether the header of a frame of this file is next; its checksum makes a mistake rare.
func (f *flacDecoder) atFrame() bool {
	head, _ := f.in.Peek(flacHeaderBytes) // it is shorter at the end of the file
	if len(head) < 2 || head[0] != 0xFF || head[1]&0xFE != 0xF8 {
		return false
	}
	frame, err := frame.New(bytes.NewReader(head))
	return err == nil && frame.Channels.Count() == f.channels && (frame.SampleRate == 0 || frame.SampleRate == f.rate)
}

// skipToFrame skips what is no frame. Where there is none at all, nothing is left.
func (f *flacDecoder) skipToFrame() {
	for !f.atFrame() {
		rest, _ := f.in.Peek(max(1, f.in.Buffered()))
		if len(rest) == 0 {
			return
		}
		n := bytes.IndexByte(rest[1:], 0xFF) + 1
		if n == 0 {
			n = len(rest)
		}
		_, _ = f.in.Discard(n) // it is buffered
	}
}
