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
	"guided/player"
	"guided/routines"
)

// How long a client may take. Streams and audio files extend their write deadline with every block.
const (
	headerTimeout   = 10 * time.Second
	responseTimeout = time.Minute
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 2 * time.Second // for responses under way when the program ends
)

// Config is the section [web] of the settings.
type Config struct {
	Listen    string `toml:"listen"`     // host:port; empty: off
	PublicURL string `toml:"public_url"` // the URL by which other machines reach the server; empty: made from Listen
	Token     string `toml:"token"`      // required on every address; empty: a stored one, required beyond loopback
	Open      bool   `toml:"open"`       // no token is required

	State string `toml:"-"` // the state folder, which holds the token
	Cache string `toml:"-"` // the cache folder
	Own   string `toml:"-"` // the folder of the user's routines; empty: none
	Voice string `toml:"-"` // the name of the bank's default voice

	Options func(player.Parameters) routines.Options `toml:"-"` // compiler options of start parameters, over the settings
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

// Run serves until ctx ends. Tap is the sound of the output, nil where it cannot be heard over HTTP. It fails when the
// address cannot be bound.
func Run(ctx context.Context, cfg Config, p *player.Player, library routines.Library, bank *mix.Bank, tap *output.Tap, log *slog.Logger) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf(`web.listen: %s is taken: another program listens there; choose another port, or "" for no web server`, cfg.Listen)
	case err != nil:
		return fmt.Errorf(`web.listen: %w; choose an address of this machine and a port from 1024 on, or "" for no web server`, err)
	}
	work, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	s, err := newHandlers(work, cfg, listener.Addr(), p, library, bank, tap, log, &background)
	if err != nil {
		listener.Close()
		return err
	}
	server := &http.Server{
		Handler: s.routes(), BaseContext: func(net.Listener) context.Context { return work },
		ReadHeaderTimeout: headerTimeout, WriteTimeout: responseTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ended := make(chan struct{})
	background.Go(func() {
		defer close(ended)
		<-work.Done()
		last, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer done()
		if server.Shutdown(last) != nil {
			server.Close()
		}
	})
	log.Info("the web server is ready", "listen", listener.Addr().String(), "token", "in "+s.auth.tokenSource)
	err = server.Serve(listener)
	cancel()
	<-ended
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("the web server has ended: %w", err)
}
