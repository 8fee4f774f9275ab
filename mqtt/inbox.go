package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"guided/player"
)

// An inbox takes commands from the broker and has them carried out, one after another, in the order they came.
type inbox struct {
	do    func(payload []byte, received time.Time) player.Response
	pace  pace
	place place
	box   *outbox
	log   *slog.Logger

	queue  chan order
	missed atomic.Int64 // refused at the door since the last report
	told   time.Time    // the last report
	kept   map[string]bool
}

// An order is a command as it came.
type order struct {
	topic    string
	payload  []byte // nil when too long
	size     int
	retained bool
	received time.Time
}

// handle is called by paho, which does nothing else meanwhile, neither ping nor acknowledge. It never waits.
func (in *inbox) handle(_ paho.Client, m paho.Message) {
	o := order{topic: m.Topic(), payload: m.Payload(), size: len(m.Payload()), retained: m.Retained(), received: time.Now()}
	if o.size > in.pace.payload {
		o.payload = nil
	}
	select {
	case in.queue <- o:
	default:
		in.missed.Add(1)
		in.box.refuse(in.place.response(refusal(o.payload, "too many commands at once: send it again in a moment")))
	}
}

// work returns when ctx ends.
func (in *inbox) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-in.queue:
			in.box.awaitRoom(ctx)
			in.box.hold()
			in.box.answer(in.place.response(in.answer(o)))
		}
		in.report()
	}
}

func (in *inbox) answer(o order) player.Response {
	switch waited := time.Since(o.received); {
	case o.retained:
		in.reportRetained(o.topic)
		return refusal(o.payload, "a retained command is never carried out, as it would come again at every restart; clear it with: "+clearing(o.topic))
	case o.size > in.pace.payload:
		return refusal(o.payload, fmt.Sprintf("a command of %d bytes is too long; %d are allowed", o.size, in.pace.payload))
	case waited > in.pace.queueAge:
		return refusal(o.payload, fmt.Sprintf("the command waited %.0f s for those before it and is too old now; send it again", waited.Seconds()))
	}
	return in.carryOut(o)
}

// carryOut keeps one bad command from ending a routine that plays, and the program.
func (in *inbox) carryOut(o order) (r player.Response) {
	defer func() {
		if p := recover(); p != nil {
			in.log.Error("command panicked", "panic", p, "payload", string(o.payload), "stack", string(debug.Stack()))
			r = refusal(o.payload, "the command failed inside guided; please report what the log says")
		}
	}()
	return in.do(o.payload, o.received)
}

// report tells of a burst when it is over, or every so often while it lasts.
func (in *inbox) report() {
	if in.missed.Load() == 0 || len(in.queue) > 0 && time.Since(in.told) < in.pace.queueAge {
		return
	}
	in.told = time.Now()
	in.log.Warn("commands refused: too many at once", "count", in.missed.Swap(0), "room", cap(in.queue))
}

func (in *inbox) reportRetained(topic string) {
	if in.kept[topic] {
		return
	}
	in.kept[topic] = true
	in.log.Warn("retained command refused", "topic", topic, "hint", "clear it with: "+clearing(topic))
}

func clearing(topic string) string { return fmt.Sprintf("mosquitto_pub -r -n -t '%s'", topic) }
