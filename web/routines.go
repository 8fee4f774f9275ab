package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"guided/player"
	"guided/routines"
)

// routineEntry is a routine of the library, with the paths of its audio files.
type routineEntry struct {
	player.RoutineInfo
	WAV  string `json:"wav"`
	FLAC string `json:"flac"`
	Own  bool   `json:"own"` // it is in the user's folder
}

func (h *handlers) routineEntry(i player.RoutineInfo) routineEntry {
	return routineEntry{i, h.audioPath(i.Name, ".wav"), h.audioPath(i.Name, ".flac"), h.isUserRoutine(i.Name)}
}

// audioPath is the path of a routine's audio file; extension has its dot.
func (h *handlers) audioPath(name, extension string) string {
	return "/audio/" + h.auth.audioToken() + "/" + url.PathEscape(name) + extension
}

// listRoutines answers the library.
func (h *handlers) listRoutines(w http.ResponseWriter, _ *http.Request) {
	list := []routineEntry{}
	for _, i := range h.Player.Info().Routines {
		list = append(list, h.routineEntry(i))
	}
	writeJSON(w, http.StatusOK, map[string]any{"routines": list})
}

// getRoutine answers one routine: its entry, its TOML, and its timeline where it compiles.
func (h *handlers) getRoutine(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	text, err := h.readSource(r.Context(), name)
	if err != nil {
		writeJSON(w, libraryErrorStatus(err), errorResponse{Error: err.Error()})
		return
	}
	w.Header().Set("ETag", `"`+versionOf([]byte(text))+`"`)
	list := h.Player.Info().Routines
	i := slices.IndexFunc(list, func(i player.RoutineInfo) bool { return i.Name == name })
	info := player.RoutineInfo{Name: name, Title: name, Steps: []string{}} // a new file that the player has not scanned yet
	if i >= 0 {
		info = list[i]
	}
	steps := []step{}
	if score, _, err := h.scoreFor(r, name); err == nil {
		steps = timeline(score)
	}
	writeJSON(w, http.StatusOK, struct {
		routineEntry
		TOML     string `json:"toml"`
		Version  string `json:"version"` // of the text, for saving it
		Timeline []step `json:"timeline"`
	}{h.routineEntry(info), text, versionOf([]byte(text)), steps})
}

// readSource reads a routine's TOML from the first folder of the library that has it.
func (h *handlers) readSource(ctx context.Context, name string) (string, error) {
	names, _ := h.index.Names(ctx) // the player reports a folder that cannot be read
	if !slices.Contains(names, name) {
		if _, err := h.findRoutine(ctx, name); err != nil {
			return "", err
		}
		return "", fmt.Errorf("%w as %q; it is a title, ask for the name", routines.ErrNotFound, name)
	}
	for _, folder := range h.Library {
		if data, err := fs.ReadFile(folder, name+".toml"); err == nil {
			return string(data), nil
		}
	}
	return "", fmt.Errorf("%w as %q any more", routines.ErrNotFound, name)
}

// scoreFor compiles a routine as the query of the request asks, or returns an error and its status.
func (h *handlers) scoreFor(r *http.Request, name string) (*routines.Score, int, error) {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	routine, err := h.findRoutine(r.Context(), name)
	if err != nil {
		return nil, libraryErrorStatus(err), err
	}
	rendition, err := h.newRendition(r.Context(), routine, query)
	if err != nil {
		return nil, renditionErrorStatus(err), err
	}
	return rendition.score, http.StatusOK, nil
}

// libraryErrorStatus is the status for an error of [routines.Library.Load].
func libraryErrorStatus(err error) int {
	if errors.Is(err, routines.ErrNotFound) {
		return http.StatusNotFound
	}
	return http.StatusUnprocessableEntity
}

// getBreaths answers the time of every breath and rep of a routine.
func (h *handlers) getBreaths(w http.ResponseWriter, r *http.Request) {
	score, status, err := h.scoreFor(r, r.PathValue("name"))
	if err != nil {
		writeJSON(w, status, errorResponse{Error: err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, breaths(score))
}

// getPicture answers a routine's timeline as SVG.
func (h *handlers) getPicture(w http.ResponseWriter, r *http.Request) {
	name, is := strings.CutSuffix(r.PathValue("file"), ".svg")
	if !is {
		writeText(w, http.StatusNotFound, "a timeline is had as NAME.svg")
		return
	}
	score, status, err := h.scoreFor(r, name)
	if err != nil {
		writeText(w, status, err.Error())
		return
	}
	var b bytes.Buffer
	if err := routines.WriteSVG(score, &b); err != nil {
		panic(err) // a bytes.Buffer takes every write
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") // its styles are inline
	_, _ = b.WriteTo(w)                                                                        // a failed write: the client has gone
}

// step is a step of a timeline, or one side of it. Times are seconds.
type step struct {
	Name    string  `json:"name"`
	Side    string  `json:"side"`
	From    float64 `json:"from_s"`
	Len     float64 `json:"len_s"`
	Kind    string  `json:"kind"` // breathe, reps, count (a counted hold or rest), or say
	Breaths int     `json:"breaths"`
}

// timeline lists the steps of a score in order of time.
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

// breaths lists the breaths and reps of a score in order of time.
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

// seconds converts samples to seconds, cut to whole milliseconds.
func seconds(samples int) float64 { return float64(samples/(routines.Rate/1000)) / 1000 }
