package audio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mewkiz/flac"
	"github.com/pion/opus"
	"github.com/pion/opus/pkg/oggreader"
)

// What a sound file may be at most; more is a mistake, or meant to hurt.
const (
	maxBytes   = 64 << 20
	maxSeconds = 15 * 60
	minRate    = 4000
	maxRate    = 192_000
)

// opusRate is the rate our Opus clips are decoded at: speech coded at 24 kHz holds nothing above 12 kHz.
const opusRate = 24_000

// decode reads a whole WAV, FLAC or Ogg Opus file as mono samples of ±1 and their rate. Files come from users and
// from speech programs, so nothing in them is believed: sizes are checked, and a decoder's panic is an error.
func decode(data []byte) (samples []float64, rate int, err error) {
	defer func() {
		if p := recover(); p != nil {
			samples, err = nil, fmt.Errorf("the file is damaged: %v", p)
		}
	}()
	switch {
	case len(data) > maxBytes:
		return nil, 0, fmt.Errorf("the file is larger than %d MiB", maxBytes>>20)
	case bytes.HasPrefix(data, []byte("RIFF")), bytes.HasPrefix(data, []byte("RIFX")):
		samples, rate, err = decodeWAV(data)
	case bytes.HasPrefix(data, []byte("fLaC")):
		samples, rate, err = decodeFLAC(data)
	case bytes.HasPrefix(data, []byte("OggS")):
		samples, rate, err = decodeOpus(data)
	case len(data) == 0:
		return nil, 0, errors.New("the file is empty")
	default:
		return nil, 0, errors.New("the file is neither WAV, FLAC nor Ogg Opus")
	}
	switch {
	case err != nil:
		return nil, 0, err
	case len(samples) == 0:
		return nil, 0, errors.New("the file holds no sound")
	case len(samples) > maxSeconds*rate:
		return nil, 0, errTooLong
	}
	return samples, rate, nil
}

var errTooLong = fmt.Errorf("the sound is longer than %d minutes", maxSeconds/60)

func decodeFLAC(data []byte) ([]float64, int, error) {
	stream, err := flac.New(bytes.NewReader(data))
	if err != nil {
		return nil, 0, fmt.Errorf("not a FLAC file: %w", err)
	}
	rate, full := int(stream.Info.SampleRate), float64(int64(1)<<(stream.Info.BitsPerSample-1))
	if err := checkRate(rate); err != nil {
		return nil, 0, err
	}
	var samples []float64
	for {
		f, err := stream.ParseNext()
		if err == io.EOF {
			return samples, rate, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("the FLAC file is damaged or cut short: %w", err)
		}
		for i := range f.Subframes[0].Samples {
			sum := 0.0
			for _, channel := range f.Subframes {
				sum += float64(channel.Samples[i])
			}
			samples = append(samples, sum/full/float64(len(f.Subframes)))
		}
		if len(samples) > maxSeconds*rate {
			return nil, 0, errTooLong
		}
	}
}

// decodeOpus reads one Ogg Opus stream; the pre-skip is dropped and the end cut at the last granule position
// (RFC 7845 §4).
func decodeOpus(data []byte) ([]float64, int, error) {
	reader, header, err := oggreader.NewWith(bytes.NewReader(data))
	if err != nil {
		return nil, 0, fmt.Errorf("not an Ogg Opus file: %w", err)
	}
	decoder, err := opus.NewDecoderWithOutput(opusRate, 1)
	if err != nil {
		return nil, 0, err
	}
	const ratio = 48_000 / opusRate // granules count samples at 48 kHz
	var samples []float64
	packet := make([]int16, opusRate*120/1000)
	last := uint64(0)
	for {
		raw, page, err := reader.ParseNextPacket()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("the Opus file is damaged or cut short: %w", err)
		}
		if strings.HasPrefix(string(raw), "OpusTags") {
			continue
		}
		n, err := decoder.DecodeToInt16(raw, packet)
		if err != nil {
			return nil, 0, fmt.Errorf("the Opus file is damaged: %w", err)
		}
		for _, s := range packet[:n] {
			samples = append(samples, float64(s)/32768)
		}
		last = page.GranulePosition
		if len(samples) > maxSeconds*opusRate {
			return nil, 0, errTooLong
		}
	}
	skip := int(header.PreSkip) / ratio
	if end := last / ratio; end < uint64(len(samples)) {
		samples = samples[:end]
	}
	return samples[min(skip, len(samples)):], opusRate, nil
}

func checkRate(rate int) error {
	if rate < minRate || rate > maxRate {
		return fmt.Errorf("a rate of %d samples a second cannot be used; store the file at 48000", rate)
	}
	return nil
}
