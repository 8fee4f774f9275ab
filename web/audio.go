package web

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"guided/audio"
	"guided/routines"
)

const (
	stallTimeout  = 5 * time.Minute  // for a client of an audio file to take nothing: a paused speaker keeps its connection open
	fileTimeout   = 12 * time.Hour   // for a client to take a whole file, of four hours at most, with pauses
	listenTimeout = 30 * time.Second // for a listener of the live sound to take nothing
)

// A FLAC file that is finished within finishWait is served with its length. One that is asked for from its middle is worth a
// longer wait, searchWait: without its length it can only be played from its beginning.
const (
	finishWait = 200 * time.Millisecond
	searchWait = 2 * time.Second
)

// serveFile serves a routine as an audio file, /audio/TOKEN/NAME.wav or NAME.flac.
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
	if !h.files.enter(r.Context()) {
		writeBusy(w, r, "too many are listening")
		return
	}
	defer h.files.leave()
	ctx, cancel := context.WithTimeout(r.Context(), fileTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	routine, err := h.findRoutine(r.Context(), name)
	if err != nil {
		writeText(w, libraryErrorStatus(err), err.Error())
		return
	}
	rendition, err := h.newRendition(r.Context(), routine, query)
	switch {
	case r.Context().Err() != nil:
		return
	case err != nil:
		writeUnavailable(w, r, err)
		return
	case !h.acquireScore(rendition):
		writeBusy(w, r, "too many long routines are being listened to")
		return
	}
	defer h.releaseScore(rendition)
	w.Header().Set("Cache-Control", "no-cache")
	setDLNAHeaders(w.Header(), r)
	// No player asks for several ranges, and net/http answers the last no bytes with a range that ends before it begins
	// (RFC 9110, 14.4 forbids that): the whole file answers both.
	if asked := r.Header.Get("Range"); strings.Contains(asked, ",") || isEmptySuffix(asked) {
		r.Header.Del("Range")
	}
	if extension == ".flac" {
		w.Header().Set("Content-Type", "audio/flac")
		h.serveFLAC(w, r, rendition)
		return
	}
	w.Header().Set("Content-Type", "audio/wav")
	serveContent(w, r, rendition.id+extension, newWAVReader(h.newRenderer(r.Context(), rendition)))
}

