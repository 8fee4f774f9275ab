package web

import (
	"context"
	"embed"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
)

//go:embed page
var pageFiles embed.FS

// maxStreams is how many audio files and live streams are sent at a time: more than a house has speakers, and within the
// memory of a Raspberry Pi.
const maxStreams = 64

// handlers answer the requests of a Server; the fields are what they share.
type handlers struct {
	Server
	addr        net.Addr // that it listens on
	auth        *auth
	flacCache   *fileCache
	previews    *previewCache
	renderSlots chan struct{} // renderers at a time: one core is left to the player
	streamSlots chan struct{} // maxStreams
	checkSlots  chan struct{} // checks of the editor at a time
}

// newHandlers makes the handlers; their goroutines belong to background and end with ctx.
func newHandlers(ctx context.Context, s Server, addr net.Addr, background *sync.WaitGroup) (*handlers, error) {
	auth, err := newAuth(s.Config, s.StateDir, addr, s.Log)
	if err != nil {
		return nil, err
	}
	return &handlers{
		Server: s, addr: addr, auth: auth, previews: newPreviewCache(),
		flacCache:   newFileCache(ctx, filepath.Join(s.CacheDir, "flac"), background, s.Log),
		renderSlots: make(chan struct{}, max(1, runtime.NumCPU()-1)), streamSlots: make(chan struct{}, maxStreams), checkSlots: make(chan struct{}, 2),
	}, nil
}

// routes returns every path with its checks. Speakers cannot log in and reach the server by any name, so their paths hold
// a token of their own; every other path is for browsers and programs.
func (h *handlers) routes() http.Handler {
	root := http.NewServeMux()
	root.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	root.HandleFunc("GET /audio/{token}/{file}", h.auth.requireAudioToken(h.serveFile))
	root.HandleFunc("GET /audio/{token}/now/live.wav", h.auth.requireAudioToken(h.serveLive))

	browsers := http.NewServeMux()
	browsers.HandleFunc("GET /{$}", h.auth.loginByURL(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, pageFiles, "page/index.html")
	}))
	browsers.Handle("GET /page/", revalidate(http.FileServerFS(pageFiles)))
	browsers.HandleFunc("GET /live.wav", h.serveLive)
	browsers.HandleFunc("GET /api/state", h.getState)
	browsers.HandleFunc("GET /api/info", h.getInfo)
	browsers.HandleFunc("GET /api/events", h.streamEvents)
	browsers.HandleFunc("GET /api/routines", h.listRoutines)
	browsers.HandleFunc("GET /api/routines/{name}", h.getRoutine)
	browsers.HandleFunc("GET /api/routines/{name}/breaths", h.getBreaths)
	browsers.HandleFunc("GET /api/timeline/{file}", h.getPicture)
	browsers.HandleFunc("POST /api/check", h.checkRoutine)
	browsers.HandleFunc("PUT /api/routines/{name}", h.saveRoutine)
	browsers.HandleFunc("DELETE /api/routines/{name}", h.removeRoutine)
	browsers.HandleFunc("POST /api/{verb}", h.postCommand)

	allowed := newAllowedHosts(h.Config, h.addr)
	root.Handle("/", allowed.require(h.auth.requireToken(h.requireSameOrigin(limitBody(browsers)))))
	return h.recoverPanics(secureHeaders(root))
}
