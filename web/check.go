package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"guided/routines"
)

// speakTime is how long a check waits for what a speech program has not spoken yet; the next check finds more of it.
const speakTime = 2 * time.Second

// problem is one thing wrong with a routine being written.
type problem struct {
	Line int    `json:"line"` // 0: the whole
	Step string `json:"step,omitempty"`
	What string `json:"what"`
	Hint string `json:"hint,omitempty"`
}

// written is a routine as the editor sends it.
type written struct {
	TOML string `json:"toml"`
	Name string `json:"name"`
}

// checked is what is told of it.
type checked struct {
	Problems []problem `json:"problems"`
	Notes    []problem `json:"notes"` // it plays, but not as it is written
	Length   float64   `json:"length_s"`
	Timeline []step    `json:"timeline"`
	SVG      string    `json:"svg"`
	Preview  string    `json:"preview,omitempty"` // where it can be heard; only when there is no problem
}

// check answers every problem of a routine being written, and how it would go.
func (s *server) check(w http.ResponseWriter, r *http.Request) {
	var in written
	if !body(w, r, &in) {
		return
	}
	select {
	case s.checks <- struct{}{}:
		defer func() { <-s.checks }()
	case <-r.Context().Done():
		return
	}
	routine, score, problems := s.examine(r.Context(), "draft", in.TOML)
	out := checked{Problems: problems, Notes: []problem{}, Timeline: []step{}}
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
		s.drafts.put(name, routine)
		out.Length, out.Timeline, out.SVG, out.Preview = seconds(score.Len), timeline(score), picture.String(), s.address(name, ".wav")
	}
	answer(w, http.StatusOK, out)
}

// examine reads a routine and lays it out; the score is nil where there are problems.
func (s *server) examine(ctx context.Context, name, text string) (*routines.Routine, *routines.Score, []problem) {
	r, err := s.library.Check(name+".toml", []byte(text))
	if err != nil {
		return nil, nil, problemsOf(err)
	}
	speaking, cancel := context.WithTimeout(ctx, speakTime)
	defer cancel()
	p, err := s.perform(speaking, r, asked{})
	if errors.Is(err, context.DeadlineExceeded) { // it is spoken when it is heard
		var score *routines.Score
		score, err = routines.Compile(r, s.bank.Measure, s.cfg.Options(asked{}.Parameters))
		p = &performance{score: score}
	}
	if err != nil {
		return nil, nil, problemsOf(err)
	}
	return r, p.score, []problem{}
}

// problemsOf gives each problem its place; the hint is what stands after the last semicolon.
func problemsOf(err error) []problem {
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

// body reads a JSON body, and answers where that fails.
func body(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		answer(w, statusOfBody(err), failure{Error: "reading what was sent: " + err.Error()})
		return false
	}
	return true
}
