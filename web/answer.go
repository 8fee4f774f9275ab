package web

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// say answers with a sentence.
func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// answer answers with JSON. A client that has gone does not matter.
func answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // what is answered are structs of our own
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// failure is the answer of the API to what cannot be done.
type failure struct {
	Error    string    `json:"error"`
	Problems []problem `json:"problems,omitempty"`
}