// writeUnavailable answers why there is no rendition: 503 where it is only a matter of time.
func writeUnavailable(w http.ResponseWriter, r *http.Request, err error) {
	status := renditionErrorStatus(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	if strings.HasPrefix(r.URL.Path, "/api/routines/") {
		writeJSON(w, status, errorResponse{Error: err.Error()})
		return
	}
	writeText(w, status, err.Error())
}

// renditionErrorStatus is the status for an error of findRoutine or newRendition.
func renditionErrorStatus(err error) int {
	if errors.Is(err, errBusy) || errors.Is(err, errSpeaking) {
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// serveContent serves content that has a length, whole or by ranges, and closes it.
func serveContent(w http.ResponseWriter, r *http.Request, tag string, content io.ReadSeekCloser) {
	defer content.Close()
	w.Header().Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, deadlineReader{content, http.NewResponseController(w), r.Context()})
}

// serveFLAC serves a finished file by ranges. One that is not finished is sent while it is encoded, from its beginning and
// without Content-Length, which is not known before: a speaker waits ten seconds at most for the first byte, and a long
// routine takes a minute to encode. The header of the FLAC file tells the player how long it lasts.
func (h *handlers) serveFLAC(w http.ResponseWriter, r *http.Request, p *rendition) {
	tag := p.id + ".flac"
	if f := h.flacCache.open(p.id); f != nil {
		serveContent(w, r, tag, f)
		return
	}
	if strings.Contains(r.Header.Get("If-None-Match"), `"`+tag+`"`) {
		w.Header().Set("ETag", `"`+tag+`"`)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method == http.MethodHead { // a GET follows; encoding for it begins then
		return
	}
	f, err := h.flacCache.follow(r.Context(), p.id, func(ctx context.Context, w io.WriteSeeker) error {
		if !h.acquireScore(p) { // the encoding may outlive the request
			return errBusy
		}
		defer h.releaseScore(p)
		return h.encodeFLAC(ctx, w, p)
	})
	switch {
	case r.Context().Err() != nil:
		return
	case errors.Is(err, errTooManyEncodings):
		writeBusy(w, r, err.Error())
		return
	case err != nil:
		h.streamFLAC(w, r, p, 0)
		return
	}
	defer f.release()
	wait := finishWait
	if asked := r.Header.Get("Range"); asked != "" && !strings.HasPrefix(asked, "bytes=0-") {
		wait = searchWait
	}
	if f.finished(r.Context(), wait) {
		if finished := h.flacCache.open(p.id); finished != nil {
			serveContent(w, r, tag, finished)
			return
		}
	}
	err = f.copyTo(r.Context(), newStreamWriter(w, stallTimeout))
	switch {
	case err == nil:
	case errors.Is(err, errClient):
		panic(http.ErrAbortHandler) // the end of the response must not look like the end of the file
	default:
		h.streamFLAC(w, r, p, f.offset)
	}
}

// streamFLAC encodes a file for one client, without keeping it, from an offset on: what was encoded before is the same.
func (h *handlers) streamFLAC(w http.ResponseWriter, r *http.Request, p *rendition, offset int64) {
	if !h.flacCache.acquireSlot() {
		if offset > 0 {
			panic(http.ErrAbortHandler)
		}
		writeBusy(w, r, errTooManyEncodings.Error())
		return
	}
	defer h.flacCache.releaseSlot()
	if h.encodeFLAC(r.Context(), &skipWriter{newStreamWriter(w, stallTimeout), offset}, p) != nil { // the client has gone
		panic(http.ErrAbortHandler)
	}
}

// skipWriter leaves out the first bytes.
type skipWriter struct {
	w    io.Writer
	skip int64
}

func (s *skipWriter) Write(b []byte) (int, error) {
	n := min(int64(len(b)), s.skip)
	s.skip -= n
	if n == int64(len(b)) {
		return len(b), nil
	}
	written, err := s.w.Write(b[n:])
	return int(n) + written, err
}

// maxAskedName is the longest text that is looked up as a name or a title, in bytes.
const maxAskedName = 200

// findRoutine returns the preview of that name, or else the routine of the library.
func (h *handlers) findRoutine(ctx context.Context, name string) (*routines.Routine, error) {
	if r := h.previews.get(name); r != nil {
		return r, nil
	}
	if len(name) > maxAskedName {
		return nil, fmt.Errorf("%w as %q", routines.ErrNotFound, truncate(name))
	}
	return h.index.Load(ctx, name)
}

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
// one that takes nothing for stallTimeout, or is not done after fileTimeout, is disconnected.
type deadlineReader struct {
	io.ReadSeeker
	control *http.ResponseController
	ctx     context.Context // of the request
}

func (d deadlineReader) Read(b []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	if err := d.control.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	return d.ReadSeeker.Read(b)
}

// serveLive streams what the output plays, as a WAV file without an end. It is not chunked, which would take three writes in
// place of one; it ends with its connection.
func (h *handlers) serveLive(w http.ResponseWriter, r *http.Request) {
	if h.Tap == nil {
		writeText(w, http.StatusNotFound, "this output cannot be listened to; play a routine's own file")
		return
	}
	if !h.listeners.enter(r.Context()) {
		writeBusy(w, r, "too many are listening")
		return
	}
	defer h.listeners.leave()
	sound, err := h.Tap.Listen(r.Context())
	if err != nil {
		writeBusy(w, r, err.Error())
		return
	}
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Accept-Ranges", "none")
	setDLNAHeaders(w.Header(), r)
	if r.Method == http.MethodHead {
		return
	}
	w.Header().Set("Transfer-Encoding", "identity")
	out := newStreamWriter(w, listenTimeout)
	if _, err := out.Write(endlessWAVHeader()); err != nil {
		return
	}
	_, _ = sound.WriteTo(out) // until the listener has gone
}

// endlessWAVHeader begins a WAV stream of unknown length: both sizes are the largest number.
func endlessWAVHeader() []byte {
	header := audio.WAVHeader(0)
	binary.LittleEndian.PutUint32(header[4:], math.MaxUint32)
	binary.LittleEndian.PutUint32(header[audio.WAVHeaderBytes-4:], math.MaxUint32)
	return header
}

// streamWriter sends each write at once. A client that takes nothing for one or two times timeout is disconnected: the deadlines
// of all clients are the same few moments, so that they seldom change and seldom wake the daemon.
type streamWriter struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	timeout  time.Duration
	deadline time.Time
}

func newStreamWriter(w http.ResponseWriter, timeout time.Duration) *streamWriter {
	return &streamWriter{w: w, control: http.NewResponseController(w), timeout: timeout}
}

func (s *streamWriter) Write(b []byte) (int, error) {
	if deadline := time.Now().Truncate(s.timeout).Add(2 * s.timeout); deadline != s.deadline {
		if err := s.control.SetWriteDeadline(deadline); err != nil {
			return 0, err
		}
		s.deadline = deadline
	}
	n, err := s.w.Write(b)
	if err != nil {
		return n, err
	}
	return n, s.control.Flush()
}

// isEmptySuffix reports whether a Range asks for the last no bytes of a file.
func isEmptySuffix(asked string) bool {
	suffix, is := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(asked, "bytes=")), "-")
	n, err := strconv.ParseInt(strings.TrimSpace(suffix), 10, 64)
	return is && err == nil && n == 0
}
