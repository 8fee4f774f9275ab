package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// getState answers what the player does.
func (s *handlers) getState(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, withClock(s.player.State()))
}

// getInfo answers what the player is.
func (s *handlers) getInfo(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.player.Info())
}

// postCommand gives the player a command: the verb is in the path, its keys are in the body.
func (s *handlers) postCommand(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		writeJSON(w, bodyErrorStatus(err), errorResponse{Error: "reading the command: " + err.Error()})
		return
	}
	keys := map[string]json.RawMessage{}
	if len(data) > 0 && json.Unmarshal(data, &keys) != nil {
		writeJSON(w, http.StatusBadRequest, errorResponse{Error: `the body is no JSON object, such as {"routine":"yoga"}`})
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
	writeJSON(w, status, response)
}

func bodyErrorStatus(err error) int {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// writeText answers with a sentence.
func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// writeJSON answers with JSON. A client that has gone does not matter.
func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // what is answered are structs of our own
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// errorResponse is the answer of the API to what cannot be done.
type errorResponse struct {
	Error    string    `json:"error"`
	Problems []problem `json:"problems,omitempty"`
}

// readJSON reads a JSON body, and answers where that fails.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		writeJSON(w, bodyErrorStatus(err), errorResponse{Error: "reading what was sent: " + err.Error()})
		return false
	}
	return true
}
