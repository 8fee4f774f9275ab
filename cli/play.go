package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"guided/audio/voice"
	"guided/config"
	"guided/history"
	"guided/player"
)

type playCommand struct {
	Name string `arg:"" help:"A routine's name or title."`
	parameters
	Volume *int `help:"0 to 100, for this session." placeholder:"40"`
}

// Run plays a routine in this process, without a broker. At the first interrupt the sound fades out.
func (o *playCommand) Run(p *process) error {
	if o.Volume != nil && (*o.Volume < 0 || *o.Volume > 100) {
		return fmt.Errorf("--volume %d: want a number from 0 to 100", *o.Volume)
	}
	c, err := p.settings()
	if err != nil {
		return err
	}
	if _, err := o.options(c); err != nil {
		return err
	}
	if _, err := o.deadline(c); err != nil {
		return err
	}
	if o.Quiet {
		c.Audio.Quiet = config.AllDay()
	}
	log := p.logger(slog.LevelInfo)
	out, _, err := openOutputs(c, log)
	if err != nil {
		return err
	}
	voices, err := openVoices(c, voice.OpenRecordedVoice, log)
	if err != nil {
		return err
	}
	var done []player.Record
	play := newPlayer(c, voices, out, outputNames(c), false, nil, func(r player.Record) { done = append(done, r) }, log)
	command := player.Command{Verb: "start", Routine: o.Name, Parameters: o.player(), Volume: o.Volume, From: "the command line"}
	err = perform(p.ctx, play, command, newView(p.stdout).follow)
	if c.History.Keep {
		if err := history.Append(config.StateFile(history.FileName, p.config), done...); err != nil {
			log.Warn("this session is missing in the history", "err", err)
		}
	}
	return err
}

// perform runs a player for one session: it starts the routine, passes what the player publishes to follow, and returns
// when the player has ended. If ctx ends first, the sound fades out.
func perform(ctx context.Context, play *player.Player, start player.Command, follow func(player.Feed) error) error {
	playing, stop := context.WithCancel(ctx)
	watching, unwatch := context.WithCancel(context.Background()) // until the player has published its last state
	feed := play.Watch(watching)
	var running sync.WaitGroup
	running.Go(func() {
		defer unwatch()
		play.Run(playing)
	})
	defer running.Wait()
	defer stop()
	if r := play.Do(start); r.Status != "ok" {
		return errors.New(r.Error)
	}
	return follow(feed)
}
