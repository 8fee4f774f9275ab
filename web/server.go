package web

import (
	"context"
	"embed"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"

	"guided/routines"
)

//go:embed page
var pageFiles embed.FS

// handlers answer the requests of a Server; the fields are what they share.
type handlers struct {
	Server
	index       *routines.Index // of the library
	addr        net.Addr        // that it listens on
	auth        *auth
	flacCache   *fileCache
	previews    *previewCache
	renderSlots chan struct{}       // renderers at a time: one core is left to the player
	saving      chan struct{}       // one save or removal at a time
	compiles    *gate               // compilers at a time: as renderSlots
	files       *gate               // maxFiles
	listeners   *gate               // maxListeners
	events      *gate               // maxEvents
	reports     *gate               // maxReports
	sending     *gate               // maxSending
	verbs       *verbLimit          // maxSameVerb
	scores      *semaphore.Weighted // maxScoreBytes
	bodies      *semaphore.Weighted // maxBodies
}

// newHandlers makes the handlers; their goroutines belong to background and end with ctx.
func newHandlers(ctx context.Context, s Server, addr net.Addr, background *sync.WaitGroup) (*handlers, error) {
	auth, err := newAuth(s.Config, s.Token.orLoad(s.Config, s.StateDir, s.Log), addr)
	if err != nil {
		return nil, err
	}
	if s.Do == nil {
		s.Do = s.Player.DoParsed
	}
	spareCores := max(1, runtime.NumCPU()-1)
	removeUnfinishedSaves(s.RoutinesDir, s.Log)
	return &handlers{
		Server: s, index: routines.NewIndex(s.Library), addr: addr, auth: auth, previews: newPreviewCache(),
		flacCache:   newFileCache(ctx, filepath.Join(s.CacheDir, "flac"), background, s.Log),
		renderSlots: make(chan struct{}, spareCores), saving: make(chan struct{}, 1),
		compiles: newGate(spareCores, maxWaiting), files: newGate(maxFiles, 0), listeners: newGate(maxListeners, 0),
		events: newGate(maxEvents, 0), sending: newGate(maxSending, 0), reports: newGate(maxReports, maxWaiting), verbs: newVerbLimit(), scores: semaphore.NewWeighted(maxScoreBytes),
		bodies: semaphore.NewWeighted(maxBodies),
	}, nil
}

// routes returns every path with its checks. Speakers cannot log in and reach the server by any name, so their paths hold
// a token of their own; every other path is for browsers and programs.
func (h *handlers) routes() http.Handler {
	root := http.NewServeMux()
	root.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	root.HandleFunc("GET /audio/{token}/{file}", h.auth.requireAudioToken(h.serveFile))
	root.HandleFunc("GET /audio/{token}/now/live.wav", h.auth.requireAudioToken(h.serveLive))

	report := func(next http.HandlerFunc) http.HandlerFunc {
		return h.reports.limit("too much is asked at once", next)
	}
	browsers := http.NewServeMux()
	browsers.HandleFunc("GET /{$}", h.auth.loginByURL(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, pageFiles, "page/index.html")
	}))
	browsers.Handle("GET /page/", revalidate(http.FileServerFS(pageFiles)))
	browsers.HandleFunc("GET /live.wav", h.serveLive)
	browsers.HandleFunc("GET /api/state", h.getState)
	browsers.HandleFunc("GET /api/info", h.getInfo)
	browsers.HandleFunc("GET /api/commands", h.getCommands)
	browsers.HandleFunc("GET /api/history", h.requireHistory(h.getHistory))
	browsers.HandleFunc("GET /api/history/sessions", h.requireHistory(report(h.getSessions)))
	browsers.HandleFunc("GET /api/schedule", h.requireSchedule(report(h.getSchedule)))
	browsers.HandleFunc("POST /api/schedule/entries", h.requireSchedule(report(h.saveEntry)))
	browsers.HandleFunc("PUT /api/schedule/entries/{name}", h.requireSchedule(report(h.saveEntry)))
	browsers.HandleFunc("DELETE /api/schedule/entries/{name}", h.requireSchedule(report(h.removeEntry)))
	browsers.HandleFunc("GET /api/events", h.streamEvents)
	browsers.HandleFunc("GET /api/routines", report(h.listRoutines))
	browsers.HandleFunc("GET /api/routines/{name}", report(h.getRoutine))
	browsers.HandleFunc("GET /api/routines/{name}/breaths", report(h.getBreaths))
	browsers.HandleFunc("GET /api/timeline/{file}", report(h.getPicture))
	browsers.HandleFunc("POST /api/check", report(h.checkRoutine))
	browsers.HandleFunc("PUT /api/routines/{name}", report(h.saveRoutine))
	browsers.HandleFunc("DELETE /api/routines/{name}", report(h.removeRoutine))
	browsers.HandleFunc("POST /api/{verb}", h.postCommand)

	allowed := newAllowedHosts(h.Config, h.addr)
	root.Handle("/", allowed.require(h.requireSameOrigin(h.auth.requireToken(h.takeBody(browsers)))))
	return crashOnPanic(secureHeaders(h.limitBodies(root)))
}
