package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"guided/audio"
	"guided/audio/output"
	"guided/config"
	"guided/history"
	"guided/history/place"
	"guided/keys"
	"guided/mqtt"
	"guided/player"
	"guided/satellite"
	"guided/schedule"
	"guided/web"
)

type serveCommand struct{}

// Run starts the daemon and waits for its end. It is ready once the settings are read: the broker and the sound device may
// appear later.
func (serveCommand) Run(p *process) error {
	seen := settingsText(p.config)
	c, err := p.settings()
	if err != nil {
		return err
	}
	if err := c.TokenProblem(); err != nil {
		return err
	}
	var level slog.LevelVar
	level.Set(c.Log.Level.Level)
	log := p.logger(&level)
	id, err := config.TakeIdentity(p.config)
	switch {
	case errors.Is(err, config.ErrIdentityTaken):
		return fmt.Errorf("%w; give a second one settings of its own, with a node of its own: guided --config FILE serve", err)
	case err != nil:
		log.Warn("no identity could be stored; the client id is made of the node's name, and Home Assistant discovery is off", "err", err)
	default:
		defer id.Release()
		adopted := adoptFormerID(p.ctx, c, id, log)
		if id.Lost && !adopted {
			log.Warn("the identity was lost, and a new one is made: Home Assistant shows a second device; delete the old one there")
		}
	}
	for _, problem := range c.Warnings() {
		log.Warn(problem.Error())
	}
	out, clock, err := openOutputs(c, log)
	if err != nil {
		return err
	}
	live := &liveSettings{file: p.config, seen: seen, current: c, hangup: p.hangup, level: &level, log: log}
	live.quiet.Store(&c)
	return serve(p.ctx, c, live, id, out, log, func() {
		log.Info("guided is ready", "version", version(), "node", c.Node, "broker", c.MQTT.Broker, "output", clock)
		if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
			log.Warn("systemd could not be told that guided is ready", "err", err)
		}
	})
}

// adoptFormerID gives a daemon that has just been given an identity the one that it had before, where the broker shows one:
// a fresh memory card, or a container without a volume, would else be one more device in Home Assistant at each start.
func adoptFormerID(ctx context.Context, c config.Config, id *config.Identity, log *slog.Logger) bool {
	if !id.Made || c.MQTT.Broker == "" {
		return false
	}
	former := mqtt.FormerID(ctx, c.MQTTOptions(id))
	if former == "" {
		return false
	}
	if err := id.Adopt(former); err != nil {
		log.Warn("the identity of before could not be taken again", "id", former, "err", err)
		return false
	}
	log.Info("the state folder holds no identity; that of the device in Home Assistant with this node is used again", "id", former, "node", c.Node)
	return true
}

