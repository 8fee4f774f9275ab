package mqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	paho "github.com/eclipse/paho.mqtt.golang"

	"guided/player"
)

// An inbox takes commands from the broker and has them carried out, one after another, in the order they came.
type inbox struct {
	do     func(payload []byte, received time.Time) player.Response
	limits limits
	topics topics
	outbox *outbox
	log    *slog.Logger

	queue  chan command
	missed atomic.Int64 // refused at the door since the last report
	told   time.Time    // the last report
	kept   map[string]bool
}

// An command is a command as it came.
type command struct {
	topic    string
	payload  []byte // nil when too long
	size     int
	retained bool
	received time.Time
}

// receive is called by paho, which does nothing else meanwhile, neither ping nor acknowledge. It never waits.
func (in *inbox) receive(_ paho.Client, m paho.Message) {
	o := command{topic: m.Topic(), payload: m.Payload(), size: len(m.Payload()), retained: m.Retained(), received: time.Now()}
	if o.size > in.limits.maxPayload {
		o.payload = nil
	}
	select {
	case in.queue <- o:
	default:
		in.missed.Add(1)
		in.outbox.refuse(in.topics.response(errorResponse(o.payload, "too many commands at once: send it again in a moment")))
	}
}

// run returns when ctx ends.
func (in *inbox) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-in.queue:
			in.outbox.awaitRoom(ctx)
			in.outbox.hold()
			in.outbox.answer(in.topics.response(in.answer(o)))
		}
		in.report()
	}
}

func (in *inbox) answer(o command) player.Response {
	switch waited := time.Since(o.received); {
	case o.retained:
		in.reportRetained(o.topic)
		return errorResponse(o.payload, "a retained command is never carried out, as it would come again at every restart; clear it with: "+clearCommand(o.topic))
	case o.size > in.limits.maxPayload:
		return errorResponse(o.payload, fmt.Sprintf("a command of %d bytes is too long; %d are allowed", o.size, in.limits.maxPayload))
	case waited > in.limits.maxQueueAge:
		return errorResponse(o.payload, fmt.Sprintf("the command waited %.0f s for those before it and is too old now; send it again", waited.Seconds()))
	}
	return in.carryOut(o)
}

// carryOut keeps one bad command from ending a routine that plays, and the program.
func (in *inbox) carryOut(o command) (r player.Response) {
	defer func() {
		if p := recover(); p != nil {
			in.log.Error("command panicked", "panic", p, "payload", string(o.payload), "stack", string(debug.Stack()))
			r = errorResponse(o.payload, "the command failed inside guided; please report what the log says")
		}
	}()
	return in.do(o.payload, o.received)
}

// report tells of a burst when it is over, or every so often while it lasts.
func (in *inbox) report() {
	if in.missed.Load() == 0 || len(in.queue) > 0 && time.Since(in.told) < in.limits.maxQueueAge {
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
	in.log.Warn("retained command refused", "topic", topic, "hint", "clear it with: "+clearCommand(topic))
}

func clearCommand(topic string) string { return fmt.Sprintf("mosquitto_pub -r -n -t '%s'", topic) }

// errorResponse answers a command that never reached the player, and says which one as well as can be told.
func errorResponse(payload []byte, why string) player.Response {
	verb, transaction := verbAndTransaction(payload)
	return player.Response{Status: "error", Command: verb, Error: why, Transaction: transaction}
}

// verbAndTransaction reads the verb and the transaction of a command, where they can be seen in a short look.
func verbAndTransaction(payload []byte) (verb, transaction string) {
	const glance = 4096
	if len(payload) > glance {
		return "", ""
	}
	words := string(payload)
	if bytes.HasPrefix(bytes.TrimSpace(payload), []byte("{")) {
		var c struct {
			Command     string
			Transaction json.RawMessage
		}
		_ = json.Unmarshal(payload, &c) // what cannot be read is left empty
		words = c.Command
		if json.Unmarshal(c.Transaction, &transaction) != nil {
			transaction = string(c.Transaction) // a number
		}
	}
	verb, _, _ = strings.Cut(strings.TrimSpace(words), " ")
	if len(verb) > 40 || !utf8.ValidString(verb) {
		verb = ""
	}
	return strings.ToLower(verb), transaction
}
