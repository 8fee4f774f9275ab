package web

import (
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"guided/routines"
)

// stallTime is how long a reader may take nothing at all: a speaker that is paused holds its connection.
const stallTime = 5 * time.Minute

// file is a routine as a file: /audio/TOKEN/NAME.wav or .flac, as much of it as is asked for.
func (s *server) file(w http.ResponseWriter, r *http.Request) {
	ending := path.Ext(r.PathValue("file"))
	name := strings.TrimSuffix(r.PathValue("file"), ending)
	if ending != ".wav" && ending != ".flac" {
		say(w, http.StatusNotFound, "a routine is had as NAME.wav or NAME.flac")
		return
	}
	a, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		say(w, http.StatusBadRequest, err.Error())
		return
	}
	routine, err := s.find(name)
	if err != nil {
		say(w, statusOf(err), err.Error())
		return
	}
	if !s.admit(w) {
		return
	}
	defer s.release()
	p, err := s.perform(r.Context(), routine, a)
	switch {
	case r.Context().Err() != nil:
		return
	case err != nil:
		say(w, http.StatusBadRequest, err.Error())
		return
	}
	content, kind, err := s.content(r, p, ending)
	switch {
	case r.Context().Err() != nil:
		return
	case err != nil:
		s.log.Warn("a file cannot be made", "routine", routine.Name, "ending", ending, "err", err)
		say(w, http.StatusServiceUnavailable, "this file cannot be made now ("+err.Error()+"); the same address with .wav needs no room on the disk")
		return
	}
	defer content.Close()
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("ETag", `"`+p.tag+ending+`"`)
	h.Set("Cache-Control", "no-cache")
	dlna(h, r)
	if strings.Contains(r.Header.Get("Range"), ",") { // several ranges in one answer: no player asks for that
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, "", time.Time{}, patient{content, http.NewResponseController(w)})
}

// find is a routine of the library, or one being written.
func (s *server) find(name string) (*routines.Routine, error) {
	if r := s.drafts.get(name); r != nil {
		return r, nil
	}
	return s.library.Load(name)
}

// statusOf is the status of an error of the library.
func statusOf(err error) int {
	if errors.Is(err, routines.ErrNotFound) {
		return http.StatusNotFound
	}
	return http.StatusUnprocessableEntity
}

// content is what a file holds.
func (s *server) content(r *http.Request, p *performance, ending string) (io.ReadSeekCloser, string, error) {
	if ending == ".flac" {
		f, err := s.flac.open(r.Context(), p.tag, func(w io.WriteSeeker) error { return s.encodeFLAC(w, p) })
		return f, "audio/flac", err
	}
	return newWAV(s.sound(r.Context(), p)), "audio/wav", nil
}

// admit counts the streams; it refuses what would be too many, and says so.
func (s *server) admit(w http.ResponseWriter) bool {
	select {
	case s.streams <- struct{}{}:
		return true
	default:
		w.Header().Set("Retry-After", "5")
		say(w, http.StatusServiceUnavailable, "too many are listening; try again in a moment")
		return false
	}
}

func (s *server) release() { <-s.streams }

// dlna answers what a DLNA player asks for, in the letters that it asks in.
func dlna(h http.Header, r *http.Request) {
	if r.Header.Get("getcontentFeatures.dlna.org") != "" {
		// Any byte may be asked for; this is the original; it may be streamed, stalled and fetched in the background.
		h["contentFeatures.dlna.org"] = []string{"DLNA.ORG_OP=01;DLNA.ORG_CI=0;DLNA.ORG_FLAGS=01700000000000000000000000000000"}
	}
	if r.Header.Get("transferMode.dlna.org") != "" {
		h["transferMode.dlna.org"] = []string{"Streaming"}
	}
}

// patient gives a slow reader time with every block, and a reader that has stopped an end.
type patient struct {
	io.ReadSeeker
	to *http.ResponseController
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.to.SetWriteDeadline(time.Now().Add(stallTime)); err != nil {
		return 0, err
	}
	return p.ReadSeeker.Read(b)
}