// serve runs the player and its remotes until ctx ends. It calls ready when all of them have been started. The error is
// that of the MQTT remote: the page and the satellite are optional. live is nil where the settings are not read again, and id
// where none could be stored: then nothing is kept over a restart.
func serve(ctx context.Context, c config.Config, live *liveSettings, id *config.Identity, out audio.Output, log *slog.Logger, ready func()) error {
	embedded := c.MQTT.Broker == ""
	if embedded {
		broker, err := mqtt.StartBroker(mqtt.DefaultAddress, log)
		if err != nil {
			return err
		}
		defer broker.Close()
		c.MQTT.Config = broker.Own(c.MQTT.Config)
	}
	options := c.MQTTOptions(id)
	options.Embedded = embedded
	options.Page = web.PageURL(c.Web)
	options.Checks = make(mqtt.Checks)
	tap := output.NewTap()
	var token web.Token
	if c.Web.Listen != "" {
		token = web.LoadToken(c.Web, config.StateDir(), log)
	}
	voices, err := openVoices(c, openSoon, log)
	if err != nil {
		return err
	}
	settingsFile := ""
	if live != nil {
		settingsFile = live.file
	}
	kept := openHistory(config.StateFile(history.FileName, settingsFile), c, log)
	options.History, options.KeepsHistory = kept.Summaries(), c.History.Keep
	play := newPlayer(c, voices, tap.Output(out), outputNames(c), true, web.FileURLs(c.Web, token), kept.Add, log)
	night := c.NightAt
	if live != nil {
		night = live.nightAt
	}
	keeper := openKeeper(c, night, id, kept, log)
	if keeper != nil {
		play.Restore(keeper.Restored())
	}
	people := newUserCommands(play, kept, keeper)
	planned, clock, err := newSchedule(c, night, id, play, &options, log)
	if err != nil {
		return err
	}
	defer clock.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The remotes end after the player, so that they publish its last state.
	remotes, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	var parts sync.WaitGroup
	parts.Go(func() {
		defer leave()
		runWithHistory(ctx, play, kept)
	})
	parts.Go(func() { watchPath(ctx, c.Routines.Dir, play.Rescan, log) })
	parts.Go(func() { planned.Run(ctx) })
	keySettings := make(chan keys.Config, 1)
	keySettings <- c.Keys
	if live != nil {
		parts.Go(func() { live.follow(ctx, liveParts{play, planned, kept, keeper, keySettings}) })
	}
	parts.Go(func() {
		keys.Run(ctx, keySettings, keys.Player{Submit: people.submit, State: play.State}, watchDevices(log), log)
	})
	parts.Go(func() { restCollector(ctx, play.Watch(ctx)) })
	parts.Go(func() { feedWatchdog(ctx, log, play.Check, options.Checks.Ask) })
	parts.Go(func() {
		if err := serveWeb(remotes, c, voices, play, token, kept, people.do, planned, tap, log); err != nil { // the daemon works without it
			log.Error("there is no page, and no file for speakers", "err", err)
		}
	})
	parts.Go(func() { satellite.Run(remotes, c.Satellite, play.Do, play.Watch(remotes), people.verbs, log) })
	var remote error
	news := play.Watch(remotes) // from before a lost session is offered
	if keeper != nil {
		parts.Go(func() { keeper.Keep(remotes, play) })
	}
	parts.Go(func() {
		defer cancel()
		execute := func(payload []byte, from string) player.Response {
			c, err := player.Parse(payload)
			c.From = from
			return people.do(c, err)
		}
		remote = mqtt.Run(remotes, options, execute, news, log)
	})
	ready()
	parts.Wait()
	return remote
}

// openKeeper reads what the process before left; nil where nothing is kept over a restart.
func openKeeper(c config.Config, night func(time.Time) bool, id *config.Identity, done *history.Keeper, log *slog.Logger) *place.Keeper {
	if id == nil {
		return nil
	}
	machine := place.ThisMachine(config.ClockTrusted, func() bool { return night(time.Now()) })
	return place.Open(id.PlaceFile, resumeOf(c), c.Audio.Volume, machine, done, log)
}

// resumeOf is what the settings say of lost sessions.
func resumeOf(c config.Config) place.Resume {
	return place.Resume{Mode: c.Resume.Mode, Within: c.ResumeWithin()}
}

// newSchedule makes what starts routines by itself, and has the broker's remote tell it the values that it asks for.
func newSchedule(c config.Config, night func(time.Time) bool, id *config.Identity, play *player.Player, remote *mqtt.Options, log *slog.Logger) (*schedule.Runner, *schedule.WallClock, error) {
	clock, err := schedule.NewWallClock()
	if err != nil {
		return nil, nil, err
	}
	values, file := schedule.NewValues(), ""
	if id != nil {
		file = id.ScheduleFile
	}
	r := schedule.NewRunner(schedule.Config{
		Entries: c.ScheduleEntries(), File: file, Zone: c.Zone(), Night: night, ClockTrusted: config.ScheduleClockTrusted,
		Clock: clock, Values: values, Player: play, Log: log,
	})
	remote.Values = mqtt.Values{Topics: r.Topics(), Set: values.Set, Forget: values.Forget}
	return r, clock, nil
}
