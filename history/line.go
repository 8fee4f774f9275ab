package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"

	"guided/player"
)

// A line is a JSON object of which the first key is the checksum of all that follows it: {"crc32c":"1a2b3c4d",…}. So the
// file is JSON Lines to every other program, and a line that was torn or damaged is known as such.
const (
	lineHead = `{"crc32c":"` // then eight hexadecimal digits
	lineJoin = `",`          // then the rest of the object
	headLen  = len(lineHead) + 8 + len(lineJoin)
)

const (
	maxLine = 64 << 10 // bytes; a longer one is damaged
	maxText = 300      // characters of one text in a record
)

// checksum is the CRC-32C of the rest of a line.
func checksum(rest []byte) uint32 { return crc32.Checksum(rest, crc32.MakeTable(crc32.Castagnoli)) }

// encode is the line of a record, with its newline.
func encode(r player.Record) ([]byte, error) {
	for _, text := range []*string{&r.ID, &r.Routine, &r.Title, &r.Step, &r.Side, &r.Reason, &r.From} {
		*text = shorten(*text)
	}
	object, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("a record cannot be written: %w", err)
	}
	rest := object[1:] // without the brace
	line := fmt.Appendf(nil, "%s%08x%s", lineHead, checksum(rest), lineJoin)
	return append(append(line, rest...), '\n'), nil
}

// shorten is at most the first maxText characters of a text.
func shorten(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if r := []rune(text); len(r) > maxText {
		return string(r[:maxText])
	}
	return text
}

// decode is the record of a line without its newline; false where it is not as it was written.
func decode(line []byte) (r player.Record, ok bool) {
	if len(line) < headLen || !bytes.HasPrefix(line, []byte(lineHead)) {
		return r, false
	}
	rest := line[headLen:]
	if string(line[len(lineHead):headLen]) != fmt.Sprintf("%08x%s", checksum(rest), lineJoin) {
		return r, false
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return player.Record{}, false
	}
	return r, r.Heard >= 0 && r.Heard < math.MaxInt32 && r.Breaths >= 0 && r.Reps >= 0
}

// Damage is what of a file could not be read.
type Damage struct {
	Lines int // how many, without a last one that was being written when the program or the power went
	First int // the number of the first, from 1
}

// Read calls each for every record, in the order in which they were written. It holds one line at a time. Lines that are
// not as they were written are passed over. The error is the reader's.
func Read(from io.Reader, each func(player.Record)) (Damage, error) {
	var d Damage
	in := bufio.NewReaderSize(from, maxLine)
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		whole := err == nil
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is too long
			line = nil
			_, err = in.ReadSlice('\n')
		}
		line, _ = bytes.CutSuffix(line, []byte("\n"))
		if r, ok := decode(line); ok {
			each(r)
		} else if err == nil && (len(line) > 0 || !whole) {
			if d.Lines++; d.Lines == 1 {
				d.First = number
			}
		}
		if err == io.EOF {
			return d, nil
		}
		if err != nil {
			return d, err
		}
	}
}
