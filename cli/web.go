package cli

import (
	"context"
	"log/slog"
	"time"

	"guided/audio/mix"
	"guided/audio/output"
	"guided/audio/voice"
	"guided/config"
	"guided/history"
	"guided/player"
	"guided/routines"
	"guided/schedule"
	"guided/web"
)

// serveWeb runs the web server of a daemon until ctx ends; without an address it returns at once. The server has a bank of
// its own on the same voices, so that what many speakers play does not evict the clips that the player needs next. do carries out the commands
// of its users.
func serveWeb(ctx context.Context, c config.Config, voices []voice.Voice, play *player.Player, token web.Token, kept *history.Keeper, do func(player.Command, error) player.Response, planned *schedule.Runner, tap *output.Tap, log *slog.Logger) error {
	if c.Web.Listen == "" {
		return nil
	}
	l := newLibrary(c)
	bank := newBankOf(voices, l, log)
	return web.Server{
		Config: c.Web, Token: token, Player: play, Do: do, Library: l, Bank: bank, Voice: c.Voice.Name, History: kept, Tap: tap,
		Schedule:    pageSchedule(planned, routines.NewIndex(l), bank, play.Options),
		Options:     play.Options,
		RoutinesDir: c.Routines.Dir, StateDir: config.StateDir(), CacheDir: config.CacheDir(), Log: log,
	}.Run(ctx)
}

// pageSchedule is what the page shows and changes of the schedule.
func pageSchedule(r *schedule.Runner, l *routines.Index, bank *mix.Bank, options func(player.Parameters) routines.Options) web.Schedule {
	return web.Schedule{
		Show: func(ctx context.Context) (any, error) {
			o, err := r.Outlook(ctx)
			if err != nil {
				return nil, err
			}
			o.Length = scheduleLength(ctx, l, bank, options)
			return o.View(time.Now()), nil
		},
		Save: r.SaveEntry, Remove: r.RemoveEntry,
	}
}
