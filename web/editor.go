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

// speechTimeout is how long a check waits for phrases that a speech program must synthesize first. Those that are ready
// by then stay cached for the next check.
const speechTimeout = 2 * time.Second

// sourceRequest is a routine as the page's editor sends it.
type sourceRequest struct {
	TOML string `json:"toml"`
	Name string `json:"name"` // sent by the page, not used
}

// problem is one thing wrong with a routine.
type problem struct {
	Line int    `json:"line"` // 0: the whole routine
	Step string `json:"step,omitempty"`
	What string `json:"what"`
	Hint string `json:"hint,omitempty"`
}

// checkResponse is the result of checking a routine.
type checkResponse struct {
	Problems []problem `json:"problems"`
	Notes    []problem `json:"notes"` // it plays, but not exactly as written
	Length   float64   `json:"length_s"`
	Timeline []step    `json:"timeline"`
	SVG      string    `json:"svg"`
	Preview  string    `json:"preview,omitempty"` // the path of its audio; only without problems
}

// checkRoutine answers every problem of a routine that is being written, or else its length, timeline and preview.
func (h *handlers) checkRoutine(w http.ResponseWriter, r *http.Request) {
	var in sourceRequest
	if !readJSON(w, r, &in) {
		return
	}
	select {
	case h.checkSlots <- struct{}{}:
		defer func() { <-h.checkSlots }()
	case <-r.Context().Done():
		return
	}
	routine, score, problems := h.compileSource(r.Context(), "draft", in.TOML)
	out := checkResponse{Problems: problems, Notes: []problem{}, Timeline: []step{}}
	if score != nil {
		var picture bytes.Buffer
		if err := routines.WriteSVG(score, &picture); err != nil {
			panic(err) // a bytes.Buffer takes every write
		}
		for _, n := range score.Notes {
			out.Notes = append(out.Notes, problem{Line: n.Line, Step: n.Step, What: n.What})
		}
		sum := sha256.Sum256([]byte(in.TOML))
		name := "preview-" + hex.EncodeToString(sum[:8])
		h.previews.put(name, routine)
		out.Length, out.Timeline, out.SVG, out.Preview = seconds(score.Len), timeline(score), picture.String(), h.audioPath(name, ".wav")
	}
	writeJSON(w, http.StatusOK, out)
}

// compileSource reads a routine and compiles it; the score is nil where there are problems.
func (h *handlers) compileSource(ctx context.Context, name, text string) (*routines.Routine, *routines.Score, []problem) {
	r, err := h.Library.Check(ctx, name+".toml", []byte(text))
	if err != nil {
		return nil, nil, problemList(err)
	}
	limited, cancel := context.WithTimeout(ctx, speechTimeout)
	defer cancel()
	var score *routines.Score
	rendition, err := h.newRendition(limited, r, renditionQuery{})
	switch {
	case err == nil:
		score = rendition.score
	case errors.Is(err, context.DeadlineExceeded): // as Measure has it now; the phrases are synthesized when the preview is played
		score, err = routines.Compile(ctx, r, h.Bank.Measure, h.Options(renditionQuery{}.Parameters))
	}
	if err != nil {
		return nil, nil, problemList(err)
	}
	return r, score, []problem{}
}

// problemList gives each problem of err its line and step. The hint is what follows the last semicolon.
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

// maxPreviews is how many checked routines can be heard.
const maxPreviews = 8

// previewCache holds the routines that were checked last, by a name made from their text.
type previewCache struct {
	mu       sync.Mutex
	names    []string // the oldest first
	routines map[string]*routines.Routine
}

func newPreviewCache() *previewCache { return &previewCache{routines: map[string]*routines.Routine{}} }

// get returns the routine of that name, or nil.
func (c *previewCache) get(name string) *routines.Routine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.routines[name]
}

// put adds a routine and drops the oldest where there are too many.
func (c *previewCache) put(name string, r *routines.Routine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = append(slices.DeleteFunc(c.names, func(n string) bool { return n == name }), name)
	c.routines[name] = r
	if len(c.names) > maxPreviews {
		delete(c.routines, c.names[0])
		c.names = c.names[1:]
	}
}

