package web

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
)

// Schedule is what starts by itself, as far as the page shows and changes it.
type Schedule struct {
	// Show is the coming week and the entries, as JSON.
	Show func(ctx context.Context) (any, error)
	// Save puts an entry, by the keys of a [[schedule]], in the place of the one with a name, or adds it where that is "". It
	// returns the name of the entry. What wraps fs.ErrInvalid, fs.ErrNotExist or fs.ErrExist (it stands in the settings) is a
	// refusal; every error is a sentence for people.
	Save func(ctx context.Context, name string, entry map[string]any) (saved string, err error)
	// Remove removes an entry. Its errors are those of Save.
	Remove func(ctx context.Context, name string) error
}

// requireSchedule answers that nothing starts by itself, where there is no schedule.
func (h *handlers) requireSchedule(next http.HandlerFunc) http.HandlerFunc {
	if h.Schedule.Show == nil {
		return func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusNotFound, errorResponse{Error: "nothing is scheduled here"})
		}
	}
	return next
}

// getSchedule answers the coming week and the entries.
func (h *handlers) getSchedule(w http.ResponseWriter, r *http.Request) {
	view, err := h.Schedule.Show(r.Context())
	if err != nil {
		writeScheduleError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, view)
}

// saveEntry adds an entry, or changes the one that the path names.
func (h *handlers) saveEntry(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body) // takeBody has it in memory
	if len(data) > smallBodyBytes {
		writeJSON(w, http.StatusRequestEntityTooLarge, errorResponse{Error: "an entry of the schedule is not so large"})
		return
	}
	var entry map[string]any
	if err := decodeObject(data, &entry); err != nil {
		writeJSON(w, http.StatusBadRequest, errorResponse{Error: err.Error()})
		return
	}
	name, err := h.Schedule.Save(r.Context(), r.PathValue("name"), entry)
	if err != nil {
		writeScheduleError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"saved": name})
}

// removeEntry removes the entry that the path names.
func (h *handlers) removeEntry(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if err := h.Schedule.Remove(r.Context(), name); err != nil {
		writeScheduleError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"removed": name})
}

func writeScheduleError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, fs.ErrInvalid):
		status = http.StatusBadRequest
	case errors.Is(err, fs.ErrNotExist):
		status = http.StatusNotFound
	case errors.Is(err, fs.ErrExist):
		status = http.StatusConflict
	}
	writeJSON(w, status, errorResponse{Error: err.Error()})
}
