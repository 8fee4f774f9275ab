package web

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
)

// What a FLAC file is made of (RFC 9639): a stream info, tags, and frames of flacBlock samples, the last one shorter.
const (
	flacBlock    = 4096
	flacInfo     = 34 // bytes of the stream info
	flacTags     = 4  // kind of the block that holds the title
	flacMostTags = 1 << 16
)

// flacFile writes 16-bit stereo as a FLAC file. Every frame is coded with the fixed predictors: a voice and silence get
// to a third of their size, fast enough for a Pi.
type flacFile struct {
	w            io.WriteSeeker
	title        string
	sum          hash.Hash // of the sound
	frames, size int       // frames and samples written
	least, most  int       // bytes of a frame
	coder        flacCoder
}

func newFLAC(w io.WriteSeeker, title string) (*flacFile, error) {
	f := &flacFile{w: w, title: title, sum: md5.New(), coder: flacCoder{crc: newCRCTable()}}
	if _, err := w.Write(f.header()); err != nil {
		return nil, fmt.Errorf("beginning the FLAC file: %w", err)
	}
	return f, nil
}

// block adds up to flacBlock samples, as the bytes of a WAV file; only the last block may be shorter.
func (f *flacFile) block(bytes []byte) error {
	f.sum.Write(bytes)
	n := len(bytes) / frameBytes
	frame := f.coder.frame(bytes, f.frames)
	f.frames++
	f.size += n
	if f.least == 0 || len(frame) < f.least {
		f.least = len(frame)
	}
	f.most = max(f.most, len(frame))
	if _, err := f.w.Write(frame); err != nil {
		return fmt.Errorf("writing the FLAC file: %w", err)
	}
	return nil
}

// end fills in what is known only now.
func (f *flacFile) end() error {
	_, err := f.w.Seek(0, io.SeekStart)
	if err == nil {
		_, err = f.w.Write(f.header())
	}
	if err != nil {
		return fmt.Errorf("ending the FLAC file: %w", err)
	}
	return nil
}

// header is all that stands before the frames; its length does not change.
func (f *flacFile) header() []byte {
	const rate, channels, bits = 48_000, 2, 16
	b := append([]byte("fLaC"), 0, 0, 0, flacInfo)
	b = binary.BigEndian.AppendUint16(b, flacBlock)
	b = binary.BigEndian.AppendUint16(b, flacBlock)
	b = append(b, byte(f.least>>16), byte(f.least>>8), byte(f.least), byte(f.most>>16), byte(f.most>>8), byte(f.most))
	b = binary.BigEndian.AppendUint64(b, rate<<44|(channels-1)<<41|(bits-1)<<36|uint64(f.size))
	if f.size > 0 {
		b = f.sum.Sum(b)
	} else {
		b = append(b, make([]byte, md5.Size)...) // not known
	}
	tags := flacComment(f.title)
	b = append(b, 0x80|flacTags, byte(len(tags)>>16), byte(len(tags)>>8), byte(len(tags))) // 0x80: the last one
	return append(b, tags...)
}

// flacComment names the title, as Vorbis comments do.
func flacComment(title string) []byte {
	text := func(b []byte, s string) []byte {
		s = s[:min(len(s), flacMostTags)]
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	b := binary.LittleEndian.AppendUint32(text(nil, "guided"), 1)
	return text(b, "TITLE="+title)
}
