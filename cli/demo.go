package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"path/filepath"
	"sync"
	"time"

	"guided/audio"
	"guided/audio/output"
	"guided/config"
	"guided/mqtt"
	"guided/player"
	"guided/routines"
)

type demoCommand struct {
	For    time.Duration `default:"1m" help:"How long." placeholder:"1m"`
	Output string        `help:"Where the sound goes; the settings' output by default." placeholder:"OUTPUT"`
}

// DemoFile is where a machine without sound keeps what it would have played.
const DemoFile = "guided-demo.wav"

// Run is the whole product on one machine: the daemon with its own broker, a start over MQTT, and what it tells.
func (o *demoCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	log := p.logger(slog.LevelWarn)
	out, err := o.output(p, c, log)
	if err != nil {
		return err
	}
	broker, err := mqtt.Embedded("127.0.0.1:0", log)
	if err != nil {
		return err
	}
	defer broker.Close()
	c.Web.Listen = ""
	c.Node, c.MQTT.Config = "demo", mqtt.Config{Prefix: "guided", Broker: broker.Address()}
	fmt.Fprintf(p.stdout, "broker:  %s (inside this program, for the demo only)\n", broker.Address())

	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	var daemon sync.WaitGroup
	defer daemon.Wait()
	defer cancel()
	failure := make(chan error, 1)
	daemon.Go(func() {
		failure <- serve(ctx, c, nil, out, log, func(*player.Player) {})
		cancel()
	})
	if err := o.breathe(ctx, p, c.MQTTOptions(nil)); err != nil && ctx.Err() == nil {
		return err
	}
	cancel()
	return <-failure
}

// breathe sends the start and shows what the daemon tells until it has finished.
func (o *demoCommand) breathe(ctx context.Context, p *process, c mqtt.Options) error {
	heard := newWire()
	following, stop := context.WithCancel(ctx)
	defer stop()
	var follower sync.WaitGroup
	defer follower.Wait()
	defer stop()
	ready, gone := make(chan struct{}), make(chan struct{})
	var failed error
	var first sync.Once
	follower.Go(func() {
		defer close(gone)
		defer heard.close()
		failed = mqtt.Follow(following, c, func(topic string, payload []byte) {
			heard.take(topic, payload)
			first.Do(func() { close(ready) }) // the retained state: the daemon is there
		})
	})
	select {
	case <-ready:
	case <-gone:
		return failed
	}
	command := fmt.Sprintf("start 4-4-6 for %v", o.For)
	fmt.Fprintf(p.stdout, "command: guided/demo/command  %s\n", command)
	r, err := mqtt.Send(ctx, c, command)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(r)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "answer:  guided/demo/response %s\n\n", answer)
	if r.Status != "ok" {
		return errors.New(r.Error)
	}
	var wrong error
	newView(p.stdout).follow(heard.feed(), func(e player.Event) bool {
		if e.Type == "problem" && e.Step == "" { // it could not even be prepared
			wrong = errors.New(e.Error)
		}
		return e.Type == "routine_finished" || e.Type == "routine_stopped" || wrong != nil
	})
	stop()
	follower.Wait()
	return cmp.Or(wrong, failed)
}

// output is the settings' output, or a file where this machine has no sound.
func (o *demoCommand) output(p *process, c config.Config, log *slog.Logger) (audio.Output, error) {
	spec := c.Audio.Output
	if o.Output != "" {
		spec = o.Output
	}
	if silent := output.Try(p.ctx, spec, log); silent != nil && o.Output == "" {
		file, err := filepath.Abs(DemoFile)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(p.stdout, "sound:   none. %v.\n", silent)
		fmt.Fprintf(p.stdout, "         The demo keeps time without it, and keeps what it plays in %s\n", file)
		spec = "wav:" + file
	} else {
		fmt.Fprintf(p.stdout, "sound:   %s\n", spec)
	}
	return output.Open(spec, routines.Samples(c.Audio.LeadIn.Duration), log)
}

// wire turns what comes over MQTT back into a feed.
type wire struct {
	states chan player.State
	infos  chan player.Info
	events chan player.Event
	phases chan player.Phase
}

func newWire() *wire {
	return &wire{make(chan player.State, 64), nil, make(chan player.Event, 64), make(chan player.Phase, 64)}
}

func (w *wire) feed() player.Feed {
	return player.Feed{States: w.states, Infos: w.infos, Events: w.events, Phases: w.phases}
}

func (w *wire) close() { close(w.states) }

// take reads one message; what the view is too slow for is left out.
func (w *wire) take(topic string, payload []byte) {
	switch path.Base(topic) {
	case "state":
		deliver(w.states, payload)
	case "event":
		deliver(w.events, payload)
	case "phase":
		deliver(w.phases, payload)
	}
}

func deliver[T any](c chan T, payload []byte) {
	var v T
	if json.Unmarshal(payload, &v) != nil {
		return
	}
	select {
	case c <- v:
	default:
	}
}
