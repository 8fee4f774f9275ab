package cli

import (
	"context"
	"log/slog"

	"guided/audio/output"
	"guided/config"
	"guided/player"
	"guided/routines"
	"guided/web"
)

// serveWeb runs the web server of a daemon until ctx ends. Without an address there is none. It has a bank of its own: a
// house full of speakers does not drive out of memory what the player will need next.
func serveWeb(ctx context.Context, c config.Config, play *player.Player, tap *output.Tap, log *slog.Logger) error {
	cfg := c.Web
	if cfg.Listen == "" {
		return nil
	}
	l := library(c)
	b, err := bank(c, l, log)
	if err != nil {
		return err
	}
	cfg.State, cfg.Cache, cfg.Own, cfg.Voice = config.StateDir(), config.CacheDir(), c.Routines.Dir, c.Voice.Name
	cfg.Options = func(asked player.Parameters) routines.Options {
		o := routines.Options{For: asked.For, Verbosity: asked.Verbosity, NoHolds: !c.Routines.Holds, Bed: asked.Bed, Quiet: c.QuietNow()}
		if o.Verbosity == "" {
			o.Verbosity = c.Voice.Verbosity
		}
		if asked.Holds != nil {
			o.NoHolds = !*asked.Holds
		}
		return o
	}
	return web.Run(ctx, cfg, play, l, b, tap, log)
}
