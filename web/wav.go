package web

import (
	"errors"
	"io"

	"guided/audio"
)

// wavBlock is how many frames of a WAV file are made at a time: 0.2 s.
const wavBlock = audio.Rate / 5

// wav is a performance as a WAV file that is made while it is read; every part of it can be had at once.
type wav struct {
	sound   *sound
	header  []byte
	size    int64
	at      int64
	samples [][2]float64
	made    []byte // a piece of the file
	madeAt  int64  // where it lies
}

var _ io.ReadSeeker = (*wav)(nil)

func newWAV(x *sound) *wav {
	header := wavHeader(uint32(x.frames()) * frameBytes)
	return &wav{sound: x, header: header, size: int64(len(header)) + int64(x.frames())*frameBytes}
}

// Seek goes to a byte, and makes nothing.
func (f *wav) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.size
	}
	if offset < 0 {
		return f.at, errors.New("a place before the beginning of the file")
	}
	f.at = offset
	return offset, nil
}

// Read makes what is read.
func (f *wav) Read(p []byte) (int, error) {
	if f.at >= f.size {
		return 0, io.EOF
	}
	if f.at < int64(len(f.header)) {
		n := copy(p, f.header[f.at:])
		f.at += int64(n)
		return n, nil
	}
	if f.at < f.madeAt || f.at >= f.madeAt+int64(len(f.made)) {
		if err := f.make(int((f.at - int64(len(f.header))) / frameBytes)); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.made[f.at-f.madeAt:])
	f.at += int64(n)
	return n, nil
}

// make makes the piece of the file that begins with a frame.
func (f *wav) make(frame int) error {
	if f.samples == nil {
		f.samples = make([][2]float64, wavBlock)
	}
	samples := f.samples[:min(wavBlock, f.sound.frames()-frame)]
	at := f.sound.from + frame
	if err := f.sound.fill(samples, at); err != nil {
		return err
	}
	f.made = append(f.made[:0], make([]byte, frameBytes*len(samples))...)
	audio.Encode(f.made, samples, at)
	f.madeAt = int64(len(f.header)) + int64(frame)*frameBytes
	return nil
}

// Close ends the making.
func (f *wav) Close() error {
	f.sound.close()
	return nil
}
