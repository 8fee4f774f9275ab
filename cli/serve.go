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
	"guided/mqtt"
	"guided/player"
	"guided/satellite"
	"guided/web"
)

type serveCommand struct{}

// Run starts everything and waits for the end. It is ready when the settings are right: a broker or a sound device may
// come later.
func (serveCommand) Run(p *process) error {
	log := p.logger(slog.LevelInfo)
	c, err := p.settings()
	if err != nil {
		return err
	}
	who, err := config.TakeIdentity(p.config)
	switch {
	case errors.Is(err, config.ErrIdentityTaken):
		return fmt.Errorf("%w; give a second one settings of its own, with a node of its own: guided --config FILE serve", err)
	case err != nil:
		log.Warn("no identity could be stored; the client id is made of the node's name, and Home Assistant is not told of us", "err", err)
	default:
		defer who.Release()
	}
	out, clock, err := openOutputs(c, log)
	if err != nil {
		return err
	}
	return serve(p.ctx, c, who, out, log, func(*player.Player) {
		log.Info("guided is ready", "version", version(), "node", c.Node, "broker", c.MQTT.Broker, "output", clock)
		if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
			log.Warn("systemd could not be told that guided is ready", "err", err)
		}
	})
}

// serve runs the daemon until ctx ends; ready is called when it takes commands. who is nil where there is no identity.
func serve(ctx context.Context, c config.Config, who *config.Identity, out audio.Output, log *slog.Logger, ready func(*player.Player)) error {
	if c.MQTT.Broker == "" {
		broker, err := mqtt.Embedded(mqtt.DefaultAddress, log)
		if err != nil {
			return err
		}
		defer broker.Close()
		c.MQTT.Broker = broker.Address()
	}
	options := c.MQTTOptions(who)
	options.Page = web.Page(c.Web)
	tap := output.NewTap()
	play, err := newPlayer(c, tap.Output(out), outputNames(c), true, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The remotes go after the player, so that what it tells at its end is still heard.
	remotes, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	var parts sync.WaitGroup
	parts.Go(func() {
		defer leave()
		play.Run(ctx)
	})
	parts.Go(func() { watchRoutines(ctx, c.Routines.Dir, play.Rescan, log) })
	parts.Go(func() {
		if err := serveWeb(remotes, c, play, tap, log); err != nil { // a person on the mat does without it
			log.Error("there is no page, and no file for speakers", "err", err)
		}
	})
	asked := make(chan string, 10) // what persons ask for, by verb
	parts.Go(func() { satellite.Run(remotes, c.Satellite, play.Do, play.Watch(remotes), asked, log) })
	var remote error
	parts.Go(func() {
		defer cancel()
		order := func(payload []byte, _ time.Time) player.Response {
			r := play.Order(payload)
			select {
			case asked <- r.Command:
			default: // nobody listens
			}
			return r
		}
		remote = mqtt.Run(remotes, options, order, play.Watch(remotes), log)
	})
	ready(play)
	parts.Wait()
	return remote
}
