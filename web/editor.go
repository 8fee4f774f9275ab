package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"guided/routines"
)

// speechTimeout is how long a check waits for what a speech program has not spoken yet; the next check finds more of it.
const speechTimeout = 2 * time.Second

// problem is one thing wrong with a routine being written.
type problem struct {
	Line int    `json:"line"` // 0: the whole
	Step string `json:"step,omitempty"`
	What string `json:"what"`
	Hint string `json:"hint,omitempty"`
}

// sourceRequest is a routine as the editor sends it.
type sourceRequest struct {
	TOML string `json:"toml"`
	Name string `json:"name"`
}

// checkResponse is what is told of it.
type checkResponse struct {
	Problems []problem `json:"problems"`
	Notes    []problem `json:"notes"` // it plays, but not as it is written
	Length   float64   `json:"length_s"`
	Timeline []step    `json:"timeline"`
	SVG      string    `json:"svg"`
	Preview  string    `json:"preview,omitempty"` // where it can be heard; only when there is no problem
}

// checkRoutine answers every problem of a routine being written, and how it would go.
func (s *handlers) checkRoutine(w http.ResponseWriter, r *http.Request) {
	var in sourceRequest
	if !readJSON(w, r, &in) {
		return
	}
	select {
	case s.checkSlots <- struct{}{}:
		defer func() { <-s.checkSlots }()
	case <-r.Context().Done():
		return
	}
	routine, score, problems := s.compileSource(r.Context(), "draft", in.TOML)
	out := checkResponse{Problems: problems, Notes: []problem{}, Timeline: []step{}}
	if score != nil {
		var picture bytes.Buffer
		if err := routines.Picture(score, &picture); err != nil {
			panic(err) // memory can be written
		}
		for _, n := range score.Notes {
			out.Notes = append(out.Notes, problem{Line: n.Line, Step: n.Step, What: n.What})
		}
		sum := sha256.Sum256([]byte(in.TOML))
		name := "preview-" + hex.EncodeToString(sum[:8])
		s.previews.put(name, routine)
		out.Length, out.Timeline, out.SVG, out.Preview = seconds(score.Len), timeline(score), picture.String(), s.audioPath(name, ".wav")
	}
	writeJSON(w, http.StatusOK, out)
}

// compileSource reads a routine and lays it out; the score is nil where there are problems.
func (s *handlers) compileSource(ctx context.Context, name, text string) (*routines.Routine, *routines.Score, []problem) {
	r, err := s.library.Check(name+".toml", []byte(text))
	if err != nil {
		return nil, nil, problemList(err)
	}
	speaking, cancel := context.WithTimeout(ctx, speechTimeout)
	defer cancel()
	p, err := s.newRendition(speaking, r, renditionQuery{})
	if errors.Is(err, context.DeadlineExceeded) { // it is spoken when it is heard
		var score *routines.Score
		score, err = routines.Compile(r, s.bank.Measure, s.cfg.Options(renditionQuery{}.Parameters))
		p = &rendition{score: score}
	}
	if err != nil {
		return nil, nil, problemList(err)
	}
	return r, p.score, []problem{}
}

// problemList gives each problem its place; the hint is what stands after the last semicolon.
func problemList(err error) []problem {
	var all routines.Problems
	if !errors.As(err, &all) {
		return []problem{{What: err.Error()}}
	}
	list := make([]problem, 0, len(all))
	for _, p := range all {
		what, hint := p.What, ""
		if i := strings.LastIndex(what, "; "); i > 0 {
			what, hint = what[:i], what[i+2:]
		}
		list = append(list, problem{p.Line, p.Step, what, hint})
	}
	return list
}

// maxPreviews is how many routines that are being written can be heard.
const maxPreviews = 8

// previewCache are the last routines that were checked, by a name made of their text.
type previewCache struct {
	mu       sync.Mutex
	names    []string
	routines map[string]*routines.Routine
}

func newPreviewCache() *previewCache { return &previewCache{routines: map[string]*routines.Routine{}} }

func (d *previewCache) get(name string) *routines.Routine {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.routines[name]
}

