package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"guided/player"
)

// state answers what the player does.
func (s *server) state(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, stated(s.player.State()))
}

// info answers what the player is.
func (s *server) info(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.player.Info())
}

// command gives the player a command: the verb is in the path, its keys are in the body.
func (s *server) command(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		answer(w, statusOfBody(err), failure{Error: "reading the command: " + err.Error()})
		return
	}
	keys := map[string]json.RawMessage{}
	if len(data) > 0 && json.Unmarshal(data, &keys) != nil {
		answer(w, http.StatusBadRequest, failure{Error: `the body is no JSON object, such as {"routine":"yoga"}`})
		return
	}
	verb, err := json.Marshal(r.PathValue("verb"))
	if err != nil {
		panic(err) // a string is JSON
	}
	keys["command"] = verb
	order, err := json.Marshal(keys)
	if err != nil {
		panic(err) // it was JSON
	}
	response := s.player.Order(order)
	status := http.StatusOK
	if response.Status == "error" {
		status = http.StatusBadRequest
	}
	answer(w, status, response)
}

func statusOfBody(err error) int {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// listed is a routine of the library, and where its files are.
type listed struct {
	player.RoutineInfo
	WAV  string `json:"wav"`
	FLAC string `json:"flac"`
	Own  bool   `json:"own"` // it lies in the user's folder
}

func (s *server) listed(i player.RoutineInfo) listed {
	return listed{i, s.address(i.Name, ".wav"), s.address(i.Name, ".flac"), s.own(i.Name)}
}

// address is the path of a file.
func (s *server) address(name, ending string) string {
	return "/audio/" + s.login.speakers() + "/" + url.PathEscape(name) + ending
}

// routines answers the library.
func (s *server) routines(w http.ResponseWriter, _ *http.Request) {
	list := []listed{}
	for _, i := range s.player.Info().Routines {
		list = append(list, s.listed(i))
	}
	answer(w, http.StatusOK, map[string]any{"routines": list})
}
