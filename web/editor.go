package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
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
	TOML    string `json:"toml"`
	Name    string `json:"name"`    // check: under which it is to be saved
	Version string `json:"version"` // save: of the text that was edited
	Replace bool   `json:"replace"` // save: whatever is there
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
		out.Notes = append(out.Notes, h.nameNotes(in.Name, routine.Title)...)
		sum := sha256.Sum256([]byte(in.TOML))
		name := "preview-" + hex.EncodeToString(sum[:8])
		h.previews.put(name, routine)
		out.Length, out.Timeline, out.SVG, out.Preview = seconds(score.Len), timeline(score), picture.String(), h.audioPath(name, ".wav")
	}
	writeJSON(w, http.StatusOK, out)
}

// compileSource reads a routine and compiles it; the score is nil where there are problems.
func (h *handlers) compileSource(ctx context.Context, name, text string) (*routines.Routine, *routines.Score, []problem) {
	r, err := h.index.Check(ctx, name+".toml", []byte(text))
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
