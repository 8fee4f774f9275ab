package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"guided/player"
)

// getState answers the player's state.
func (h *handlers) getState(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, withClock(h.Player.State()))
}

// getInfo answers the player's info: version, routines, outputs and verbs.
func (h *handlers) getInfo(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, h.Player.Info())
}

// postCommand gives the player a command: the verb is in the path, its keys are in the body.
func (h *handlers) postCommand(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		writeJSON(w, bodyErrorStatus(err), errorResponse{Error: "reading the command: " + err.Error()})
		return
	}
	response := h.Player.DoParsed(player.ParseBody(r.PathValue("verb"), data))
	status := http.StatusOK
	if response.Status == "error" {
		status = http.StatusBadRequest
	}
	writeJSON(w, status, response)
}

// readJSON decodes a request's body into v. Where that fails it answers the request and returns false.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		writeJSON(w, bodyErrorStatus(err), errorResponse{Error: "reading what was sent: " + err.Error()})
		return false
	}
	return true
}

// bodyErrorStatus is the status for an error of reading a request's body.
func bodyErrorStatus(err error) int {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// errorResponse is the API's answer to a request that failed.
type errorResponse struct {
	Error    string    `json:"error"`
	Problems []problem `json:"problems,omitempty"`
}

// writeJSON answers with JSON. A failed write means that the client has gone, and is ignored.
func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // every response is a plain struct or map of this program
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// writeText answers with a sentence.
func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
