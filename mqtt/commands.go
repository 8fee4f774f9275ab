package mqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	paho "github.com/eclipse/paho.mqtt.golang"

	"guided/player"
)

// An inbox receives commands from the broker and has them executed in the order of their arrival, by two workers. The
// urgent verbs (commands_urgent.go) have a worker of their own: they overtake the others where those take long or are many.
type inbox struct {
	do     func(payload []byte, from string) player.Response
	limits limits
	topics topics
	outbox *outbox
	log    *slog.Logger
	checks Checks

	sleep      *sleepClock
	queue      chan command // of the verbs that are not urgent
	lanes      lanes
	overflow   atomic.Int64 // commands refused because the queue was full, since the last report
	reportedAt time.Time
	reported   map[string]bool // topics whose retained command was logged
}

func newInbox(do func([]byte, string) player.Response, l limits, t topics, o *outbox, log *slog.Logger) *inbox {
	return &inbox{
		do: do, limits: l, topics: t, outbox: o, log: log,
		sleep:    newSleepClock(),
		queue:    make(chan command, l.queueLength),
		lanes:    lanes{wake: make(chan struct{}, 1), changed: make(chan struct{})},
		reported: map[string]bool{},
	}
}

// A command is one message on a command topic.
type command struct {
	topic    string
	payload  []byte // nil when it is too long
	retained bool
	received time.Time
	slept    time.Duration // the machine was suspended between the beginning of the connection and the command

	verb         string // "" where it was not understood
	number       int64  // counts the commands of the queue
	urgentBefore int64  // how many urgent commands came before it
}

// from is where a command came from, for people. MQTT 3.1.1 does not tell who published it.
func (c command) from() string { return "MQTT " + c.topic }

// receive queues a command. It never waits: paho calls it from the goroutine that also reads pings and acknowledgements.
func (in *inbox) receive(m paho.Message) {
	c := command{topic: m.Topic(), payload: m.Payload(), retained: m.Retained(), received: time.Now(), slept: in.sleep.slept()}
	if len(c.payload) > in.limits.maxPayload {
		c.payload = nil
	}
	if parsed, ok := in.parse(c); ok {
		c.verb = parsed.Verb
		if silences(c.verb) || isUrgent(c.verb) && c.slept <= in.limits.maxQueueAge {
			in.receiveUrgent(c, parsed)
			return
		}
	}
	if !in.enqueue(c) {
		in.overflow.Add(1)
		in.outbox.refuse(in.topics.response(errorResponse(c.payload, "too many commands at once: send it again in a moment")))
	}
}

// parse reads a command that may be carried out. A long one is no urgent one, and is not read here.
func (in *inbox) parse(c command) (player.Command, bool) {
	const maxRead = 4096 // bytes; the longest command without a text has a tenth of it
	if c.payload == nil || c.retained || len(c.payload) > maxRead {
		return player.Command{}, false
	}
	parsed, err := player.Parse(c.payload)
	return parsed, err == nil
}

// enqueue tells whether there was room.
func (in *inbox) enqueue(c command) bool {
	l := &in.lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	c.number, c.urgentBefore = l.queued+1, l.urgentReceived
	select {
	case in.queue <- c:
		l.queued++
		return true
	default:
		return false
	}
}

// run executes commands until ctx ends. It waits for its goroutine only when it returns: after a panic, which must end the
// process, that would go on.
func (in *inbox) run(ctx context.Context) {
	var urgent sync.WaitGroup
	urgent.Go(func() { in.runUrgent(ctx) })
	in.runQueue(ctx)
	urgent.Wait()
}

func (in *inbox) runQueue(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-in.queue:
			if !in.lanes.awaitUrgent(ctx, c.urgentBefore) {
				return
			}
			in.outbox.beginCommand(ctx)
			in.outbox.endCommand(in.topics.response(in.execute(c)))
		}
		in.reportOverflow()
	}
}

// execute refuses a command or has it carried out.
func (in *inbox) execute(c command) player.Response {
	refusal, refused := in.refusal(c)
	if refused {
		in.lanes.end(c, false)
		return refusal
	}
	r := in.do(c.payload, c.from())
	for _, again := range in.lanes.end(c, true) {
		in.do([]byte(again), c.from())
	}
	return r
}

// refusal is the answer to a command that is not to be carried out.
func (in *inbox) refusal(c command) (r player.Response, refused bool) {
	by, overtaken := in.lanes.begin(c)
	switch waited := elapsed(c.received, time.Now()); {
	case c.retained:
		in.reportRetained(c.topic)
		return errorResponse(c.payload, "a retained command is never carried out, as it would come again at every restart; clear it with: "+clearCommand(c.topic)), true
	case c.payload == nil:
		return errorResponse(nil, fmt.Sprintf("a command of more than %d bytes is too long", in.limits.maxPayload)), true
	case c.slept > in.limits.maxQueueAge:
		return errorResponse(c.payload, fmt.Sprintf("this machine slept for %v, and the command may be as old; send it again if it is still wanted", c.slept.Round(time.Second))), true
	case overtaken:
		return errorResponse(c.payload, fmt.Sprintf("overtaken by %s: this %s waited for others while %s came; send it again if it is still wanted", by, c.verb, by)), true
	case waited > in.limits.maxQueueAge:
		return errorResponse(c.payload, fmt.Sprintf("the command waited %.0f s for those before it and is too old now; send it again", waited.Seconds())), true
	}
	return r, false
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
