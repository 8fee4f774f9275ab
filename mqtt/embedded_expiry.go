package mqtt

import (
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// sessionKept is how long the session of a client that is away is kept at most, in seconds.
const sessionKept = 3600

// expiry removes what has expired from the embedded broker: sessions of clients that are away, and retained messages with an
// end. mochi looks for both in a loop that wakes the daemon five times a second; here one timer is set for the moment when
// something is due, and mostly none.
type expiry struct {
	server *mochi.Server
	forget func(topic string) // is told of retained messages that have expired

	mu    sync.Mutex
	timer *time.Timer // nil: none was needed yet
	due   time.Time   // when it fires; zero: it is not set
	ended bool
}

// at looks for what has expired at a time at the latest.
func (e *expiry) at(due time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended || !e.due.IsZero() && !due.Before(e.due) {
		return
	}
	e.due = due
	if e.timer == nil {
		e.timer = time.AfterFunc(time.Until(due), e.sweep)
	} else {
		e.timer.Reset(time.Until(due))
	}
}

// sweep removes what has expired, and sets the timer for what comes next. It may run beside itself.
func (e *expiry) sweep() {
	e.mu.Lock()
	e.due = time.Time{}
	e.mu.Unlock()
	now := time.Now().Unix() // mochi counts whole seconds
	next := int64(0)
	removes := func(ends int64) bool {
		if ends >= now && (next == 0 || ends < next) {
			next = ends
		}
		return ends < now
	}
	for id, client := range e.server.Clients.GetAll() {
		if left := client.StopTime(); left > 0 && removes(left+sessionExpiry(client)) {
			e.server.Clients.Delete(id)
		}
	}
	for topic, message := range e.server.Topics.Retained.GetAll() {
		if message.ProtocolVersion == 5 && message.Expiry > 0 && removes(message.Expiry) {
			e.server.Topics.Retained.Delete(topic)
			e.forget(topic)
		}
	}
	if next > 0 {
		e.at(time.Unix(next+1, 0))
	}
}

// sessionExpiry is how long the session of a client that is away is kept, in seconds.
func sessionExpiry(client *mochi.Client) int64 {
	if p := client.Properties; p.ProtocolVersion == 5 && p.Props.SessionExpiryIntervalFlag {
		return int64(p.Props.SessionExpiryInterval)
	}
	return sessionKept
}

// left takes note of a client that is away, whose session is kept.
func (e *expiry) left(client *mochi.Client) {
	e.at(time.Now().Add(time.Duration(sessionExpiry(client)+1) * time.Second))
}

// retained takes note of a message that is retained.
func (e *expiry) retained(pk packets.Packet) {
	if s := pk.Properties.MessageExpiryInterval; pk.ProtocolVersion == 5 && s > 0 {
		e.at(time.Now().Add(time.Duration(s+1) * time.Second))
	}
}

// close stops the timer.
func (e *expiry) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	if e.timer != nil {
		e.timer.Stop()
	}
}
