package mqtt

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"guided/homeassistant"
	"guided/player"
)

// Send gives one command to the daemon named by options, in words or as JSON, and returns its response. Without a deadline
// in ctx it waits five seconds. The error says what the user can do.
func Send(ctx context.Context, options Options, payload string) (player.Response, error) {
	const timeout = 5 * time.Second
	if _, ok := ctx.Deadline(); !ok {
		limited, done := context.WithTimeout(ctx, timeout)
		defer done()
		ctx = limited
	}
	command, transaction, err := withTransaction(payload)
	if err != nil {
		return player.Response{}, err
	}
	r, err := send(ctx, options, command, transaction, 1)
	var at *closedAtError
	if errors.As(err, &at) { // the broker may take QoS 0 only
		return send(ctx, options, command, transaction, 0)
	}
	return r, err
}

func send(ctx context.Context, options Options, command []byte, transaction string, qos byte) (player.Response, error) {
	t := options.topics()
	received := make(chan paho.Message, 64)
	c, err := connectClient(ctx, options, received, t.node+"/response", t.node+"/status")
	if err != nil {
		return player.Response{}, err
	}
	defer c.close()
	give := func() error {
		err := c.publish(ctx, message{t.commands()[0], command, qos, false})
		if err != nil && err != errNoAnswer && ctx.Err() == nil {
			err = &closedAtError{t.commands()[0], len(command), false, err}
		}
		if err != nil {
			return fmt.Errorf("sending the command to %s: %w", options.Broker, err)
		}
		return nil
	}
	if err := give(); err != nil {
		return player.Response{}, err
	}
	status := ""
	for {
		select {
		case m := <-received:
			if strings.HasSuffix(m.Topic(), "/status") {
				came := status != "online" && string(m.Payload()) == "online" && !m.Retained()
				if status = string(m.Payload()); !came {
					continue
				}
				if err := give(); err != nil { // the daemon may have subscribed only now; the transaction makes it one command
					return player.Response{}, err
				}
				continue
			}
			var r player.Response
			if json.Unmarshal(m.Payload(), &r) == nil && r.Transaction == transaction {
				return r, nil
			}
		case <-c.lost:
			return player.Response{}, fmt.Errorf("waiting for the answer: %w", c.lostError())
		case <-ctx.Done():
			return player.Response{}, fmt.Errorf("no daemon answered on %s: %s", t.commands()[0], hintFor(status))
		}
	}
}

// withTransaction is the command as JSON with a transaction, its own or a new one, by which its response is found.
func withTransaction(payload string) (command []byte, transaction string, err error) {
	c := map[string]any{"command": strings.TrimSpace(payload)}
	if strings.HasPrefix(strings.TrimSpace(payload), "{") {
		clear(c)
		if err := json.Unmarshal([]byte(payload), &c); err != nil {
			return nil, "", fmt.Errorf("the command looks like JSON but is not: %w; write it in words, such as: start 4-4-6", err)
		}
	}
	transaction, ok := c["transaction"].(string)
	if !ok || transaction == "" {
		transaction = rand.Text()
		c["transaction"] = transaction
	}
	command, err = homeassistant.EncodeJSON(c)
	return command, transaction, err
}

// hintFor says why a daemon with this retained status may not have answered.
func hintFor(status string) string {
	switch status {
	case "online":
		return "it is online, but busy or of another version; look into its log"
	case "offline":
		return "is it running? It said that it is offline; start it with: guided serve"
	}
	return "is it running? No daemon was ever here under this name; look at node and prefix, or start it with: guided serve"
}

// Follow calls each with every state, event and phase of the daemon named by options, in order and from one goroutine,
// beginning with the retained state. It returns nil when ctx ends, and an error when the connection is lost. While each
// is busy, up to 256 messages are kept; more are dropped.
func Follow(ctx context.Context, options Options, each func(topic string, payload []byte)) error {
	node := options.topics().node
	received := make(chan paho.Message, 256)
	c, err := connectClient(ctx, options, received, node+"/state", node+"/event", node+"/phase")
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer c.close()
	for {
		select {
		case m := <-received:
			each(m.Topic(), m.Payload())
		case <-c.lost:
			return fmt.Errorf("following %s: %w", node, c.lostError())
		case <-ctx.Done():
			return nil
		}
	}
}

// Retained are the values that the broker retains on topics, by topic; those are missing that it does not tell before ctx
// ends.
func Retained(ctx context.Context, options Options, topics []string) (map[string]string, error) {
	received := make(chan paho.Message, 256)
	values := map[string]string{}
	c, err := connectClient(ctx, options, received, topics...)
	if err != nil {
		return values, err
	}
	defer c.close()
	for {
		missing := slices.ContainsFunc(topics, func(t string) bool { _, known := values[t]; return !known })
		if !missing {
			return values, nil
		}
		select {
		case m := <-received:
			values[m.Topic()] = string(m.Payload()[:min(len(m.Payload()), maxValue)])
		case <-c.lost:
			return values, fmt.Errorf("asking for values: %w", c.lostError())
		case <-ctx.Done():
			return values, nil
		}
	}
}

// connectClient is a connection under a client id of its own that has subscribed to the topics. What does not fit into
// received is dropped: a slow reader must not cost the connection.
func connectClient(ctx context.Context, options Options, received chan<- paho.Message, topics ...string) (*connection, error) {
	if options.Broker == "" {
		options.Broker = "mqtt://" + DefaultAddress
	}
	if err := options.usable(); err != nil {
		return nil, err
	}
	c, err := connect(ctx, options.Config, defaultLimits(), "guided-"+rand.Text()[:12], nil, func(_ paho.Client, m paho.Message) {
		select {
		case received <- m:
		default:
		}
	})
	if err == nil {
		if err = c.subscribe(ctx, 0, topics...); err == nil {
			return c, nil
		}
		c.abort()
	}
	return nil, diagnose(err).wrap(options.Broker, err)
}
