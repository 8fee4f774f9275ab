package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

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

// getCommands answers the last commands that the player was given, from everywhere.
func (h *handlers) getCommands(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, h.Player.Given())
}

// postCommand gives the player a command: the verb is in the path, its keys are in the body.
func (h *handlers) postCommand(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body) // takeBody has it in memory
	verb := r.PathValue("verb")
	if !h.verbs.enter(verb) {
		writeBusy(w, r, "too many commands come at once")
		return
	}
	defer h.verbs.leave(verb)
	c, err := player.ParseBody(verb, data)
	c.From = "the page, " + clientAddress(r)
	response := h.Do(c, err)
	status := http.StatusOK
	if response.Status == "error" {
		status = http.StatusBadRequest
	}
	writeJSON(w, status, response)
}

// clientAddress is the address that a request came from, for people. Behind a proxy it is the proxy's, and what the proxy
// tells of its client stands beside it; anybody may write that.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	const longest = 60 // bytes; an IPv6 address with its zone is shorter
	if of := r.Header.Get("X-Forwarded-For"); of != "" && len(of) <= longest {
		host += fmt.Sprintf(" for %q", of)
	}
	return host
}

// readBody reads a request's body. Where that fails it answers the request and returns false.
func readBody(w http.ResponseWriter, body io.Reader) ([]byte, bool) {
	data, err := io.ReadAll(body)
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return data, true
	case errors.As(err, &large):
		w.Header().Set("Connection", "close")
		writeJSON(w, http.StatusRequestEntityTooLarge, errorResponse{Error: fmt.Sprintf("what was sent is larger than %d KB", large.Limit>>10)})
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		writeJSON(w, http.StatusRequestTimeout, errorResponse{Error: "what was sent did not come in time"})
	default:
		writeJSON(w, http.StatusBadRequest, errorResponse{Error: "what was sent ends too early"})
	}
	return nil, false
}

// readJSON decodes a request's body, one JSON object with known keys, into v, a pointer to a struct. Where that fails it
// answers the request and returns false.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	data, _ := io.ReadAll(r.Body) // takeBody has it in memory
	if err := decodeObject(data, v); err != nil {
		writeJSON(w, http.StatusBadRequest, errorResponse{Error: err.Error()})
		return false
	}
	return true
}

// decodeObject decodes one JSON object. The error is a sentence for the client.
func decodeObject(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("what was sent is no UTF-8; nothing of it is guessed")
	}
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) == 0 || text[0] != '{' {
		return errors.New("what was sent is no JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	d.UseNumber()
	var wrong *json.UnmarshalTypeError
	switch err := d.Decode(v); {
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: is a %s, and must be another kind of value", truncate(wrong.Field), wrong.Value)
	case err != nil:
		return fmt.Errorf("what was sent cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("what was sent goes on after the end of its JSON object")
	}
	return checkKeysOnce(data)
}

// checkKeysOnce refuses a flat object of valid JSON that has a key twice, in any case: which one is meant is not guessed.
func checkKeysOnce(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	seen := map[string]bool{}
	_, _ = d.Token() // the brace
	for d.More() {
		token, err := d.Token()
		key, is := token.(string)
		if err != nil || !is {
			return errors.New("what was sent is no JSON object")
		}
		if key = strings.ToLower(key); seen[key] {
			return fmt.Errorf("%s stands more than once", truncate(key))
		}
		seen[key] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return errors.New("what was sent is no JSON object")
		}
	}
	return nil
}

// errorResponse is the API's answer to a request that failed.
type errorResponse struct {
	Error    string    `json:"error"`
	Hint     string    `json:"hint,omitempty"` // for a program
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
