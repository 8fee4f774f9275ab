package web

import (
	"fmt"
	"net/http"
	"time"

	"guided/player"
)

// What one request for sessions gets at most.
const (
	maxSessionDays = 62
	maxSessions    = 500
)

// requireHistory answers why there is none, where none is kept.
func (h *handlers) requireHistory(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if h.History == nil || !h.History.Keeps() { // the settings may change while we run
			writeJSON(w, http.StatusNotFound, errorResponse{Error: "no history is kept; set history.keep"})
			return
		}
		next(w, r)
	}
}

// getHistory answers what was done: the sums, the days of the last year, and the last sessions.
func (h *handlers) getHistory(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, h.History.View())
}

// sessionsResponse are the sessions of some days, the newest first.
type sessionsResponse struct {
	Sessions []player.Record `json:"sessions"`
	More     int             `json:"more,omitempty"` // that there are too, and are older
}

// getSessions answers the sessions that began on the days of "from" to "to".
func (h *handlers) getSessions(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, err := time.Parse(time.DateOnly, q.Get("from"))
	to, err2 := time.Parse(time.DateOnly, q.Get("to"))
	days := int(to.Sub(from).Hours()/24) + 1
	if err != nil || err2 != nil || days < 1 || days > maxSessionDays {
		writeJSON(w, http.StatusBadRequest, errorResponse{Error: fmt.Sprintf("name the first and the last day, at most %d: ?from=2026-11-22&to=2026-11-28", maxSessionDays)})
		return
	}
	sessions, more, err := h.History.Between(from, to, maxSessions)
	if err != nil {
		h.Log.Error("the history cannot be read", "err", err)
		writeJSON(w, http.StatusInternalServerError, errorResponse{Error: "the history cannot be read; the log of guided tells more"})
		return
	}
	writeJSON(w, http.StatusOK, sessionsResponse{append([]player.Record{}, sessions...), more}) // an empty list is one in JSON too
}
