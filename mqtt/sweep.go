package mqtt

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A broom is a visitor that looks at what the broker keeps, and takes it away.
type broom struct {
	conn *conn
	pace pace

	mu    sync.Mutex
	kept  map[string][]byte
	mark  string
	whole chan struct{} // closed when the mark has come back
}

// look opens a broom that has seen everything the broker keeps on the topics, which may be patterns. The broker sends
// what it keeps before what comes later: our own mark. Close conn when done.
func look(ctx context.Context, cfg Config, p pace, topics ...string) (*broom, error) {
	b := &broom{pace: p, kept: map[string][]byte{}, mark: "guided-" + rand.Text()[:12], whole: make(chan struct{})}
	c, err := open(ctx, cfg, p, b.mark, nil, b.see)
	if err != nil {
		return nil, err
	}
	b.conn = c
	echo := cfg.place().node + "/sweep"
	if err = c.hear(ctx, append([]string{echo}, topics...)...); err == nil {
		err = c.say(ctx, message{echo, []byte(b.mark), 1, false})
	}
	if err == nil {
		patience := time.NewTimer(p.ack)
		defer patience.Stop()
		select {
		case <-b.whole:
			return b, nil
		case <-c.lost:
			err = c.loss()
		case <-patience.C:
			err = errNoAnswer
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	c.drop()
	return nil, err
}

func (b *broom) see(_ paho.Client, m paho.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case m.Retained() && len(m.Payload()) > 0:
		b.kept[m.Topic()] = m.Payload()
	case !m.Retained() && string(m.Payload()) == b.mark:
		select {
		case <-b.whole:
		default:
			close(b.whole)
		}
	}
}

// has is what the broker kept when we looked.
func (b *broom) has(topic string) (payload []byte, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	payload, is = b.kept[topic]
	return payload, is
}

// empty takes away what the broker keeps of these, devices first: Home Assistant then no longer looks at their states
// when these go. What is not there is left alone, as Home Assistant complains of a device's end that it does not know.
func (b *broom) empty(ctx context.Context, topics []string) (emptied []string, err error) {
	for _, devices := range []bool{true, false} {
		if !devices && len(emptied) > 0 {
			select {
			case <-time.After(b.pace.step):
			case <-ctx.Done():
				return emptied, ctx.Err()
			}
		}
		for _, t := range topics {
			if _, is := b.has(t); !is || strings.HasSuffix(t, "/config") != devices {
				continue
			}
			if err := b.conn.say(ctx, message{t, nil, 1, true}); err != nil {
				return emptied, err
			}
			emptied = append(emptied, t)
		}
	}
	return emptied, nil
}

// strangers leaves out the topics of a node under which somebody else is online by now.
func (b *broom) strangers(topics []string) (ours []string) {
	for _, t := range topics {
		node := t[:strings.LastIndex(t, "/")]
		if status, _ := b.has(node + "/status"); string(status) != "online" {
			ours = append(ours, t)
		}
	}
	return ours
}

// sweep takes away what we left under topics that are no longer ours.
func sweep(ctx context.Context, cfg Config, p pace, topics []string) error {
	b, err := look(ctx, cfg, p, topics...)
	if err != nil {
		return err
	}
	_, err = b.empty(ctx, b.strangers(topics))
	if err != nil {
		b.conn.drop()
		return errors.Join(errors.New("taking back what was said under other topics"), err)
	}
	b.conn.close()
	return nil
}
