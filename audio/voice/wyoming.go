package voice

import (
	"bufio"
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
)

// How long a Wyoming server may take: to be reached, to load the model of a voice, and to speak a text once it is
// loaded, with more for each byte of the text.
const (
	wyomingReach = 5 * time.Second
	wyomingLoad  = 60 * time.Second
	wyomingSpeak = 10 * time.Second
	wyomingByte  = 100 * time.Millisecond
)

const wyomingPort = "10200" // by convention, that of Piper

// Wyoming is an engine that is a Wyoming server, as Home Assistant's users run Piper. It is asked for one text at a
// time, each over a connection of its own.
type Wyoming struct {
	uri, address string
	voice        string        // empty: the server's own
	turn         chan struct{} // held by whoever asks
	answered     bool          // behind turn
	loaded       string        // the voice of the last answer, behind turn
	load, speak  time.Duration
}

// NewWyoming is the engine at a URI such as tcp://127.0.0.1:10200, speaking with the voice named there, or with the
// server's own where it is empty.
func NewWyoming(uri, voice string) (*Wyoming, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "tcp" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("%q is not the address of a Wyoming server; write one such as tcp://127.0.0.1:%s", uri, wyomingPort)
	}
	address := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), wyomingPort))
	return &Wyoming{uri: uri, address: address, voice: voice, turn: make(chan struct{}, 1), load: wyomingLoad, speak: wyomingSpeak}, nil
}

// Name is the server and the voice.
func (w *Wyoming) Name() []string { return []string{w.uri, w.voice} }

// Say speaks with the recipe's voice, or with the engine's own. The error of a voice that the server does not list
// names those that it does.
func (w *Wyoming) Say(asked context.Context, r Recipe) ([]byte, error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-asked.Done():
		return nil, asked.Err()
	}
	voice, text := cmp.Or(r.Voice, w.voice), r.words()
	within := w.speak + time.Duration(len(text))*wyomingByte
	if !w.answered || voice != w.loaded {
		within = max(within, w.load)
	}
	var sound wyomingSound
	err := w.ask(asked, within, synthesize(text, voice), sound.take)
	var refused *refusal
	if errors.As(err, &refused) && voice != "" {
		err = w.unknown(asked, voice, err)
	}
	if err != nil {
		return nil, err
	}
	w.answered, w.loaded = true, voice
	return sound.file(), nil
}

// unknown adds the voices that there are, where the one asked for is none of them.
func (w *Wyoming) unknown(ctx context.Context, voice string, failed error) error {
	voices, err := w.voices(ctx)
	if err != nil || len(voices) == 0 || slices.Contains(voices, voice) {
		return failed
	}
	return fmt.Errorf("%w; it lists no voice %q, but %s", failed, voice, some(voices))
}

// some is the first of a list, which may hold hundreds.
func some(list []string) string {
	const most = 12
	if more := len(list) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), more)
	}
	return strings.Join(list, ", ")
}

// voices are those that the server says it has.
func (w *Wyoming) voices(ctx context.Context) (names []string, err error) {
	err = w.ask(ctx, w.speak, wyomingEvent{Type: "describe"}, func(e wyomingEvent) (bool, error) {
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

// ask sends one event, and gives take every event of the answer until it is done.
func (w *Wyoming) ask(asked context.Context, within time.Duration, question wyomingEvent, take func(wyomingEvent) (done bool, err error)) error {
	ctx, cancel := context.WithTimeout(asked, within)
	defer cancel()
	dialer := net.Dialer{Timeout: wyomingReach}
	conn, err := dialer.DialContext(ctx, "tcp", w.address)
	switch {
	case asked.Err() != nil:
		return asked.Err()
	case errors.Is(err, syscall.ECONNREFUSED):
		return awayError{errors.New("nothing listens there; start the Wyoming server, or set its address in voice.wyoming")}
	case err != nil:
		return awayError{fmt.Errorf("it cannot be reached: %w; look at the address in voice.wyoming", err)}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer func() {
		if stop() {
			conn.Close()
		}
	}()
	limit := &io.LimitedReader{R: conn, N: speakBytes}
	err = question.write(conn)
	for in, done := bufio.NewReader(limit), false; err == nil && !done; {
		var e wyomingEvent
		if e, err = readWyoming(in); err == nil {
			done, err = take(e)
		}
	}
	switch {
	case err == nil:
		return nil
	case asked.Err() != nil:
		return asked.Err()
	case ctx.Err() != nil:
		return awayError{fmt.Errorf("it took longer than %v", within)}
	case limit.N <= 0:
		return fmt.Errorf("it sent more than %d MiB", speakBytes>>20)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &refusal{"it closed the connection before all was said"}
	}
	return err
}
