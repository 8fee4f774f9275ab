package web

import (
	"context"
	"embed"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"

	"guided/audio/mix"
	"guided/audio/output"
	"guided/player"
	"guided/routines"
)

//go:embed page
var pageFiles embed.FS

// maxStreams is how many files and live streams are sent at a time: a house full of speakers, and no more memory than
// a Pi has.
const maxStreams = 64

// handlers is what the handlers share.
type handlers struct {
	cfg         Config
	addr        net.Addr
	player      *player.Player
	library     routines.Library
	bank        *mix.Bank
	tap         *output.Tap // what is playing now; nil: nothing can be listened to
	log         *slog.Logger
	auth        *auth
	flacCache   *fileCache
	previews    *previewCache
	renderSlots chan struct{} // to make sound: one core is left to the player
	streamSlots chan struct{}
	checkSlots  chan struct{}
}

// newHandlers makes one whose work in the background ends with ctx.
func newHandlers(ctx context.Context, cfg Config, at net.Addr, p *player.Player, l routines.Library, b *mix.Bank, tap *output.Tap, log *slog.Logger, background *sync.WaitGroup) (*handlers, error) {
	login, err := newAuth(cfg, at, log)
	if err != nil {
		return nil, err
	}
	return &handlers{
		cfg: cfg, addr: at, player: p, library: l, bank: b, tap: tap, log: log, auth: login,
		flacCache: newFileCache(ctx, filepath.Join(cfg.Cache, "flac"), background, log), previews: newPreviewCache(),
		renderSlots: make(chan struct{}, max(1, runtime.NumCPU()-1)), streamSlots: make(chan struct{}, maxStreams), checkSlots: make(chan struct{}, 2),
	}, nil
}

// routes is every path, behind what keeps strangers out.
func (s *handlers) routes() http.Handler {
	speakers := http.NewServeMux()
	speakers.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	speakers.HandleFunc("GET /audio/{token}/{file}", s.auth.requireAudioToken(s.serveFile))
	speakers.HandleFunc("GET /audio/{token}/now/live.wav", s.auth.requireAudioToken(s.serveLive))

	people := http.NewServeMux()
	people.HandleFunc("GET /{$}", s.auth.loginByURL(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, pageFiles, "page/index.html")
	}))
	people.Handle("GET /page/", revalidate(http.FileServerFS(pageFiles)))
	people.HandleFunc("GET /live.wav", s.serveLive)
	people.HandleFunc("GET /api/state", s.getState)
	people.HandleFunc("GET /api/info", s.getInfo)
	people.HandleFunc("GET /api/events", s.streamEvents)
	people.HandleFunc("GET /api/routines", s.listRoutines)
	people.HandleFunc("GET /api/routines/{name}", s.getRoutine)
	people.HandleFunc("GET /api/routines/{name}/breaths", s.getBreaths)
	people.HandleFunc("GET /api/timeline/{file}", s.getPicture)
	people.HandleFunc("POST /api/check", s.checkRoutine)
	people.HandleFunc("PUT /api/routines/{name}", s.saveRoutine)
	people.HandleFunc("DELETE /api/routines/{name}", s.removeRoutine)
	people.HandleFunc("POST /api/{verb}", s.postCommand)

	known := newAllowedHosts(s.cfg, s.addr)
	speakers.Handle("/", known.require(s.auth.requireToken(s.requireSameOrigin(limitBody(people)))))
	return s.recoverPanics(secureHeaders(speakers))
}
