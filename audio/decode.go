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

// What a sound file may be at most; more is a mistake, or meant to hurt. While it is imported a sound takes 25 MB of
// memory a minute: five minutes is what a Pi with 512 MB can bear.
const (
	MaxFileBytes   = 64 << 20
	MaxFileSeconds = 5 * 60
	MinRate        = 4000
	MaxRate        = 192_000
	maxPhases      = 1000 // filters that a resampler may need: the rates in use need 640 at most
)

// maxSamples is what a file at a rate may hold: no more seconds, and no more memory.
func maxSamples(rate int) int { return MaxFileSeconds * min(rate, Rate) }

// opusRate is the rate our Opus clips are decoded at: speech coded at 24 kHz holds nothing above 12 kHz.
const opusRate = 24_000

// Decode reads a whole WAV, FLAC or Ogg Opus file as mono samples of ±1 and their rate. Files come from users and
// from speech programs, so nothing in them is believed: sizes are checked, and a decoder's panic is an error.
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
	samples := make([]float64, 0, min(int(total), 4*len(data))) // the total may be a lie
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

// decodeOpus reads one Ogg Opus stream; the pre-skip is dropped and the end cut at the last granule position
// (RFC 7845 §4).
func decodeOpus(data []byte) ([]float64, int, error) {
	data, last, err := oggStream(data)
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
	gain := Gain(float64(int16(header.OutputGain)) / 256)
	samples := make([]float64, 0, min(last/ratio, 16*uint64(len(data)))) // the granule may be a lie
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

// oggStream is the pages of the one stream in a file, all of them whole, and its last granule position. oggreader would
// take a file cut between two segments for one that ended.
func oggStream(data []byte) (pages []byte, last uint64, err error) {
	const serial, count, lengths = 14, 26, 27 // offsets in a page
	at := 0
	for at < len(data) {
		page := data[at:]
		if len(page) < lengths || len(page) < lengths+int(page[count]) {
			return nil, 0, errors.New("the Ogg file is cut short")
		}
		size := lengths + int(page[count])
		for _, n := range page[lengths:size] {
			size += int(n)
		}
		switch {
		case string(page[:4]) != "OggS":
			return nil, 0, errors.New("the Ogg file is damaged")
		case len(page) < size:
			return nil, 0, errors.New("the Ogg file is cut short")
		case !bytes.Equal(page[serial:serial+4], data[serial:serial+4]):
			return nil, 0, errors.New("the Ogg file has more than one stream in it; store the sound alone")
		}
		last = binary.LittleEndian.Uint64(page[6:])
		at += size
	}
	return data, last, nil
}

func checkRate(rate int) error {
	if rate < MinRate || rate > MaxRate || Rate/gcd(rate, Rate) > maxPhases {
		return fmt.Errorf("a rate of %d samples a second cannot be used; store the file at 48000", rate)
	}
	return nil
}

// clampFinite keeps what a damaged file could hold from poisoning every filter behind it.
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
