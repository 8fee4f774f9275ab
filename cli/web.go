package cli

import (
	"context"
	"log/slog"

	"guided/audio/output"
	"guided/audio/voice"
	"guided/config"
	"guided/history"
	"guided/player"
	"guided/web"
)

// serveWeb runs the web server of a daemon until ctx ends; without an address it returns at once. The server has a bank of
// its own on the same voices, so that what many speakers play does not evict the clips that the player needs next. do carries out the commands
// of its users.
func serveWeb(ctx context.Context, c config.Config, voices []voice.Voice, play *player.Player, token web.Token, kept *history.Keeper, do func(player.Command, error) player.Response, tap *output.Tap, log *slog.Logger) error {
	if c.Web.Listen == "" {
		return nil
	}
	l := newLibrary(c)
	return web.Server{
		Config: c.Web, Token: token, Player: play, Do: do, Library: l, Bank: newBankOf(voices, l, log), Voice: c.Voice.Name, History: kept, Tap: tap,
		Options:     play.Options,
		RoutinesDir: c.Routines.Dir, StateDir: config.StateDir(), CacheDir: config.CacheDir(), Log: log,
	}.Run(ctx)
}
