package web

import (
	"context"
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

// stallTimeout is how long a client may take no byte: a paused speaker keeps its connection open.
const stallTimeout = 5 * time.Minute

// serveFile serves a routine as an audio file, /audio/TOKEN/NAME.wav or NAME.flac, whole or by ranges.
func (h *handlers) serveFile(w http.ResponseWriter, r *http.Request) {
	extension := path.Ext(r.PathValue("file"))
	name := strings.TrimSuffix(r.PathValue("file"), extension)
	if extension != ".wav" && extension != ".flac" {
		writeText(w, http.StatusNotFound, "a routine is had as NAME.wav or NAME.flac")
		return
	}
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error())
		return
	}
	routine, err := h.findRoutine(r.Context(), name)
	if err != nil {
		writeText(w, libraryErrorStatus(err), err.Error())
		return
	}
	if !h.acquireStream(w) {
		return
	}
	defer h.releaseStream()
	rendition, err := h.newRendition(r.Context(), routine, query)
	switch {
	case r.Context().Err() != nil:
		return
	case err != nil:
		writeText(w, http.StatusBadRequest, err.Error())
		return
	}
	content, kind, err := h.openContent(r.Context(), rendition, extension)
	switch {
	case err != nil && r.Context().Err() != nil:
		return
	case err != nil:
		h.Log.Warn("a file cannot be made", "routine", routine.Name, "ending", extension, "err", err)
		writeText(w, http.StatusServiceUnavailable, "this file cannot be made now ("+err.Error()+"); the same address with .wav needs no room on the disk")
		return
	}
	defer content.Close()
	header := w.Header()
	header.Set("Content-Type", kind)
	header.Set("ETag", `"`+rendition.id+extension+`"`)
	header.Set("Cache-Control", "no-cache")
	setDLNAHeaders(header, r)
	if strings.Contains(r.Header.Get("Range"), ",") { // no player asks for several ranges; the whole file answers them
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, "", time.Time{}, deadlineReader{content, http.NewResponseController(w)})
}

// findRoutine returns the preview of that name, or else the routine of the library.
func (h *handlers) findRoutine(ctx context.Context, name string) (*routines.Routine, error) {
	if r := h.previews.get(name); r != nil {
		return r, nil
	}
	return h.Library.Load(ctx, name)
}

// openContent opens the bytes of a file and names their type. WAV is rendered as it is read; FLAC is encoded whole, once,
// into the file cache, because its length is not known before.
func (h *handlers) openContent(ctx context.Context, p *rendition, extension string) (io.ReadSeekCloser, string, error) {
	if extension == ".flac" {
		f, err := h.flacCache.open(ctx, p.id, func(ctx context.Context, w io.WriteSeeker) error { return h.encodeFLAC(ctx, w, p) })
		return f, "audio/flac", err
	}
	return newWAVReader(h.newRenderer(ctx, p)), "audio/wav", nil
}

// acquireStream takes one of the maxStreams; where none is free it answers 503 and returns false.
func (h *handlers) acquireStream(w http.ResponseWriter) bool {
	select {
	case h.streamSlots <- struct{}{}:
		return true
	default:
		w.Header().Set("Retry-After", "5")
		writeText(w, http.StatusServiceUnavailable, "too many are listening; try again in a moment")
		return false
	}
}

func (h *handlers) releaseStream() { <-h.streamSlots }

// setDLNAHeaders answers the headers of a DLNA player. Their names are set without
// canonicalization: some players compare the case.
func setDLNAHeaders(header http.Header, r *http.Request) {
	if r.Header.Get("getcontentFeatures.dlna.org") != "" {
		// OP=01: byte ranges; CI=0: not transcoded; FLAGS: streaming, stalling and background transfer, DLNA 1.5.
		header["contentFeatures.dlna.org"] = []string{"DLNA.ORG_OP=01;DLNA.ORG_CI=0;DLNA.ORG_FLAGS=01700000000000000000000000000000"}
	}
	if r.Header.Get("transferMode.dlna.org") != "" {
		header["transferMode.dlna.org"] = []string{"Streaming"}
	}
}

// deadlineReader extends the write deadline of the response with every block read: a slow client is served to the end, and
// one that takes nothing for stallTimeout is disconnected.
type deadlineReader struct {
	io.ReadSeeker
	control *http.ResponseController
}

func (d deadlineReader) Read(b []byte) (int, error) {
	if err := d.control.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	return d.ReadSeeker.Read(b)
}

// liveBlockBytes is how much live sound is sent at a time: 20 ms.
const liveBlockBytes = 960 * audio.FrameBytes

// serveLive streams what the output plays, as a WAV file without an end.
func (h *handlers) serveLive(w http.ResponseWriter, r *http.Request) {
	if h.Tap == nil {
		writeText(w, http.StatusNotFound, "this output cannot be listened to; play a routine's own file")
		return
	}
	if !h.acquireStream(w) {
		return
	}
	defer h.releaseStream()
	sound, err := h.Tap.Listen(r.Context())
	if err != nil {
		writeText(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Accept-Ranges", "none")
	setDLNAHeaders(w.Header(), r)
	if r.Method == http.MethodHead {
		return
	}
	out := newStreamWriter(w, stallTimeout)
	if _, err := out.Write(endlessWAVHeader()); err != nil {
		return
	}
	block := make([]byte, liveBlockBytes)
	for {
		n, err := io.ReadFull(sound, block)
		if n > 0 {
			if _, gone := out.Write(block[:n]); gone != nil {
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && r.Context().Err() == nil {
				h.Log.Warn("what is playing cannot be listened to", "err", err)
			}
			return
		}
	}
}

// endlessWAVHeader begins a WAV stream of unknown length: both sizes are the largest number.
func endlessWAVHeader() []byte {
	header := audio.WAVHeader(0)
	binary.LittleEndian.PutUint32(header[4:], math.MaxUint32)
	binary.LittleEndian.PutUint32(header[audio.WAVHeaderBytes-4:], math.MaxUint32)
	return header
}

// streamWriter sends each write at once. A client that takes nothing for timeout is disconnected.
type streamWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func newStreamWriter(w http.ResponseWriter, timeout time.Duration) streamWriter {
	return streamWriter{w, http.NewResponseController(w), timeout}
}

func (s streamWriter) Write(b []byte) (int, error) {
	if err := s.control.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil {
		return 0, err
	}
	n, err := s.w.Write(b)
	if err != nil {
		return n, err
	}
	return n, s.control.Flush()
}
