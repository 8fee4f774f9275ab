package audio

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The limits of a sound file; more is a mistake or an attack.
const (
	// MaxFileBytes and MaxFileSeconds limit what is decoded as a whole, such as a recording of a voice: it takes 5.5 MiB of
	// memory for each minute, and five minutes is what a Raspberry Pi with 512 MB can bear. As stereo of 32 bits at Rate
	// they are a file of 110 MiB.
	MaxFileBytes   = 128 << 20
	MaxFileSeconds = 5 * 60
	// MaxSoundBytes and MaxSoundSeconds limit what is decoded block by block, such as a bed. An hour of stereo of 16 bits at
	// Rate is a file of 660 MiB.
	MaxSoundBytes   = 1 << 30
	MaxSoundSeconds = 60 * 60

	MinFileRate = 4000 // samples a second
	MaxFileRate = 192_000
	maxPhases   = 1000 // filters that a resampler may need: the rates in use need 640 at most
)

// Decoder decodes a WAV, FLAC or Ogg Opus file block by block into mono samples of ±1, the mean of its channels. Files
// come from users and speech programs and are not trusted: sizes are checked, and a decoder's panic becomes an error. Its
// memory is bounded by one block, whatever the file.
type Decoder struct {
	Rate int        // samples a second
	WAV  *WAVReader // reads any part of a WAV file; nil for the other kinds

	file       *source
	frames     func() int // that the file announces; 0: it does not tell
	next       func() ([]float64, error)
	total      int // samples so far
	maxSeconds int
}

// NewDecoder reads the header of a file of so many bytes. A file that is too large, or too long by its header, is refused
// before its sound is read: its limits are MaxFileBytes and MaxFileSeconds.
func NewDecoder(file io.ReaderAt, size int64) (*Decoder, error) {
	return newDecoder(file, size, MaxFileBytes, MaxFileSeconds)
}

// NewSoundDecoder is NewDecoder with the limits MaxSoundBytes and MaxSoundSeconds, for who never has the whole sound in
// memory.
func NewSoundDecoder(file io.ReaderAt, size int64) (*Decoder, error) {
	return newDecoder(file, size, MaxSoundBytes, MaxSoundSeconds)
}

func newDecoder(file io.ReaderAt, size, maxBytes int64, maxSeconds int) (d *Decoder, err error) {
	d = &Decoder{file: &source{file: file}, maxSeconds: maxSeconds}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the file is damaged: %v", p)
		}
		if d != nil && d.file.err != nil {
			err = d.file.err
		}
		if err != nil {
			d = nil
		}
	}()
	if size > maxBytes {
		return nil, TooLargeError(maxBytes)
	}
	start := skipTags(d.file, size)
	head := make([]byte, 12)
	n, _ := d.file.ReadAt(head, start) // source keeps the error
	head = head[:n]
	rest := io.NewSectionReader(d.file, start, size-start)
	switch {
	case bytes.HasPrefix(head, []byte("RIFF")), bytes.HasPrefix(head, []byte("RF64")):
		err = d.openWAV(rest)
	case bytes.HasPrefix(head, []byte("fLaC")):
		err = d.openFLAC(rest)
	case bytes.HasPrefix(head, []byte("OggS")):
		err = d.openOpus(rest)
	case size == 0:
		err = errors.New("the file is empty")
	default:
		err = unknownKind(head, start > 0)
	}
	return d, err
}

// maxSamples returns how many samples the file may have: no more than the limit of seconds, and above Rate no more than at
// Rate.
func (d *Decoder) maxSamples() int { return d.maxSeconds * min(d.Rate, Rate) }

// Frames returns how many samples the file announces, without decoding it; 0 where it does not tell. A WAV file has as many;
// the others may be damaged. It fails where they are more than the limit of seconds, or the file cannot be read.
func (d *Decoder) Frames() (n int, err error) {
	defer func() {
		if p := recover(); p != nil { // decoding the file will tell
			n, err = 0, nil
		}
		if d.file.err != nil {
			n, err = 0, d.file.err
		}
	}()
	if n = d.frames(); n > d.maxSamples() {
		return 0, d.tooLong()
	}
	return n, nil
}

// Next returns the next samples, valid until the next call, and io.EOF after the last. A file without sound, or with more
// than the limit of seconds, is an error.
func (d *Decoder) Next() (samples []float64, err error) {
	defer func() {
		if p := recover(); p != nil {
			samples, err = nil, fmt.Errorf("the file is damaged: %v", p)
		}
		if err != nil && err != io.EOF && d.file.err != nil {
			err = d.file.err
		}
	}()
	for len(samples) == 0 && err == nil {
		samples, err = d.next()
	}
	switch d.total += len(samples); {
	case err == io.EOF && d.total == 0:
		err = errors.New("the file holds no sound")
	case d.total > d.maxSamples():
		err = d.tooLong()
	}
	if err != nil {
		return nil, err
	}
	return samples, nil
}

// Resampled decodes the whole file and hands it to emit in blocks of samples at Rate, which are valid during the call.
func (d *Decoder) Resampled(emit func([]float64) error) error {
	r := NewResampler(d.Rate)
	for {
		samples, err := d.Next()
		if err == io.EOF {
			return r.Finish(emit)
		}
		if err == nil {
			err = r.Add(samples, emit)
		}
		if err != nil {
			return err
		}
	}
}

// Decode reads a whole file into memory, and returns its samples and their rate. It is for short files: a minute at Rate
// takes 22 MiB.
func Decode(data []byte) (samples []float64, rate int, err error) {
	d, err := NewDecoder(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, 0, err
	}
	for {
		block, err := d.Next()
		if err == io.EOF {
			return samples, d.Rate, nil
		}
		if err != nil {
			return nil, 0, err
		}
		samples = append(samples, block...)
	}
}

