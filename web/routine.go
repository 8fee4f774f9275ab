package web

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"guided/player"
	"guided/routines"
)

// routine answers all of one routine: what is told of it, its source, and its timeline where it has one.
func (s *server) routine(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	text, err := s.source(name)
	if err != nil {
		answer(w, statusOf(err), failure{Error: err.Error()})
		return
	}
	list := s.player.Info().Routines
	i := slices.IndexFunc(list, func(i player.RoutineInfo) bool { return i.Name == name })
	told := player.RoutineInfo{Name: name, Title: name, Steps: []string{}} // new, and not looked at by the player yet
	if i >= 0 {
		told = list[i]
	}
	steps := []step{}
	if score, _, err := s.laid(r, name); err == nil {
		steps = timeline(score)
	}
	answer(w, http.StatusOK, struct {
		listed
		TOML     string `json:"toml"`
		Timeline []step `json:"timeline"`
	}{s.listed(told), text, steps})
}

// source is a routine's file, of the first folder that has it.
func (s *server) source(name string) (string, error) {
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

// laid is a routine's score as the address asks for it, and the status of an error.
func (s *server) laid(r *http.Request, name string) (*routines.Score, int, error) {
	a, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	routine, err := s.find(name)
	if err != nil {
		return nil, statusOf(err), err
	}
	p, err := s.perform(r.Context(), routine, a)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	return p.score, http.StatusOK, nil
}

// breaths answers every breath and rep of a routine, at its time.
func (s *server) breaths(w http.ResponseWriter, r *http.Request) {
	score, status, err := s.laid(r, r.PathValue("name"))
	if err != nil {
		answer(w, status, failure{Error: err.Error()})
		return
	}
	answer(w, http.StatusOK, breaths(score))
}

// picture answers a routine's timeline as a picture.
func (s *server) picture(w http.ResponseWriter, r *http.Request) {
	name, is := strings.CutSuffix(r.PathValue("file"), ".svg")
	if !is {
		say(w, http.StatusNotFound, "a timeline is had as NAME.svg")
		return
	}
	score, status, err := s.laid(r, name)
	if err != nil {
		say(w, status, err.Error())
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
