package voice

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
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
	"guided/resolve"
)

// How long a Wyoming server may take: to accept a connection; to answer while it has to load the model of a voice; to
// answer once that is loaded, with more time for each byte of the text.
const (
	wyomingDialTimeout    = 5 * time.Second
	wyomingLoadTimeout    = 60 * time.Second
	wyomingSpeakTimeout   = 10 * time.Second
	wyomingTimeoutPerByte = 100 * time.Millisecond
)

const wyomingPort = "10200" // the default port of wyoming-piper

// Wyoming is an engine that asks a Wyoming server, as Piper is run beside Home Assistant
// (https://github.com/OHF-Voice/wyoming). It sends one text at a time, each over a connection of its own.
type Wyoming struct {
	uri, address              string
	voice                     string // empty for the server's default
	loadTimeout, speakTimeout time.Duration

	semaphore   chan struct{} // of size 1; guards what follows, and can be given up when a context ends
	answered    bool
	loadedVoice string // the voice of the last answer
}

// NewWyoming returns the engine at a URI such as tcp://127.0.0.1:10200. voice is one of the server's voices; where it is
// empty the server's default speaks.
func NewWyoming(uri, voice string) (*Wyoming, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "tcp" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("%q is not the address of a Wyoming server; write one such as tcp://127.0.0.1:%s", uri, wyomingPort)
	}
	address := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), wyomingPort))
	return &Wyoming{
		uri: uri, address: address, voice: voice, semaphore: make(chan struct{}, 1),
		loadTimeout: wyomingLoadTimeout, speakTimeout: wyomingSpeakTimeout,
	}, nil
}

// Identity returns the URI of the server and the voice.
func (w *Wyoming) Identity() []string { return []string{w.uri, w.voice} }

// Synthesize returns a WAV file, spoken by the recipe's voice, or by the engine's own where the recipe names none. The
// error of a voice that the server does not have lists those that it has.
func (w *Wyoming) Synthesize(ctx context.Context, r Recipe) ([]byte, error) {
	select {
	case w.semaphore <- struct{}{}:
		defer func() { <-w.semaphore }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	voice, text := cmp.Or(r.Voice, w.voice), r.input()
	timeout := w.speakTimeout + time.Duration(len(text))*wyomingTimeoutPerByte
	if !w.answered || voice != w.loadedVoice {
		timeout = max(timeout, w.loadTimeout)
	}
	var answer wyomingAudio
	err := w.exchange(ctx, timeout, synthesizeEvent(text, voice), answer.handle)
	var failure *wyomingError
	if errors.As(err, &failure) && voice != "" {
		err = w.explainUnknownVoice(ctx, voice, err)
	}
	if err != nil {
		return nil, err
	}
	w.answered, w.loadedVoice = true, voice
	return answer.wav(), nil
}

// explainUnknownVoice adds the server's voices to an error, where the one asked for is not among them.
func (w *Wyoming) explainUnknownVoice(ctx context.Context, voice string, failed error) error {
	voices, err := w.listVoices(ctx)
	if err != nil || len(voices) == 0 || slices.Contains(voices, voice) {
		return failed
	}
	return fmt.Errorf("%w; it lists no voice %q, but %s", failed, voice, abbreviate(voices))
}

// abbreviate joins the first items of a list; a server may have hundreds of voices.
func abbreviate(list []string) string {
	const most = 12
	if more := len(list) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), more)
	}
	return strings.Join(list, ", ")
}

// listVoices asks the server for the names of its voices.
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