// validName matches the names under which a routine can be saved.
var validName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

var errNoRoutinesDir = errors.New("there is no folder for routines of your own; set routines.dir")

// isUserRoutine reports whether a routine is in the user's folder.
func (h *handlers) isUserRoutine(name string) bool {
	if h.RoutinesDir == "" {
		return false
	}
	info, err := fs.Stat(os.DirFS(h.RoutinesDir), name+".toml")
	return err == nil && info.Mode().IsRegular()
}

// saveRoutine writes a routine without problems into the user's folder.
func (h *handlers) saveRoutine(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var in sourceRequest
	if !readJSON(w, r, &in) {
		return
	}
	if err := h.checkWritable(name); err != nil {
		writeJSON(w, http.StatusBadRequest, errorResponse{Error: err.Error()})
		return
	}
	if _, _, problems := h.compileSource(r.Context(), name, in.TOML); len(problems) > 0 {
		writeJSON(w, http.StatusBadRequest, errorResponse{"the routine has problems and was not saved", problems})
		return
	}
	if err := h.writeRoutine(name+".toml", []byte(in.TOML)); err != nil {
		h.Log.Error("a routine cannot be saved", "routine", name, "err", err)
		writeJSON(w, http.StatusInternalServerError, errorResponse{Error: err.Error()})
		return
	}
	h.Player.Rescan()
	writeJSON(w, http.StatusOK, map[string]string{"saved": name})
}

// removeRoutine renames one of the user's routines to NAME.toml.bak.
func (h *handlers) removeRoutine(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !validName.MatchString(name) || !h.isUserRoutine(name) {
		writeJSON(w, http.StatusNotFound, errorResponse{Error: fmt.Sprintf("%q is none of your own routines", truncate(name))})
		return
	}
	root, err := os.OpenRoot(h.RoutinesDir)
	if err == nil {
		defer root.Close()
		err = root.Rename(name+".toml", name+".toml.bak")
	}
	if err != nil {
		h.Log.Error("a routine cannot be removed", "routine", name, "err", err)
		writeJSON(w, http.StatusInternalServerError, errorResponse{Error: err.Error()})
		return
	}
	h.Player.Rescan()
	writeJSON(w, http.StatusOK, map[string]string{"removed": name})
}

// checkWritable returns an error where nothing can be saved under a name.
func (h *handlers) checkWritable(name string) error {
	switch {
	case h.RoutinesDir == "":
		return errNoRoutinesDir
	case !validName.MatchString(name):
		return errors.New("a name is up to 64 small letters, digits and hyphens, such as my-morning")
	case h.isUserRoutine(name):
		return nil
	}
	if _, err := fs.Stat(routines.Builtin(), name+".toml"); err == nil {
		return fmt.Errorf("%q is built in; save yours under another name", name)
	}
	return nil
}

// writeRoutine replaces a file of the user's folder atomically, and keeps the previous one as FILE.bak. No link leads
// out of the folder.
func (h *handlers) writeRoutine(file string, data []byte) error {
	if err := os.MkdirAll(h.RoutinesDir, 0o755); err != nil {
		return fmt.Errorf("making the folder of routines: %w", err)
	}
	root, err := os.OpenRoot(h.RoutinesDir)
	if err != nil {
		return fmt.Errorf("opening the folder of routines: %w", err)
	}
	defer root.Close()
	if info, err := root.Stat(file); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s %w; move it out of the folder of routines", file, routines.ErrNotAFile) // reading a pipe would block
	}
	if before, err := root.ReadFile(file); err == nil {
		if err := replaceFile(root, file+".bak", before); err != nil {
			return err
		}
	}
	return replaceFile(root, file, data)
}

// replaceFile writes a temporary file and renames it, so that the old file or the new one is whole at any time, also
// after a power cut.
func replaceFile(root *os.Root, file string, data []byte) error {
	temporary := "." + file + "." + rand.Text()
	err := writeSynced(root, temporary, data)
	if err == nil {
		err = root.Rename(temporary, file)
	}
	if err != nil {
		_ = root.Remove(temporary) // it may not exist
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