func (d *previewCache) put(name string, r *routines.Routine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names = append(slices.DeleteFunc(d.names, func(n string) bool { return n == name }), name)
	d.routines[name] = r
	if len(d.names) > maxPreviews {
		delete(d.routines, d.names[0])
		d.names = d.names[1:]
	}
}

// validName is what a name may be that is saved under.
var validName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

var errNoRoutinesDir = errors.New("there is no folder for routines of your own; set routines.dir")

// isUserRoutine tells whether a routine lies in the user's folder.
func (s *handlers) isUserRoutine(name string) bool {
	if s.cfg.Own == "" {
		return false
	}
	info, err := fs.Stat(os.DirFS(s.cfg.Own), name+".toml")
	return err == nil && info.Mode().IsRegular()
}

// saveRoutine writes a routine into the user's folder, where it has no problem.
func (s *handlers) saveRoutine(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var in sourceRequest
	if !readJSON(w, r, &in) {
		return
	}
	if err := s.checkWritable(name); err != nil {
		writeJSON(w, http.StatusBadRequest, errorResponse{Error: err.Error()})
		return
	}
	if _, _, problems := s.compileSource(r.Context(), name, in.TOML); len(problems) > 0 {
		writeJSON(w, http.StatusBadRequest, errorResponse{"the routine has problems and was not saved", problems})
		return
	}
	if err := s.writeRoutine(name+".toml", []byte(in.TOML)); err != nil {
		s.log.Error("a routine cannot be saved", "routine", name, "err", err)
		writeJSON(w, http.StatusInternalServerError, errorResponse{Error: err.Error()})
		return
	}
	s.player.Rescan()
	writeJSON(w, http.StatusOK, map[string]string{"saved": name})
}

// removeRoutine puts one of the user's routines aside.
func (s *handlers) removeRoutine(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !validName.MatchString(name) || !s.isUserRoutine(name) {
		writeJSON(w, http.StatusNotFound, errorResponse{Error: fmt.Sprintf("%q is none of your own routines", truncate(name))})
		return
	}
	root, err := os.OpenRoot(s.cfg.Own)
	if err == nil {
		defer root.Close()
		err = root.Rename(name+".toml", name+".toml.bak")
	}
	if err != nil {
		s.log.Error("a routine cannot be removed", "routine", name, "err", err)
		writeJSON(w, http.StatusInternalServerError, errorResponse{Error: err.Error()})
		return
	}
	s.player.Rescan()
	writeJSON(w, http.StatusOK, map[string]string{"removed": name})
}

// checkWritable tells why a name cannot be written to, nil where it can.
func (s *handlers) checkWritable(name string) error {
	switch {
	case s.cfg.Own == "":
		return errNoRoutinesDir
	case !validName.MatchString(name):
		return errors.New("a name is up to 64 small letters, digits and hyphens, such as my-morning")
	case s.isUserRoutine(name):
		return nil
	}
	if _, err := fs.Stat(routines.Builtin(), name+".toml"); err == nil {
		return fmt.Errorf("%q is built in; save yours under another name", name)
	}
	return nil
}

// writeRoutine replaces a file in the user's folder at once, and keeps what was there as FILE.bak. Nothing outside the folder
// can be reached, by whatever link.
func (s *handlers) writeRoutine(file string, data []byte) error {
	if err := os.MkdirAll(s.cfg.Own, 0o755); err != nil {
		return fmt.Errorf("making the folder of routines: %w", err)
	}
	root, err := os.OpenRoot(s.cfg.Own)
	if err != nil {
		return fmt.Errorf("opening the folder of routines: %w", err)
	}
	defer root.Close()
	if before, err := root.ReadFile(file); err == nil {
		if err := replaceFile(root, file+".bak", before); err != nil {
			return err
		}
	}
	return replaceFile(root, file, data)
}

// replaceFile writes a file beside another and moves it there, so that at any time, also after a power cut, one of them is
// whole.
func replaceFile(root *os.Root, file string, data []byte) error {
	part := "." + file + "." + rand.Text()
	err := writeSynced(root, part, data)
	if err == nil {
		err = root.Rename(part, file)
	}
	if err != nil {
		_ = root.Remove(part) // it may not be there
		return fmt.Errorf("saving the routine: %w", err)
	}
	return nil
}

func writeSynced(root *os.Root, file string, data []byte) error {
	f, err := root.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
