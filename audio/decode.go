package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/mewkiz/flac"
	"github.com/pion/opus"
	"github.com/pion/opus/pkg/oggreader"
)

// The limits of a sound file; more is a mistake or an attack. Importing takes 25 MB of memory for each minute of sound:
// five minutes is what a Raspberry Pi with 512 MB can bear.
const (
	MaxFileBytes   = 64 << 20
	MaxFileSeconds = 5 * 60
	MinFileRate    = 4000 // samples a second
	MaxFileRate    = 192_000
	maxPhases      = 1000 // filters that a resampler may need: the rates in use need 640 at most
)

// maxSamples returns how many samples a file may have: no more than MaxFileSeconds, and above Rate no more memory than at
// Rate.
func maxSamples(rate int) int { return MaxFileSeconds * min(rate, Rate) }

// opusRate is the rate at which Opus files are decoded: the recordings of the voices are coded at 24 kHz and hold nothing
// above 12 kHz.
const opusRate = 24_000

// Decode reads a whole WAV, FLAC or Ogg Opus file as mono samples of ±1, the mean of its channels, and their rate. Files
// come from users and speech programs and are not trusted: sizes are checked, and a decoder's panic becomes an error.
func Decode(data []byte) (samples []float64, rate int, err error) {
	defer func() {
		if p := recover(); p != nil {
			samples, err = nil, fmt.Errorf("the file is damaged: %v", p)
		}
	}()
	switch {
	case len(data) > MaxFileBytes:
		return nil, 0, ErrTooLarge
	case bytes.HasPrefix(data, []byte("RIFF")):
		samples, rate, err = DecodeWAV(data)
	case bytes.HasPrefix(data, []byte("fLaC")):
		samples, rate, err = decodeFLAC(data)
	case bytes.HasPrefix(data, []byte("OggS")):
		samples, rate, err = decodeOpus(data)
	case len(data) == 0:
		return nil, 0, errors.New("the file is empty")
	default:
		return nil, 0, errors.New("the file is neither WAV, FLAC nor Ogg Opus; convert it to one of them, such as: ffmpeg -i FILE FILE.flac")
	}
	switch {
	case err != nil:
		return nil, 0, err
	case len(samples) == 0:
		return nil, 0, errors.New("the file holds no sound")
	case len(samples) > maxSamples(rate):
		return nil, 0, errTooLong
	}
	return samples, rate, nil
}

// ErrTooLarge is the error for a file of more than MaxFileBytes.
var ErrTooLarge = fmt.Errorf("the file is larger than %d MiB", MaxFileBytes>>20)

var errTooLong = fmt.Errorf("the sound is longer than %d minutes at %d samples a second", MaxFileSeconds/60, Rate)

func decodeFLAC(data []byte) ([]float64, int, error) {
	stream, err := flac.New(bytes.NewReader(data))
	if err != nil {
		return nil, 0, fmt.Errorf("not a FLAC file: %w", err)
	}
	rate, bits, total := int(stream.Info.SampleRate), stream.Info.BitsPerSample, stream.Info.NSamples
	if err := checkRate(rate); err != nil {
		return nil, 0, err
	}
	if bits < 4 || bits > 32 {
		return nil, 0, fmt.Errorf("a FLAC file of %d bits cannot be read", bits)
	}
	if total > uint64(maxSamples(rate)) {
		return nil, 0, errTooLong
	}
	samples := make([]float64, 0, min(int(total), 4*len(data))) // the total may be wrong
	for {
		f, err := stream.ParseNext()
		if err == io.EOF && uint64(len(samples)) >= total {
			return samples, rate, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("the FLAC file is damaged or cut short: %w", err)
		}
		scale := 1 / float64(int64(len(f.Subframes))<<(bits-1))
		for i := range f.Subframes[0].Samples {
			sum := 0.0
			for _, channel := range f.Subframes {
				sum += float64(channel.Samples[i])
			}
			samples = append(samples, clampFinite(sum*scale))
		}
		if len(samples) > maxSamples(rate) {
			return nil, 0, errTooLong
		}
	}
}

// decodeOpus reads one Ogg Opus stream. The pre-skip is dropped, and the end is cut at the last granule position
// (RFC 7845, section 4).
func decodeOpus(data []byte) ([]float64, int, error) {
	last, err := checkOgg(data)
	if err != nil {
		return nil, 0, err
	}
	reader, header, err := oggreader.NewWith(bytes.NewReader(data))
	if err != nil {
		return nil, 0, fmt.Errorf("not an Ogg Opus file: %w", err)
	}
	if header.Channels < 1 || header.Channels > 2 {
		return nil, 0, fmt.Errorf("an Opus file with %d channels cannot be read; store it as mono or stereo", header.Channels)
	}
	decoder, err := opus.NewDecoderWithOutput(opusRate, 1)
	if err != nil {
		return nil, 0, err
	}
	const ratio = 48_000 / opusRate // granules count samples at 48 kHz
	gain := GainFromDB(float64(int16(header.OutputGain)) / 256)
	samples := make([]float64, 0, min(last/ratio, 16*uint64(len(data)))) // the granule may be wrong
	packet := make([]float32, opusRate*120/1000)
	for {
		raw, _, err := reader.ParseNextPacket()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("the Opus file is damaged or cut short: %w", err)
		}
		if bytes.HasPrefix(raw, []byte("OpusTags")) {
			continue
		}
		n, err := decoder.DecodeToFloat32(raw, packet)
		if err != nil {
			return nil, 0, fmt.Errorf("the Opus file is damaged: %w", err)
		}
		for _, x := range packet[:n] {
			samples = append(samples, clampFinite(gain*float64(x)))
		}
		if len(samples) > maxSamples(opusRate) {
			return nil, 0, errTooLong
		}
	}
	skip := int(header.PreSkip) / ratio
	if end := last / ratio; end < uint64(len(samples)) {
		samples = samples[:end]
	}
	return samples[min(skip, len(samples)):], opusRate, nil
}

// checkOgg returns the last granule position of a file that is one stream of complete pages, and an error for any other:
// oggreader takes a file that was cut between two segments for a complete one.
func checkOgg(data []byte) (granule uint64, err error) {
	const serial, count, lengths = 14, 26, 27 // offsets in a page (RFC 3533, section 6)
	at := 0
	for at < len(data) {
		page := data[at:]
		if len(page) < lengths || len(page) < lengths+int(page[count]) {
			return 0, errors.New("the Ogg file is cut short")
		}
		size := lengths + int(page[count])
		for _, n := range page[lengths:size] {
			size += int(n)
		}
		switch {
		case string(page[:4]) != "OggS":
			return 0, errors.New("the Ogg file is damaged")
		case len(page) < size:
			return 0, errors.New("the Ogg file is cut short")
		case !bytes.Equal(page[serial:serial+4], data[serial:serial+4]):
			return 0, errors.New("the Ogg file has more than one stream in it; store the sound alone")
		}
		granule = binary.LittleEndian.Uint64(page[6:])
		at += size
	}
	return granule, nil
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
