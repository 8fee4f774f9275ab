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

// DemoFile is the recording that the demo makes on a machine without sound.
const DemoFile = "guided-demo.wav"

// Run runs the daemon with an embedded broker, starts a routine over MQTT, and shows what the daemon publishes.
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
	broker, err := mqtt.StartBroker("127.0.0.1:0", log)
	if err != nil {
		return err
	}
	defer broker.Close()
	c.Web.Listen, c.Schedule = "", nil
	c.History.Keep = false
	c.Node, c.MQTT.Config = "demo", mqtt.Config{Prefix: "guided", Broker: broker.Address()}
	fmt.Fprintf(p.stdout, "broker:  %s (inside this program, for the demo only)\n", broker.Address())

	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	var daemon sync.WaitGroup
	defer daemon.Wait()
	defer cancel()
	failure := make(chan error, 1)
	daemon.Go(func() {
		failure <- serve(ctx, c, nil, nil, out, log, func() {})
		cancel()
	})
	if err := o.startAndFollow(ctx, p, c.MQTTOptions(nil)); err != nil && ctx.Err() == nil {
		return err
	}
	cancel()
	return <-failure
}

// startAndFollow sends the start command and shows what the daemon publishes until the routine has ended.
func (o *demoCommand) startAndFollow(ctx context.Context, p *process, c mqtt.Options) error {
	published := newMQTTFeed()
	following, stop := context.WithCancel(ctx)
	var follower sync.WaitGroup
	defer follower.Wait()
	defer stop()
	online, ended := make(chan struct{}), make(chan struct{})
	var followErr error
	var first sync.Once
	follower.Go(func() {
		defer close(ended)
		defer published.close()
		followErr = mqtt.Follow(following, c, func(topic string, payload []byte) {
			published.receive(topic, payload)
			first.Do(func() { close(online) }) // the retained state: the daemon is connected
		})
	})
	select {
	case <-online:
	case <-ended:
		return followErr
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
	failure := newView(p.stdout).follow(published.feed())
	stop()
	follower.Wait()
	return cmp.Or(failure, followErr)
}

// output opens --output or the output of the settings; a file where this machine has no sound.
func (o *demoCommand) output(p *process, c config.Config, log *slog.Logger) (audio.Output, error) {
	spec := c.Audio.Output
	if o.Output != "" {
		spec = o.Output
	}
	if silent := output.Probe(p.ctx, spec, log); silent != nil && o.Output == "" {
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

// mqttFeed turns the daemon's messages back into the feed of a player.
type mqttFeed struct {
	states chan player.State
	infos  chan player.Info
	events chan player.Event
	phases chan player.Phase
}

func newMQTTFeed() *mqttFeed {
	return &mqttFeed{make(chan player.State, 64), nil, make(chan player.Event, 64), make(chan player.Phase, 64)}
}

func (w *mqttFeed) feed() player.Feed {
	return player.Feed{States: w.states, Infos: w.infos, Events: w.events, Phases: w.phases}
}

func (w *mqttFeed) close() { close(w.states) }

// receive decodes one message. It drops messages for which the view is too slow.
func (w *mqttFeed) receive(topic string, payload []byte) {
	switch path.Base(topic) {
	case "state":
		offer(w.states, payload)
	case "event":
		offer(w.events, payload)
	case "phase":
		offer(w.phases, payload)
	}
}

func offer[T any](c chan T, payload []byte) {
	var v T
	if json.Unmarshal(payload, &v) != nil {
		return
	}
	select {
	case c <- v:
	default:
	}
}
