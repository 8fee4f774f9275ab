package mqtt

import (
	"context"
	"crypto/rand"
	"fmt"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Follow calls each with every state, event and phase of the daemon named by cfg, in order and from one goroutine,
// beginning with the state that is. It returns nil when ctx ends, and an error when the broker is lost.
// Of what comes while each is busy, up to a few hundred are kept.
func Follow(ctx context.Context, cfg Config, each func(topic string, payload []byte)) error {
	node := cfg.place().node
	heard := make(chan paho.Message, 256)
	c, err := visitor(ctx, cfg, heard, node+"/state", node+"/event", node+"/phase")
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer c.close()
	for {
		select {
		case m := <-heard:
			each(m.Topic(), m.Payload())
		case <-c.lost:
			return fmt.Errorf("following %s: %w", node, c.loss())
		case <-ctx.Done():
			return nil
		}
	}
}

// visitor is a connection for a short while, under a name of its own.
func visitor(ctx context.Context, cfg Config, heard chan<- paho.Message, topics ...string) (*conn, error) {
	if cfg.Broker == "" {
		cfg.Broker = "mqtt://" + DefaultAddress
	}
	if err := cfg.usable(); err != nil {
		return nil, err
	}
	hear := func(_ paho.Client, m paho.Message) {
		select {
		case heard <- m:
		default: // who listens is too slow; it is not worth a dead connection
		}
	}
	c, err := open(ctx, cfg, steady(), "guided-"+rand.Text()[:12], nil, hear)
	if err == nil {
		if err = c.hear(ctx, topics...); err == nil {
			return c, nil
		}
		c.drop()
	}
	t := explain(err)
	return nil, fmt.Errorf("%s (%s): %w; %s", t.what, cfg.Broker, err, t.hint)
}
