package web

import (
	"context"
	"embed"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"

	"guided/audio/mix"
	"guided/audio/output"
	"guided/player"
	"guided/routines"
)

//go:embed page
var page embed.FS

// mostStreams is how many files and live streams are sent at a time: a house full of speakers, and no more memory than
// a Pi has.
const mostStreams = 64

// server is what the handlers share.
type server struct {
	cfg     Config
	at      net.Addr
	player  *player.Player
	library routines.Library
	bank    *mix.Bank
	tap     *output.Tap // what is playing now; nil: nothing can be listened to
	log     *slog.Logger
	login   *login
	flac    *shelf
	drafts  *drafts
	turns   chan struct{} // to make sound: one core is left to the player
	streams chan struct{}
	checks  chan struct{}
}

// newServer makes one whose work in the background ends with ctx.
func newServer(ctx context.Context, cfg Config, at net.Addr, p *player.Player, l routines.Library, b *mix.Bank, tap *output.Tap, log *slog.Logger, background *sync.WaitGroup) (*server, error) {
	login, err := newLogin(cfg, at, log)
	if err != nil {
		return nil, err
	}
	return &server{
		cfg: cfg, at: at, player: p, library: l, bank: b, tap: tap, log: log, login: login,
		flac: newShelf(ctx, filepath.Join(cfg.Cache, "flac"), background, log), drafts: newDrafts(),
		turns: make(chan struct{}, max(1, runtime.NumCPU()-1)), streams: make(chan struct{}, mostStreams), checks: make(chan struct{}, 2),
	}, nil
}

// handler is every path, behind what keeps strangers out.
func (s *server) handler() http.Handler {
	speakers := http.NewServeMux()
	speakers.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	speakers.HandleFunc("GET /audio/{token}/{file}", s.login.speaker(s.file))
	speakers.HandleFunc("GET /audio/{token}/now/live.wav", s.login.speaker(s.listen))

	people := http.NewServeMux()
	people.HandleFunc("GET /{$}", s.login.enter(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, page, "page/index.html")
	}))
	people.Handle("GET /page/", fresh(http.FileServerFS(page)))
	people.HandleFunc("GET /live.wav", s.listen)
	people.HandleFunc("GET /api/state", s.state)
	people.HandleFunc("GET /api/info", s.info)
	people.HandleFunc("GET /api/events", s.events)
	people.HandleFunc("GET /api/routines", s.routines)
	people.HandleFunc("GET /api/routines/{name}", s.routine)
	people.HandleFunc("GET /api/routines/{name}/breaths", s.breaths)
	people.HandleFunc("GET /api/timeline/{file}", s.picture)
	people.HandleFunc("POST /api/check", s.check)
	people.HandleFunc("PUT /api/routines/{name}", s.save)
	people.HandleFunc("DELETE /api/routines/{name}", s.remove)
	people.HandleFunc("POST /api/{verb}", s.command)

	known := newHosts(s.cfg, s.at)
	speakers.Handle("/", known.only(s.login.only(s.sameOrigin(bodies(people)))))
	return s.survive(safe(speakers))
}

// survive answers a panic, and logs it.
func (s *server) survive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := &begun{ResponseWriter: w}
		defer func() {
			p := recover()
			switch {
			case p == nil:
				return
			case p == http.ErrAbortHandler:
				panic(p)
			}
			s.log.Error("a request failed inside guided", "method", r.Method, "panic", p, "stack", string(debug.Stack()))
			if begun.yes {
				panic(http.ErrAbortHandler) // nobody may take what was sent for the whole
			}
			say(w, http.StatusInternalServerError, "this failed inside guided; its log tells more")
		}()
		next.ServeHTTP(begun, r)
	})
}

// begun notes whether an answer has begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) WriteHeader(status int) {
	b.yes = true
	b.ResponseWriter.WriteHeader(status)
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

// Unwrap lets deadlines be set.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// fresh has a browser ask each time whether a file is still the same.
func fresh(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}