// exchange connects, sends one event, and passes every event of the answer to handle until that reports done or fails.
// The error is an unavailableError where the server cannot be reached or does not answer in time, and a *wyomingError
// where it closes the connection early.
func (w *Wyoming) exchange(parent context.Context, timeout time.Duration, request wyomingEvent, handle func(wyomingEvent) (done bool, err error)) error {
	ctx, cancel := context.WithTimeout(parent, timeout)
	defer cancel()
	dialer := net.Dialer{Timeout: wyomingDialTimeout}
	conn, err := resolve.Dial(ctx, &dialer, "tcp", w.address)
	switch {
	case parent.Err() != nil:
		return parent.Err()
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
	err = request.write(conn)
	for in, done := bufio.NewReader(limit), false; err == nil && !done; {
		var e wyomingEvent
		if e, err = readWyomingEvent(in); err == nil {
			done, err = handle(e)
		}
	}
	switch {
	case err == nil:
		return nil
	case parent.Err() != nil:
		return parent.Err()
	case ctx.Err() != nil:
		return unavailableError{fmt.Errorf("it took longer than %v", timeout)}
	case limit.N <= 0:
		return fmt.Errorf("it sent more than %d MiB", maxSpeechBytes>>20)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &wyomingError{"it closed the connection before all was said"}
	}
	return err
}

// The size limits of an event, in bytes. The servers themselves accept lines up to 64 KiB (asyncio's default); the data
// of a server that lists every voice and speaker of Piper is a few hundred KiB. A payload may be maxSpeechBytes.
const (
	maxWyomingLine = 64 << 10
	maxWyomingData = 4 << 20
)

// wyomingEvent is an event of the Wyoming protocol: a header line of JSON, then the data, a JSON object, then the
// payload, both as long as the header says (https://github.com/OHF-Voice/wyoming, version 1.9.0).
type wyomingEvent struct {
	Type    string
	Data    json.RawMessage // may be empty
	Payload []byte
}

// wyomingHeader is the header line. The Python library writes the data after it; other programs may write it into it.
type wyomingHeader struct {
	Type          string          `json:"type"`
	Version       string          `json:"version,omitempty"`
	Data          json.RawMessage `json:"data,omitempty"`
	DataLength    int64           `json:"data_length,omitempty"`
	PayloadLength int64           `json:"payload_length,omitempty"`
}

// write sends the event. The data is written after the header line, whose length servers limit.
func (e wyomingEvent) write(w io.Writer) error {
	line, err := json.Marshal(wyomingHeader{Type: e.Type, Version: "1.9.0", DataLength: int64(len(e.Data)), PayloadLength: int64(len(e.Payload))})
	if err != nil {
		return err
	}
	_, err = w.Write(bytes.Join([][]byte{line, {'\n'}, e.Data, e.Payload}, nil))
	return err
}

// readWyomingEvent reads one event. Its memory is bounded by the bytes that arrive, not by the lengths they announce.
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
	data, err := readExactly(r, int(h.DataLength))
	if err != nil {
		return wyomingEvent{}, err
	}
	if len(data) > 0 {
		e.Data = data
	}
	e.Payload, err = readExactly(r, int(h.PayloadLength))
	return e, err
}

// readExactly reads n bytes, growing its buffer only as they arrive; io.ErrUnexpectedEOF where they end earlier.
func readExactly(r io.Reader, n int) ([]byte, error) {
	var b bytes.Buffer
	got, err := io.CopyN(&b, r, int64(n))
	if err == io.EOF && got < int64(n) {
		err = io.ErrUnexpectedEOF
	}
	return b.Bytes(), err
}

// wyomingError is the answer of a server that was reached and did not speak.
type wyomingError struct{ text string }

func (e *wyomingError) Error() string { return e.text }

// synthesizeEvent requests a whole text. The voice is given by name alone, which Piper prefers to a language.
func synthesizeEvent(text, voice string) wyomingEvent {
	request := map[string]any{"text": text}
	if voice != "" {
		request["voice"] = map[string]string{"name": voice}
	}
	data, _ := json.Marshal(request) // strings cannot fail
	return wyomingEvent{Type: "synthesize", Data: data}
}

// wyomingFormat is the PCM format of audio-start and audio-chunk: Rate in samples a second, Width in bytes a sample,
// unsigned where that is 1 and else signed, little-endian, as in a WAV file.
type wyomingFormat struct {
	Rate     int `json:"rate"`
	Width    int `json:"width"`
	Channels int `json:"channels"`
}

// wyomingAudio collects the audio of an answer to synthesize.
type wyomingAudio struct {
	format wyomingFormat
	pcm    []byte
}

// handle takes one event of the answer; done is true at audio-stop. Unknown events are ignored. The error is a
// *wyomingError where the server reports a failure or sent no sound.
func (a *wyomingAudio) handle(e wyomingEvent) (done bool, err error) {
	switch e.Type {
	case "audio-start", "audio-chunk":
		var f wyomingFormat
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return false, fmt.Errorf("the format of its sound cannot be read: %w", err)
		}
		if f.Rate < audio.MinFileRate || f.Rate > audio.MaxFileRate || f.Width < 1 || f.Width > 4 || f.Channels < 1 || f.Channels > 2 {
			return false, fmt.Errorf("its sound cannot be used: %d samples a second of %d bytes on %d channels", f.Rate, f.Width, f.Channels)
		}
		if a.format != (wyomingFormat{}) && a.format != f {
			return false, errors.New("its sound changes its format half way")
		}
		a.format = f
		a.pcm = append(a.pcm, e.Payload...)
	case "audio-stop":
		if len(a.pcm) == 0 { // Piper answers a text without words so
			return false, &wyomingError{"it had nothing to say"}
		}
		return true, nil
	case "error":
		var failure struct{ Text string }
		if err := json.Unmarshal(e.Data, &failure); err != nil || failure.Text == "" {
			failure.Text = "it failed, and does not say why"
		}
		return false, &wyomingError{fmt.Sprintf("%.300s", failure.Text)}
	}
	return false, nil
}

// wav returns the sound as a WAV file.
func (a *wyomingAudio) wav() []byte {
	format := audio.WAVFormat{Channels: a.format.Channels, Rate: a.format.Rate, Bits: 8 * a.format.Width}
	return append(format.Header(len(a.pcm)/(a.format.Width*a.format.Channels)), a.pcm...)
}
