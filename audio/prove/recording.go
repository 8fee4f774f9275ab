package prove

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"guided/audio"
)

// recording is a WAV file that is read in pieces: a long recording never lies in memory.
type recording struct {
	file   io.ReaderAt
	format audio.WAVFormat
	from   int64 // where the sound begins
	frames int
}

// openRecording reads the header of a file of so many bytes. Of the header's size of the sound the file may have less: a
// recording that was killed is as long as it is.
func openRecording(file io.ReaderAt, size int64) (*recording, error) {
	var head [12]byte
	if _, err := file.ReadAt(head[:], 0); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, errors.New("not a WAV file")
	}
	t := &recording{file: file}
	for at := int64(len(head)); ; {
		var chunk [8]byte
		if _, err := file.ReadAt(chunk[:], at); err != nil {
			return nil, errors.New("the WAV file has no sound in it")
		}
		at += int64(len(chunk))
		length := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "fmt ":
			b := make([]byte, min(length, 64))
			if _, err := file.ReadAt(b, at); err != nil {
				return nil, errors.New("the WAV file's format is cut short")
			}
			var err error
			if t.format, err = audio.ParseWAVFormat(b); err != nil {
				return nil, err
			}
		case "data":
			if t.format.Frame == 0 {
				return nil, errors.New("the WAV file has no format before its sound")
			}
			if t.format.Rate != audio.Rate {
				return nil, fmt.Errorf("the recording has %d samples a second; record it with %d", t.format.Rate, audio.Rate)
			}
			if length == 0 || length >= audio.UnknownSize {
				length = size
			}
			t.from, t.frames = at, int(min(length, size-at))/t.format.Frame
			return t, nil
		}
		at += length + length%2
	}
}

// read fills samples with the mean of the channels from a frame on, and with silence outside the recording.
func (t *recording) read(samples []float64, at int) error {
	clear(samples)
	from, to := min(max(at, 0), t.frames), max(0, min(at+len(samples), t.frames))
	if from >= to {
		return nil
	}
	b := make([]byte, (to-from)*t.format.Frame)
	if n, err := t.file.ReadAt(b, t.from+int64(from*t.format.Frame)); n < len(b) {
		return fmt.Errorf("reading the recording: %w", err)
	}
	copy(samples[from-at:], t.format.Samples(b))
	return nil
}
