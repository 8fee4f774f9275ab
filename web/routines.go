package web

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"guided/player"
	"guided/routines"
)

// getRoutine answers all of one routine: what is told of it, its source, and its timeline where it has one.
func (s *handlers) getRoutine(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	text, err := s.readSource(name)
	if err != nil {
		writeJSON(w, libraryErrorStatus(err), errorResponse{Error: err.Error()})
		return
	}
	list := s.player.Info().Routines
	i := slices.IndexFunc(list, func(i player.RoutineInfo) bool { return i.Name == name })
	told := player.RoutineInfo{Name: name, Title: name, Steps: []string{}} // new, and not looked at by the player yet
	if i >= 0 {
		told = list[i]
	}
	steps := []step{}
	if score, _, err := s.scoreFor(r, name); err == nil {
		steps = timeline(score)
	}
	writeJSON(w, http.StatusOK, struct {
		routineEntry
		TOML     string `json:"toml"`
		Timeline []step `json:"timeline"`
	}{s.routineEntry(told), text, steps})
}

// readSource is a routine's file, of the first folder that has it.
func (s *handlers) readSource(name string) (string, error) {
	names, _ := s.library.Names() // a folder that cannot be read is told by the player
	if !slices.Contains(names, name) {
		if _, err := s.library.Load(name); err != nil {
			return "", err
		}
		return "", fmt.Errorf("%w as %q; it is a title, ask for the name", routines.ErrNotFound, name)
	}
	for _, folder := range s.library {
		if data, err := fs.ReadFile(folder, name+".toml"); err == nil {
			return string(data), nil
		}
	}
	return "", fmt.Errorf("%w as %q any more", routines.ErrNotFound, name)
}

// scoreFor is a routine's score as the address asks for it, and the status of an error.
func (s *handlers) scoreFor(r *http.Request, name string) (*routines.Score, int, error) {
	a, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	routine, err := s.findRoutine(name)
	if err != nil {
		return nil, libraryErrorStatus(err), err
	}
	p, err := s.newRendition(r.Context(), routine, a)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	return p.score, http.StatusOK, nil
}

// getBreaths answers every breath and rep of a routine, at its time.
func (s *handlers) getBreaths(w http.ResponseWriter, r *http.Request) {
	score, status, err := s.scoreFor(r, r.PathValue("name"))
	if err != nil {
		writeJSON(w, status, errorResponse{Error: err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, breaths(score))
}

// getPicture answers a routine's timeline as a picture.
func (s *handlers) getPicture(w http.ResponseWriter, r *http.Request) {
	name, is := strings.CutSuffix(r.PathValue("file"), ".svg")
	if !is {
		writeText(w, http.StatusNotFound, "a timeline is had as NAME.svg")
		return
	}
	score, status, err := s.scoreFor(r, name)
	if err != nil {
		writeText(w, status, err.Error())
		return
	}
	var b bytes.Buffer
	if err := routines.Picture(score, &b); err != nil {
		panic(err) // memory can be written
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") // its styles are inside it
	_, _ = b.WriteTo(w)                                                                        // who has gone does not matter
}

// routineEntry is a routine of the library, and where its files are.
type routineEntry struct {
	player.RoutineInfo
	WAV  string `json:"wav"`
	FLAC string `json:"flac"`
	Own  bool   `json:"own"` // it lies in the user's folder
}

func (s *handlers) routineEntry(i player.RoutineInfo) routineEntry {
	return routineEntry{i, s.audioPath(i.Name, ".wav"), s.audioPath(i.Name, ".flac"), s.isUserRoutine(i.Name)}
}

// audioPath is the path of a file.
func (s *handlers) audioPath(name, ending string) string {
	return "/audio/" + s.auth.audioToken() + "/" + url.PathEscape(name) + ending
}

// listRoutines answers the library.
func (s *handlers) listRoutines(w http.ResponseWriter, _ *http.Request) {
	list := []routineEntry{}
	for _, i := range s.player.Info().Routines {
		list = append(list, s.routineEntry(i))
	}
	writeJSON(w, http.StatusOK, map[string]any{"routines": list})
}

// step is a step of a timeline, or one of its sides. Times are seconds.
type step struct {
	Name    string  `json:"name"`
	Side    string  `json:"side"`
	From    float64 `json:"from_s"`
	Len     float64 `json:"len_s"`
	Kind    string  `json:"kind"` // breathe, reps, count (a hold or a rest that is counted), or say
	Breaths int     `json:"breaths"`
}

// timeline is the steps of a score in the order of time.
func timeline(score *routines.Score) []step {
	list := []step{}
	for i := 0; i < len(score.Marks); i = score.NextStep(i) {
		m := score.Marks[i]
		if m.Kind != routines.StepMark {
			continue
		}
		t := step{Name: m.Name, Side: m.Side, From: seconds(m.At), Len: seconds(m.Len), Kind: "say"}
		for _, in := range score.Marks[i+1 : score.NextStep(i)] {
			switch {
			case in.Kind == routines.BreathMark:
				t.Kind = "breathe"
				t.Breaths++
			case in.Kind == routines.RepMark:
				t.Kind = "reps"
			case in.Kind == routines.CountMark && t.Kind == "say":
				t.Kind = "count"
			}
		}
		list = append(list, t)
	}
	return list
}

// breath is one breath or rep. Times are seconds.
type breath struct {
	At     float64 `json:"at_s"`
	Phases []phase `json:"phases"`
}

type phase struct {
	Name string  `json:"name"`
	At   float64 `json:"at_s"`
	Len  float64 `json:"len_s"`
}

// breaths are all of a score in the order of time.
func breaths(score *routines.Score) []breath {
	list := []breath{}
	for _, m := range score.Marks {
		switch m.Kind {
		case routines.BreathMark, routines.RepMark:
			list = append(list, breath{At: seconds(m.At), Phases: []phase{}})
		case routines.PhaseMark:
			if n := len(list); n > 0 {
				list[n-1].Phases = append(list[n-1].Phases, phase{m.Name, seconds(m.At), seconds(m.Len)})
			}
		}
	}
	return list
}

// seconds rounds samples to milliseconds.
func seconds(samples int) float64 { return float64(samples/(routines.Rate/1000)) / 1000 }
