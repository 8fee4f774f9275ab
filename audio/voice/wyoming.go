package voice

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"guided/audio"
)

// How long a Wyoming server may take: to be reached, to load the model of a voice, and to speak a text once it is
// loaded, with more for each byte of the text.
const (
	wyomingDialTimeout    = 5 * time.Second
	wyomingLoadTimeout    = 60 * time.Second
	wyomingSpeakTimeout   = 10 * time.Second
	wyomingTimeoutPerByte = 100 * time.Millisecond
)

const wyomingPort = "10200" // by convention, that of Piper

// Wyoming is an engine that is a Wyoming server, as Home Assistant's users run Piper. It is asked for one text at a
// time, each over a connection of its own.
type Wyoming struct {
	uri, address              string
	voice                     string        // empty: the server's own
	semaphore                 chan struct{} // held by whoever asks
	answered                  bool          // behind turn
	loadedVoice               string        // the voice of the last answer, behind turn
	loadTimeout, speakTimeout time.Duration
}

// NewWyoming is the engine at a URI such as tcp://127.0.0.1:10200, speaking with the voice named there, or with the
// server's own where it is empty.
func NewWyoming(uri, voice string) (*Wyoming, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "tcp" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("%q is not the address of a Wyoming server; write one such as tcp://127.0.0.1:%s", uri, wyomingPort)
	}
	address := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), wyomingPort))
	return &Wyoming{uri: uri, address: address, voice: voice, semaphore: make(chan struct{}, 1), loadTimeout: wyomingLoadTimeout, speakTimeout: wyomingSpeakTimeout}, nil
}

// Name is the server and the voice.
func (w *Wyoming) Name() []string { return []string{w.uri, w.voice} }

// Synthesize speaks with the recipe's voice, or with the engine's own. The error of a voice that the server does not list
// names those that it does.
func (w *Wyoming) Synthesize(asked context.Context, r Recipe) ([]byte, error) {
	select {
	case w.semaphore <- struct{}{}:
		defer func() { <-w.semaphore }()
	case <-asked.Done():
		return nil, asked.Err()
	}
	voice, text := cmp.Or(r.Voice, w.voice), r.input()
	within := w.speakTimeout + time.Duration(len(text))*wyomingTimeoutPerByte
	if !w.answered || voice != w.loadedVoice {
		within = max(within, w.loadTimeout)
	}
	var sound wyomingAudio
	err := w.exchange(asked, within, synthesizeEvent(text, voice), sound.handle)
	var refused *wyomingError
	if errors.As(err, &refused) && voice != "" {
		err = w.explainUnknownVoice(asked, voice, err)
	}
	if err != nil {
		return nil, err
	}
	w.answered, w.loadedVoice = true, voice
	return sound.wav(), nil
}

// explainUnknownVoice adds the voices that there are, where the one asked for is none of them.
func (w *Wyoming) explainUnknownVoice(ctx context.Context, voice string, failed error) error {
	voices, err := w.listVoices(ctx)
	if err != nil || len(voices) == 0 || slices.Contains(voices, voice) {
		return failed
	}
	return fmt.Errorf("%w; it lists no voice %q, but %s", failed, voice, abbreviate(voices))
}

// abbreviate is the first of a list, which may hold hundreds.
func abbreviate(list []string) string {
	const most = 12
	if more := len(list) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), more)
	}
	return strings.Join(list, ", ")
}

// listVoices are those that the server says it has.
func (w *Wyoming) listVoices(ctx context.Context) (names []string, err error) {
	err = w.exchange(ctx, w.speakTimeout, wyomingEvent{Type: "describe"}, func(e wyomingEvent) (bool, error) {
		if e.Type != "info" {
			return false, nil
		}
		var info struct {
			TTS []struct {
				Voices []struct{ Name string }
			}
		}
		if err := json.Unmarshal(e.Data, &info); err != nil {
			return false, fmt.Errorf("what it says of itself cannot be read: %w", err)
		}
		for _, program := range info.TTS {
			for _, v := range program.Voices {
				names = append(names, v.Name)
			}
		}
		return true, nil
	})
	return names, err
}

