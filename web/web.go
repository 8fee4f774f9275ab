// Package web is the player in a browser, and routines as files for smart speakers.
//
// It is one more remote: commands go through the table that every remote shares, states and events come from the
// player's feed, and a routine's file holds the sound that a session plays. It has no logic of its own.
//
// Safe by default: it listens on loopback, and anything further needs a token; see [Config].
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

// How long a client may take. What is sent without an end, or is long, extends its own time with every block.
const (
	headerTimeout   = 10 * time.Second
	responseTimeout = time.Minute
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 2 * time.Second // for answers under way when the program ends
)

// Config is what may be set of the server.
type Config struct {
	Listen    string `toml:"listen"`     // host:port; empty: off
	PublicURL string `toml:"public_url"` // what others reach it by, empty: by its address
	Token     string `toml:"token"`      // asked for everywhere; empty: a stored one, asked for on anything but loopback
	Open      bool   `toml:"open"`       // nobody needs a token

	State string `toml:"-"` // the folder of what is kept
	Cache string `toml:"-"` // the folder of what can be made again
	Own   string `toml:"-"` // the folder of the user's routines; empty: none
	Voice string `toml:"-"` // the name of the bank's own voice

	Options func(player.Parameters) routines.Options `toml:"-"` // the parameters of a start over the settings
}

// Check tells what in the settings cannot be, one problem each.
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

// Run serves until ctx ends; tap is what is playing now, nil where nothing can be listened to. It fails when the address
// cannot be had.
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
	log.Info("the web server is ready", "listen", listener.Addr().String(), "token", s.auth.told())
	err = server.Serve(listener)
	cancel()
	<-ended
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("the web server has ended: %w", err)
}
