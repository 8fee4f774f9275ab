package web

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
	"unsafe"

	"guided/routines"
)

// What is done at a time. A Raspberry Pi gives the whole service 256 MB, of which the player takes a third; what these
// limits allow together stays within the rest. A house has a dozen speakers, phones and tablets.
const (
	maxIdle        = 256 // connections that wait for a request
	maxConnections = 768 // in all, about 20 KB each: more than those below together; see connections
	maxEvents      = 64  // event streams: pages that are open
	maxListeners   = 64  // of the live sound
	maxFiles       = 32  // audio files that are sent
	maxEncodings   = 4   // FLAC files that are made
	maxSending     = 64  // requests whose body is on its way
	maxReports     = 8   // answers made from the library: lists, timelines, pictures, checks, saves
	maxWaiting     = 32  // requests that wait for one of them
	maxSameVerb    = 4   // commands of one verb: a start reads and compiles a routine

	// maxScoreBytes is how much memory the scores of the files being sent may take: 64 usual ones, or three of the largest.
	maxScoreBytes = 64 << 20

	patience = 5 * time.Second // how long a request waits for its turn
)

// gate lets so many requests in at a time, and has some others wait for a while.
type gate struct {
	slots, line chan struct{}
	patience    time.Duration
}

func newGate(slots, line int) *gate {
	return &gate{make(chan struct{}, slots), make(chan struct{}, line), patience}
}

// enter takes a slot, which leave gives back. It returns false where there is no room to wait, the patience has run out, or
// ctx ends.
func (g *gate) enter(ctx context.Context) bool {
	select {
	case g.slots <- struct{}{}:
		return true
	default:
	}
	select {
	case g.line <- struct{}{}:
		defer func() { <-g.line }()
	default:
		return false
	}
	timeout := time.NewTimer(g.patience)
	defer timeout.Stop()
	select {
	case g.slots <- struct{}{}:
		return true
	case <-timeout.C:
	case <-ctx.Done():
	}
	return false
}

func (g *gate) leave() { <-g.slots }

// limit answers 503 where a request cannot enter; busy says what there is too much of.
func (g *gate) limit(busy string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !g.enter(r.Context()) {
			writeBusy(w, r, busy)
			return
		}
		defer g.leave()
		next(w, r)
	}
}

// writeBusy answers 503 with a sentence, and when to try again.
func writeBusy(w http.ResponseWriter, r *http.Request, busy string) {
	w.Header().Set("Retry-After", "5")
	sentence := busy + "; try again in a moment"
	if strings.HasPrefix(r.URL.Path, "/api/") {
		writeJSON(w, http.StatusServiceUnavailable, errorResponse{Error: sentence})
		return
	}
	writeText(w, http.StatusServiceUnavailable, sentence)
}

// verbLimit counts the commands under way, by verb, so that slow ones never delay a stop.
type verbLimit struct {
	mu    sync.Mutex
	count map[string]int
}

func newVerbLimit() *verbLimit { return &verbLimit{count: map[string]int{}} }

// enter reports whether one more command of a verb may be carried out; if so, leave follows.
func (v *verbLimit) enter(verb string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.count[verb] == maxSameVerb {
		return false
	}
	v.count[verb]++
	return true
}

func (v *verbLimit) leave(verb string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.count[verb]--; v.count[verb] == 0 {
		delete(v.count, verb)
	}
}

// scoreBytes is about how much memory a score takes, together with what a renderer keeps for each of its cues.
func scoreBytes(s *routines.Score) int64 {
	const perCue = 64 // in the renderer
	return int64(len(s.Cues))*(int64(unsafe.Sizeof(routines.Cue{}))+perCue) + int64(len(s.Marks))*int64(unsafe.Sizeof(routines.Mark{}))
}
