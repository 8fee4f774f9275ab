package voice

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What an event may hold at most. The line is what the servers themselves take (64 KiB); the data of a server that
// lists every voice and speaker of Piper is a few hundred KiB.
const (
	wyomingLine = 64 << 10
	wyomingData = 4 << 20
)

// wyomingEvent is an event of the Wyoming protocol: a line of JSON with its type, then its data, an object of JSON, and
// its payload, each as long as the line says (github.com/OHF-Voice/wyoming, 1.9.0).
type wyomingEvent struct {
	Type    string
	Data    json.RawMessage // may be empty
	Payload []byte
}

// wyomingHeader is the line. Python writes the data behind it; other programs may write it into the line.
type wyomingHeader struct {
	Type          string          `json:"type"`
	Version       string          `json:"version,omitempty"`
	Data          json.RawMessage `json:"data,omitempty"`
	DataLength    int             `json:"data_length,omitempty"`
	PayloadLength int             `json:"payload_length,omitempty"`
}

// write sends the event; its data goes behind the line, which must stay short.
func (e wyomingEvent) write(w io.Writer) error {
	line, err := json.Marshal(wyomingHeader{Type: e.Type, Version: "1.9.0", DataLength: len(e.Data), PayloadLength: len(e.Payload)})
	if err != nil {
		return err
	}
	_, err = w.Write(bytes.Join([][]byte{line, {'\n'}, e.Data, e.Payload}, nil))
	return err
}

// readWyoming reads one event, and believes no length before the bytes are there.
func readWyoming(r *bufio.Reader) (wyomingEvent, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); len(line) > wyomingLine {
			return wyomingEvent{}, errors.New("it does not speak Wyoming: a line is longer than 64 KiB")
		}
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return wyomingEvent{}, err
		}
	}
	var h wyomingHeader
	if err := json.Unmarshal(line, &h); err != nil || h.Type == "" {
		return wyomingEvent{}, fmt.Errorf("it does not speak Wyoming: it sent %.60q", line)
	}
	if h.DataLength < 0 || h.DataLength > wyomingData || h.PayloadLength < 0 || h.PayloadLength > speakBytes {
		return wyomingEvent{}, fmt.Errorf("it does not speak Wyoming: an event with %d and %d bytes is too large", h.DataLength, h.PayloadLength)
	}
	e := wyomingEvent{Type: h.Type, Data: h.Data}
	data, err := readExactly(r, h.DataLength)
	if err != nil {
		return wyomingEvent{}, err
	}
	if len(data) > 0 {
		e.Data = data
	}
	e.Payload, err = readExactly(r, h.PayloadLength)
	return e, err
}

// readExactly takes memory for what has come, and not for what was announced.
func readExactly(r io.Reader, n int) ([]byte, error) {
	var b bytes.Buffer
	got, err := io.CopyN(&b, r, int64(n))
	if err == io.EOF && got < int64(n) {
		err = io.ErrUnexpectedEOF
	}
	return b.Bytes(), err
}
