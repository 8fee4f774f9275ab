// Package web serves the player's page and API to browsers, and routines as audio files to smart speakers.
//
// It is one more remote: commands go to the player's verb table, states and events come from the player's feed, and the
// samples of a routine's file are those that a session plays. It has no logic of its own.
//
// Secure by default: it listens on loopback, and any other address needs a token; see [Config].
//
// Begin reading at handlers.routes in server.go: every path and the checks in front of it.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"guided/audio/mix"
	"guided/audio/output"
	"guided/history"
	"guided/player"
	"guided/routines"
)

// How long a client may take. Streams and audio files extend their write deadline with every block.
const (
	headerTimeout    = 10 * time.Second
	responseTimeout  = time.Minute
	bodyTimeout      = 15 * time.Second // for a body of 256 KB at most
	smallBodyTimeout = 3 * time.Second  // for a body of smallBodyBytes at most, which is a packet or two
	idleTimeout      = 2 * time.Minute
	shutdownTimeout  = 2 * time.Second // for responses under way when the program ends
)

// maxHeaderBytes is the largest request line with its headers.
const maxHeaderBytes = 16 << 10

// Config is the section [web] of the settings.
type Config struct {
	Listen    string `toml:"listen"`     // host:port; empty: off
	PublicURL string `toml:"public_url"` // the URL by which other machines reach the server; empty: made from Listen
	Token     string `toml:"token"`      // required on every address; empty: a stored one, required beyond loopback
	TokenFile string `toml:"token_file"` // holds Token alone; who reads the settings fills that in
	Open      bool   `toml:"open"`       // no token is required
}

// Check returns every problem of the settings, one sentence each.
func (c Config) Check() []string {
	var wrong []string
	if c.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			wrong = append(wrong, fmt.Sprintf(`web.listen: %q is not an address with a port, such as "127.0.0.1:8099"`, c.Listen))
		}
	}
	if _, err := parsePublicURL(c.PublicURL); err != nil {
		wrong = append(wrong, err.Error())
	}
	if c.Open && c.Token != "" {
		wrong = append(wrong, "web.open: true lets everybody in without a token; remove it, or web.token")
	}
	if c.Token != "" && len(c.Token) < minTokenLength {
		wrong = append(wrong, fmt.Sprintf("web.token: has %d characters; take at least %d, or leave it empty for a random one", len(c.Token), minTokenLength))
	}
	return wrong
}

// Server is the web server of a daemon: its settings, the player that it controls and the sounds that it serves.
type Server struct {
	Config   Config
	Token    Token // zero: as LoadToken returns it
	Player   *player.Player
	Library  routines.Library
	Bank     *mix.Bank
	Voice    string          // the name of the bank's default voice
	History  *history.Keeper // what was done; nil: none is kept
	Schedule Schedule        // what starts by itself; zero: nothing can
	Tap      *output.Tap     // the sound of the output; nil: it cannot be heard over HTTP

	Do      func(player.Command, error) player.Response // carries out what a parser returned; nil: Player.DoParsed
	Options func(player.Parameters) routines.Options    // compiler options of start parameters, over the settings

	RoutinesDir string // the folder of the user's routines; empty: none
	StateDir    string // for the token
	CacheDir    string // for FLAC files
	Log         *slog.Logger
}

// Run serves until ctx ends. It fails when the address cannot be bound.
func (s Server) Run(ctx context.Context) error {
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	work, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	h, err := newHandlers(work, s, listener.Addr(), &background)
	if err != nil {
		listener.Close()
		return err
	}
	open := newConnections(maxIdle, maxConnections)
	server := &http.Server{
		Handler: h.routes(), BaseContext: func(net.Listener) context.Context { return work },
		ReadHeaderTimeout: headerTimeout, WriteTimeout: responseTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ConnState: open.changed,
		ErrorLog:  slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	background.Go(func() {
		<-work.Done()
		last, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer done()
		if server.Shutdown(last) != nil {
			server.Close()
		}
	})
	s.Log.Info("the web server is ready", "listen", listener.Addr().String(), "token", "in "+h.auth.tokenSource)
	err = server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("the web server has ended: %w", err)
}

// listen binds the address of the settings. The error says what to do.
func (s Server) listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Config.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf(`web.listen: %s is taken: another program listens there; choose another port, or "" for no web server`, s.Config.Listen)
	case err != nil:
		return nil, fmt.Errorf(`web.listen: %w; choose an address of this machine and a port from 1024 on, or "" for no web server`, err)
	}
	return listener, nil
}
