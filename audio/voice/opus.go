package voice

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os/exec"

	"guided/audio"
)

// encodeOpus returns a recording as one Ogg Opus stream of speech at 32 kbit/s, encoded by the program opusenc. The same
// recording gives the same bytes.
func encodeOpus(ctx context.Context, r Recording) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "opusenc", "--quiet", "--speech", "--bitrate", "32", "--serial", "1",
		"--discard-comments", "--discard-pictures", "-", "-")
	cmd.Stdin = bytes.NewReader(encodeCacheFile(r))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("opusenc is not installed; install the package opus-tools")
	}
	if err != nil {
		return nil, fmt.Errorf("opusenc: %w: %s", err, lastLine(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// levelOpus brings an Ogg Opus file to the loudness of a phrase and returns it with its recording as a player decodes
// it. Coding at a low bit rate moves the level of a word by some tenths of a dB; the correction is the file's output
// gain, which every decoder applies (RFC 7845 §5.1).
func levelOpus(file []byte) ([]byte, Recording, error) {
	r, err := Decode(file)
	if err != nil {
		return nil, r, fmt.Errorf("reading back what was stored: %w", err)
	}
	samples := floats(r.PCM)
	headroom := audio.MaxTruePeak - 20*math.Log10(audio.TruePeak(samples))
	gain := min(audio.TargetLoudness(samples)-audio.Loudness(samples), headroom) // dB
	if file, err = addOutputGain(file, int(math.Floor(256*gain))); err != nil {
		return nil, r, err
	}
	r, err = Decode(file)
	return file, r, err
}

// addOutputGain adds to the output gain in the header of an Ogg Opus file, in units of 1/256 dB. The header OpusHead is
// the whole first page (RFC 7845 §3).
func addOutputGain(file []byte, more int) ([]byte, error) {
	const checksum, segments, segmentTable = 22, 26, 27 // offsets in a page (RFC 3533 §6)
	head := bytes.Index(file, []byte("OpusHead"))
	if head < 0 || len(file) < head+19 || len(file) < segmentTable+1 || int(file[segments]) != 1 {
		return nil, errors.New("the file does not begin with the head of Opus")
	}
	file = bytes.Clone(file)
	outputGain := file[head+16:]
	gain := int(int16(binary.LittleEndian.Uint16(outputGain))) + more
	binary.LittleEndian.PutUint16(outputGain, uint16(int16(max(math.MinInt16, min(math.MaxInt16, gain)))))
	page := file[:segmentTable+1+int(file[segmentTable])]
	binary.LittleEndian.PutUint32(page[checksum:], 0)
	binary.LittleEndian.PutUint32(page[checksum:], oggChecksum(page))
	return file, nil
}

// oggChecksum is the CRC of a page: polynomial 0x04c11db7, neither reflected nor inverted (RFC 3533 §6).
func oggChecksum(page []byte) uint32 {
	var crc uint32
	for _, b := range page {
		crc ^= uint32(b) << 24
		for range 8 {
			if crc&(1<<31) != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
