package web

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net/http"
	"path"
	"strings"
	"time"

	"guided/audio"
	"guided/routines"
)

// stallTimeout is how long a reader may take nothing at all: a speaker that is paused holds its connection.
const stallTimeout = 5 * time.Minute

// serveFile is a routine as a file: /audio/TOKEN/NAME.wav or .flac, as much of it as is asked for.
func (s *handlers) serveFile(w http.ResponseWriter, r *http.Request) {
	ending := path.Ext(r.PathValue("file"))
	name := strings.TrimSuffix(r.PathValue("file"), ending)
	if ending != ".wav" && ending != ".flac" {
		writeText(w, http.StatusNotFound, "a routine is had as NAME.wav or NAME.flac")
		return
	}
	a, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error())
		return
	}
	routine, err := s.findRoutine(name)
	if err != nil {
		writeText(w, libraryErrorStatus(err), err.Error())
		return
	}
	if !s.acquireStream(w) {
		return
	}
	defer s.releaseStream()
	p, err := s.newRendition(r.Context(), routine, a)
	switch {
	case r.Context().Err() != nil:
		return
	case err != nil:
		writeText(w, http.StatusBadRequest, err.Error())
		return
	}
	content, kind, err := s.openContent(r, p, ending)
	switch {
	case r.Context().Err() != nil:
		return
	case err != nil:
		s.log.Warn("a file cannot be made", "routine", routine.Name, "ending", ending, "err", err)
		writeText(w, http.StatusServiceUnavailable, "this file cannot be made now ("+err.Error()+"); the same address with .wav needs no room on the disk")
		return
	}
	defer content.Close()
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("ETag", `"`+p.id+ending+`"`)
	h.Set("Cache-Control", "no-cache")
	setDLNAHeaders(h, r)
	if strings.Contains(r.Header.Get("Range"), ",") { // several ranges in one answer: no player asks for that
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, "", time.Time{}, deadlineReader{content, http.NewResponseController(w)})
}

// findRoutine is a routine of the library, or one being written.
func (s *handlers) findRoutine(name string) (*routines.Routine, error) {
	if r := s.previews.get(name); r != nil {
		return r, nil
	}
	return s.library.Load(name)
}

// libraryErrorStatus is the status of an error of the library.
func libraryErrorStatus(err error) int {
	if errors.Is(err, routines.ErrNotFound) {
		return http.StatusNotFound
	}
	return http.StatusUnprocessableEntity
}

// openContent is what a file holds.
func (s *handlers) openContent(r *http.Request, p *rendition, ending string) (io.ReadSeekCloser, string, error) {
	if ending == ".flac" {
		f, err := s.flacCache.open(r.Context(), p.id, func(w io.WriteSeeker) error { return s.encodeFLAC(w, p) })
		return f, "audio/flac", err
	}
	return newWAVReader(s.newRenderer(r.Context(), p)), "audio/wav", nil
}

// acquireStream counts the streams; it refuses what would be too many, and says so.
func (s *handlers) acquireStream(w http.ResponseWriter) bool {
	select {
	case s.streamSlots <- struct{}{}:
		return true
	default:
		w.Header().Set("Retry-After", "5")
		writeText(w, http.StatusServiceUnavailable, "too many are listening; try again in a moment")
		return false
	}
}

func (s *handlers) releaseStream() { <-s.streamSlots }

// setDLNAHeaders answers what a DLNA player asks for, in the letters that it asks in.
func setDLNAHeaders(h http.Header, r *http.Request) {
	if r.Header.Get("getcontentFeatures.dlna.org") != "" {
		// Any byte may be asked for; this is the original; it may be streamed, stalled and fetched in the background.
		h["contentFeatures.dlna.org"] = []string{"DLNA.ORG_OP=01;DLNA.ORG_CI=0;DLNA.ORG_FLAGS=01700000000000000000000000000000"}
	}
	if r.Header.Get("transferMode.dlna.org") != "" {
		h["transferMode.dlna.org"] = []string{"Streaming"}
	}
}

// deadlineReader gives a slow reader time with every block, and a reader that has stopped an end.
type deadlineReader struct {
	io.ReadSeeker
	control *http.ResponseController
}

func (p deadlineReader) Read(b []byte) (int, error) {
	if err := p.control.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	return p.ReadSeeker.Read(b)
}

// liveBlockBytes is how much is sent at a time: 20 ms, so that nothing waits for more.
const liveBlockBytes = 960 * frameBytes

// serveLive is what is playing now, as a WAV file without an end.
func (s *handlers) serveLive(w http.ResponseWriter, r *http.Request) {
	if s.tap == nil {
		writeText(w, http.StatusNotFound, "this output cannot be listened to; play a routine's own file")
		return
	}
	if !s.acquireStream(w) {
		return
	}
	defer s.releaseStream()
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Accept-Ranges", "none")
	setDLNAHeaders(w.Header(), r)
	if r.Method == http.MethodHead {
		return
	}
	to := http.NewResponseController(w)
	sound := s.tap.Listen(r.Context())
	send := func(b []byte) error {
		if err := to.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		return to.Flush()
	}
	if send(wavHeader(endless)) != nil {
		return
	}
	block := make([]byte, liveBlockBytes)
	for r.Context().Err() == nil {
		n, err := io.ReadFull(sound, block)
		if n > 0 && send(block[:n]) != nil || err != nil {
			if err != nil && !errors.Is(err, io.EOF) && r.Context().Err() == nil {
				s.log.Warn("what is playing cannot be listened to", "err", err)
			}
			return
		}
	}
}

// frameBytes is one frame of 16-bit stereo.
const frameBytes = 4

// endless is the size in the header of a WAV file that goes on until somebody stops.
const endless = math.MaxUint32

// wavHeader begins a WAV file of so many bytes of sound.
func wavHeader(size uint32) []byte {
	b := append([]byte(nil), "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(min(uint64(size)+36, endless)))
	b = append(b, "WAVEfmt "...)
	for _, field := range []struct{ value, bytes uint32 }{{16, 4}, {1, 2}, {2, 2}, {audio.Rate, 4}, {audio.Rate * frameBytes, 4}, {frameBytes, 2}, {16, 2}} {
		b = binary.LittleEndian.AppendUint32(b, field.value)[:len(b)+int(field.bytes)]
	}
	b = append(b, "data"...)
	return binary.LittleEndian.AppendUint32(b, size)
}
