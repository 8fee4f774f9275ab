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

// levelOpus brings an Ogg Opus file to the level of its kind by its output gain, which every player applies (RFC 7845
// §5.1), and decodes it: coding at a low rate moves the level of a word by some tenths of a dB.
func levelOpus(file []byte) ([]byte, Recording, error) {
	r, err := ImportSound(file)
	if err != nil {
		return nil, r, fmt.Errorf("reading back what was stored: %w", err)
	}
	samples := make([]float64, len(r.PCM))
	for i, x := range r.PCM {
		samples[i] = float64(x) / (math.MaxInt16 + 1)
	}
	room := audio.TruePeak - 20*math.Log10(audio.Peak(samples))
	more := int(math.Floor(256 * min(audio.PhraseTarget(samples)-audio.Loudness(samples), room)))
	if file, err = addOutputGain(file, more); err != nil {
		return nil, r, err
	}
	r, err = ImportSound(file)
	return file, r, err
}

// addOutputGain changes the gain in the head of an Ogg Opus file by so many 1/256 dB. The head is the whole first page.
func addOutputGain(file []byte, more int) ([]byte, error) {
	const checksum, count, lengths = 22, 26, 27 // offsets in a page
	at := bytes.Index(file, []byte("OpusHead"))
	if at < 0 || len(file) < at+19 || len(file) < lengths+1 || int(file[count]) != 1 {
		return nil, errors.New("the file does not begin with the head of Opus")
	}
	file = bytes.Clone(file)
	gain := int(int16(binary.LittleEndian.Uint16(file[at+16:]))) + more
	binary.LittleEndian.PutUint16(file[at+16:], uint16(int16(max(math.MinInt16, min(math.MaxInt16, gain)))))
	page := file[:lengths+1+int(file[lengths])]
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

// encodeOpus is what the embedded clips are: one stream of speech at 32 kbit/s, the same bytes for the same sound.
func encodeOpus(ctx context.Context, r Recording) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "opusenc", "--quiet", "--speech", "--bitrate", "32", "--serial", "1",
		"--discard-comments", "--discard-pictures", "-", "-")
	cmd.Stdin = bytes.NewReader(encodeCacheFile(r))
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("opusenc is not installed; install the package opus-tools")
	}
	if err != nil {
		return nil, fmt.Errorf("opusenc: %w: %s", err, lastLine(complaint.Bytes()))
	}
	return out.Bytes(), nil
}