// TooLargeError is the error for a file of more bytes than a limit. The value is the limit.
type TooLargeError int64

func (e TooLargeError) Error() string {
	return fmt.Sprintf("the file is larger than %d MiB; cut it, or store it as FLAC, such as: ffmpeg -i FILE FILE.flac", int64(e)>>20)
}

// tooLong is the error for a file of more samples than maxSamples.
func (d *Decoder) tooLong() error {
	return fmt.Errorf("the sound is longer than %d minutes at %d samples a second; cut it, such as: ffmpeg -i FILE -t %d FILE.flac",
		d.maxSeconds/60, Rate, d.maxSeconds-10)
}

// headBytes is how much of a file source reads at once: the headers of most files, which are looked at in small pieces.
const headBytes = 4 << 10

// source keeps the first error of reading that is not the end of the file: a decoder would take it for damage.
type source struct {
	file io.ReaderAt
	err  error
	head []byte // the beginning of the file, nil before the first read
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if end := off + int64(len(p)); end <= headBytes {
		if s.head == nil {
			s.head = make([]byte, headBytes)
			n, err := s.readAt(s.head, 0)
			if s.head = s.head[:n]; s.err != nil {
				return 0, err
			}
		}
		if end <= int64(len(s.head)) {
			return copy(p, s.head[off:]), nil
		}
	}
	return s.readAt(p, off)
}

func (s *source) readAt(p []byte, off int64) (int, error) {
	n, err := s.file.ReadAt(p, off)
	if err != nil && err != io.EOF && s.err == nil {
		s.err = ReadError{err}
	}
	return n, err
}

// ReadError is the error of a file that could not be read, which says nothing about its content.
type ReadError struct{ error }

// Unwrap returns the error of the read.
func (e ReadError) Unwrap() error { return e.error }

// skipTags returns the offset behind the ID3v2 tags at the beginning of a file (id3.org, "ID3 tag version 2.4.0", section
// 3.1), and behind the zeros that fill up to the sound.
func skipTags(file io.ReaderAt, size int64) int64 {
	const header, maxTags, maxFill = 10, 10, 64 << 10
	at := int64(0)
	for range maxTags {
		var b [header]byte
		if _, err := file.ReadAt(b[:], at); err != nil || string(b[:3]) != "ID3" || (b[6]|b[7]|b[8]|b[9])&0x80 != 0 {
			break
		}
		at += header + (int64(b[6])<<21 | int64(b[7])<<14 | int64(b[8])<<7 | int64(b[9]))
		if b[5]&0x10 != 0 { // a footer
			at += header
		}
	}
	if at == 0 || at >= size {
		return min(at, size)
	}
	fill := make([]byte, min(maxFill, size-at))
	n, _ := file.ReadAt(fill, at)
	return at + int64(n-len(bytes.TrimLeft(fill[:n], "\x00")))
}

// unknownKind says what a file is, by its first bytes, and how it becomes one that can be played.
func unknownKind(head []byte, tagged bool) error {
	at := func(offset int, magic string) bool {
		return len(head) >= offset+len(magic) && string(head[offset:offset+len(magic)]) == magic
	}
	kind := ""
	switch {
	case at(4, "ftyp"):
		kind = "M4A"
	case at(0, "FORM") && (at(8, "AIFF") || at(8, "AIFC")):
		kind = "AIFF"
	case at(0, "RIFX"):
		kind = "big-endian WAV"
	case at(0, "riff"):
		kind = "W64"
	case at(0, "wvpk"):
		kind = "WavPack"
	case at(0, "MAC "):
		kind = "APE"
	case at(0, "\x30\x26\xB2\x75"):
		kind = "WMA"
	case at(0, "\x1A\x45\xDF\xA3"):
		kind = "Matroska or WebM"
	case at(0, ".snd"):
		kind = "AU"
	case len(head) >= 2 && head[0] == 0xFF && head[1]&0xF6 == 0xF0:
		kind = "AAC"
	case tagged, len(head) >= 2 && head[0] == 0xFF && head[1]&0xE0 == 0xE0:
		kind = "MP3"
	}
	return errNotPlayed(kind)
}

// errNotPlayed is the error of a file of a kind, empty where it is not known, that must be converted.
func errNotPlayed(kind string) error {
	if kind == "" {
		return errors.New("the file is neither WAV, FLAC nor Ogg Opus; convert it to one of them, such as: ffmpeg -i FILE FILE.flac")
	}
	endings := map[string]string{"Matroska or WebM": "webm", "WavPack": "wv", "Ogg Vorbis": "ogg", "Ogg FLAC": "ogg", "Ogg Speex": "ogg", "big-endian WAV": "wav"}
	ending := cmp.Or(endings[kind], strings.ToLower(kind))
	return fmt.Errorf("the file is %s, and neither WAV, FLAC nor Ogg Opus; convert it, such as: ffmpeg -i FILE.%s FILE.flac", kind, ending)
}

// checkRate refuses a rate that is out of range, or whose ratio to Rate would take too many filters to resample.
func checkRate(rate int) error {
	if rate < MinFileRate || rate > MaxFileRate || Rate/gcd(rate, Rate) > maxPhases {
		return fmt.Errorf("a rate of %d samples a second cannot be used; store the file at 48000", rate)
	}
	return nil
}

// clampFinite limits a sample to ±1 and replaces a NaN, which a damaged file may hold and no filter would recover from.
func clampFinite(x float64) float64 {
	switch {
	case x >= -1 && x <= 1:
		return x
	case x > 1:
		return 1
	case x < -1:
		return -1
	default: // not a number
		return 0
	}
}