// exchange sends one event, and gives take every event of the answer until it is done.
func (w *Wyoming) exchange(asked context.Context, within time.Duration, question wyomingEvent, take func(wyomingEvent) (done bool, err error)) error {
	ctx, cancel := context.WithTimeout(asked, within)
	defer cancel()
	dialer := net.Dialer{Timeout: wyomingDialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", w.address)
	switch {
	case asked.Err() != nil:
		return asked.Err()
	case errors.Is(err, syscall.ECONNREFUSED):
		return unavailableError{errors.New("nothing listens there; start the Wyoming server, or set its address in voice.wyoming")}
	case err != nil:
		return unavailableError{fmt.Errorf("it cannot be reached: %w; look at the address in voice.wyoming", err)}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer func() {
		if stop() {
			conn.Close()
		}
	}()
	limit := &io.LimitedReader{R: conn, N: maxSpeechBytes}
	err = question.write(conn)
	for in, done := bufio.NewReader(limit), false; err == nil && !done; {
		var e wyomingEvent
		if e, err = readWyomingEvent(in); err == nil {
			done, err = take(e)
		}
	}
	switch {
	case err == nil:
		return nil
	case asked.Err() != nil:
		return asked.Err()
	case ctx.Err() != nil:
		return unavailableError{fmt.Errorf("it took longer than %v", within)}
	case limit.N <= 0:
		return fmt.Errorf("it sent more than %d MiB", maxSpeechBytes>>20)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &wyomingError{"it closed the connection before all was said"}
	}
	return err
}

// What an event may hold at most. The line is what the servers themselves take (64 KiB); the data of a server that
// lists every voice and speaker of Piper is a few hundred KiB.
const (
	maxWyomingLine = 64 << 10
	maxWyomingData = 4 << 20
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

// readWyomingEvent reads one event, and believes no length before the bytes are there.
func readWyomingEvent(r *bufio.Reader) (wyomingEvent, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); len(line) > maxWyomingLine {
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
	if h.DataLength < 0 || h.DataLength > maxWyomingData || h.PayloadLength < 0 || h.PayloadLength > maxSpeechBytes {
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

// wyomingError is what a server says in place of speaking.
type wyomingError struct{ text string }

func (r *wyomingError) Error() string { return r.text }

// synthesizeEvent asks for a text, as a whole. Piper takes a name before a language.
func synthesizeEvent(text, voice string) wyomingEvent {
	question := map[string]any{"text": text}
	if voice != "" {
		question["voice"] = map[string]string{"name": voice}
	}
	data, _ := json.Marshal(question) // strings cannot fail
	return wyomingEvent{Type: "synthesize", Data: data}
}

// wyomingFormat is the PCM of audio-start and audio-chunk: width in bytes, as a WAV file would hold it.
type wyomingFormat struct {
	Rate     int `json:"rate"`
	Width    int `json:"width"`
	Channels int `json:"channels"`
}

// wyomingAudio gathers the answer to synthesize.
type wyomingAudio struct {
	format wyomingFormat
	pcm    []byte
}

// handle is told every event, and is done at audio-stop. Events that it does not know are none of its business.
func (s *wyomingAudio) handle(e wyomingEvent) (done bool, err error) {
	switch e.Type {
	case "audio-start", "audio-chunk":
		var f wyomingFormat
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return false, fmt.Errorf("the format of its sound cannot be read: %w", err)
		}
		if f.Rate < audio.MinRate || f.Rate > audio.MaxRate || f.Width < 1 || f.Width > 4 || f.Channels < 1 || f.Channels > 2 {
			return false, fmt.Errorf("its sound cannot be used: %d samples a second of %d bytes on %d channels", f.Rate, f.Width, f.Channels)
		}
		if s.format != (wyomingFormat{}) && s.format != f {
			return false, errors.New("its sound changes its format half way")
		}
		s.format = f
		s.pcm = append(s.pcm, e.Payload...)
	case "audio-stop":
		if len(s.pcm) == 0 { // Piper's answer to a text without a word
			return false, &wyomingError{"it had nothing to say"}
		}
		return true, nil
	case "error":
		var said struct{ Text, Code string }
		if err := json.Unmarshal(e.Data, &said); err != nil || said.Text == "" {
			said.Text = "it failed, and does not say why"
		}
		return false, &wyomingError{fmt.Sprintf("%.300s", said.Text)}
	}
	return false, nil
}

// wav is the sound as a WAV file.
func (s *wyomingAudio) wav() []byte {
	f, frame := s.format, s.format.Width*s.format.Channels
	b := append(make([]byte, 0, audio.WAVHeaderBytes+len(s.pcm)), "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(audio.WAVHeaderBytes-8+len(s.pcm)))
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00"...) // 16 bytes of format, PCM
	b = binary.LittleEndian.AppendUint16(b, uint16(f.Channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate*frame))
	b = binary.LittleEndian.AppendUint16(b, uint16(frame))
	b = binary.LittleEndian.AppendUint16(b, uint16(8*f.Width))
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.pcm)))
	return append(b, s.pcm...)
}
