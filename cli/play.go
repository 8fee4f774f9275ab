package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"guided/config"
	"guided/player"
)

type playCommand struct {
	Name string `arg:"" help:"A routine's name or title."`
	parameters
	Volume *int `help:"0 to 100, for this session." placeholder:"40"`
}

// Run plays a routine in this process, without a broker. The first interrupt lets the sound fade out.
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
	if o.Quiet {
		c.Audio.Quiet = config.AllDay()
	}
	log := p.logger(slog.LevelInfo)
	out, _, err := openOutputs(c, log)
	if err != nil {
		return err
	}
	play, err := newPlayer(c, out, outputNames(c), false, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	watching, leave := context.WithCancel(context.Background())
	defer leave()
	feed := play.Watch(watching)
	var running sync.WaitGroup
	running.Go(func() {
		defer leave()
		play.Run(ctx)
	})
	defer running.Wait()
	defer cancel()
	if r := play.Do(player.Command{Verb: "start", Routine: o.Name, Parameters: o.player(), Volume: o.Volume}); r.Status != "ok" {
		return errors.New(r.Error)
	}
	var failure error
	newView(p.stdout).follow(feed, func(e player.Event) bool {
		if e.Type == "problem" && e.Step == "" { // it could not even be prepared; one without sound waits for its device
			failure = errors.New(e.Error)
		}
		return e.Type == "routine_finished" || e.Type == "routine_stopped" || failure != nil
	})
	return failure
}
