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

// An inbox receives commands from the broker and has them executed one after the other, in the order of their arrival.
type inbox struct {
	do     func(payload []byte, received time.Time) player.Response
	limits limits
	topics topics
	outbox *outbox
	log    *slog.Logger

	queue      chan command
	overflow   atomic.Int64 // commands refused because the queue was full, since the last report
	reportedAt time.Time
	reported   map[string]bool // topics whose retained command was logged
}

// A command is one message on a command topic.
type command struct {
	topic    string
	payload  []byte // nil when it is too long
	size     int    // bytes
	retained bool
	received time.Time
}

// receive queues a command. It never waits: paho calls it from the goroutine that also reads pings and acknowledgements.
func (in *inbox) receive(m paho.Message) {
	c := command{topic: m.Topic(), payload: m.Payload(), size: len(m.Payload()), retained: m.Retained(), received: time.Now()}
	if c.size > in.limits.maxPayload {
		c.payload = nil
	}
	select {
	case in.queue <- c:
	default:
		in.overflow.Add(1)
		in.outbox.refuse(in.topics.response(errorResponse(c.payload, "too many commands at once: send it again in a moment")))
	}
}

// run executes commands until ctx ends.
func (in *inbox) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-in.queue:
			in.outbox.beginCommand(ctx)
			in.outbox.endCommand(in.topics.response(in.execute(c)))
		}
		in.reportOverflow()
	}
}

// execute refuses a command or has it carried out. A panic must end neither the routine that plays nor the program.
func (in *inbox) execute(c command) (r player.Response) {
	switch waited := time.Since(c.received); {
	case c.retained:
		in.reportRetained(c.topic)
		return errorResponse(c.payload, "a retained command is never carried out, as it would come again at every restart; clear it with: "+clearCommand(c.topic))
	case c.size > in.limits.maxPayload:
		return errorResponse(c.payload, fmt.Sprintf("a command of %d bytes is too long; %d are allowed", c.size, in.limits.maxPayload))
	case waited > in.limits.maxQueueAge:
		return errorResponse(c.payload, fmt.Sprintf("the command waited %.0f s for those before it and is too old now; send it again", waited.Seconds()))
	}
	defer func() {
		if p := recover(); p != nil {
			in.log.Error("command panicked", "panic", p, "payload", string(c.payload), "stack", string(debug.Stack()))
			r = errorResponse(c.payload, "the command failed inside guided; please report what the log says")
		}
	}()
	return in.do(c.payload, c.received)
}

// reportOverflow logs a flood of commands when it is over, and from time to time while it lasts.
func (in *inbox) reportOverflow() {
	if in.overflow.Load() == 0 || len(in.queue) > 0 && time.Since(in.reportedAt) < in.limits.maxQueueAge {
		return
	}
	in.reportedAt = time.Now()
	in.log.Warn("commands refused: too many at once", "count", in.overflow.Swap(0), "room", cap(in.queue))
}

func (in *inbox) reportRetained(topic string) {
	if in.reported[topic] {
		return
	}
	in.reported[topic] = true
	in.log.Warn("retained command refused", "topic", topic, "hint", "clear it with: "+clearCommand(topic))
}

// clearCommand is the shell command that clears a retained message.
func clearCommand(topic string) string { return fmt.Sprintf("mosquitto_pub -r -n -t '%s'", topic) }

// errorResponse answers a command that did not reach the player, with its verb and transaction where they can be read.
func errorResponse(payload []byte, why string) player.Response {
	verb, transaction := verbAndTransaction(payload)
	return player.Response{Status: "error", Command: verb, Error: why, Transaction: transaction}
}

// verbAndTransaction reads the verb and the transaction of a command that may be malformed; "" where there is none, or
// the command is long.
func verbAndTransaction(payload []byte) (verb, transaction string) {
	const maxRead = 4096
	if len(payload) > maxRead {
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
