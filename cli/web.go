package cli

import (
	"cmp"
	"context"
	"log/slog"

	"guided/audio/output"
	"guided/config"
	"guided/player"
	"guided/routines"
	"guided/web"
)

// serveWeb runs the web server of a daemon until ctx ends; without an address it returns at once. The server has a bank of
// its own, so that what many speakers play does not evict the clips that the player needs next.
func serveWeb(ctx context.Context, c config.Config, play *player.Player, tap *output.Tap, log *slog.Logger) error {
	if c.Web.Listen == "" {
		return nil
	}
	l := library(c)
	b, err := bank(c, l, log)
	if err != nil {
		return err
	}
	return web.Server{
		Config: c.Web, Player: play, Library: l, Bank: b, Voice: c.Voice.Name, Tap: tap,
		Options:     func(asked player.Parameters) routines.Options { return startOptions(c, asked) },
		RoutinesDir: c.Routines.Dir, StateDir: config.StateDir(), CacheDir: config.CacheDir(), Log: log,
	}.Run(ctx)
}

// startOptions are the compiler options of a start: its parameters over the settings.
func startOptions(c config.Config, asked player.Parameters) routines.Options {
	o := routines.Options{For: asked.For, Verbosity: cmp.Or(asked.Verbosity, c.Voice.Verbosity), NoHolds: !c.Routines.Holds, Bed: asked.Bed, Quiet: c.QuietNow()}
	if asked.Holds != nil {
		o.NoHolds = !*asked.Holds
	}
	return o
}
