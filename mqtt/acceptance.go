package mqtt

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// MQTT 3.1.1 has no word for what a broker does not take: it closes the connection. Two closed connections with the same
// large message on its way are taken for that, and some more with the same small one: that is most often chance.
const (
	closesForRefusal      = 2
	closesForSmallRefusal = 4
)

// ordinarySize is the size up to which no message is taken to be too large, in bytes: brokers take more than that.
const ordinarySize = 512

// An acceptance is what one broker takes, as far as it was learnt from the connections that it closed. What it does not
// take is left out until the program or the broker is restarted, and named once. It does no I/O.
type acceptance struct {
	broker string
	log    *slog.Logger

	mode            int            // of modes
	confirmed       bool           // the broker refuses a connection in the first mode, and takes one in this
	found           int            // the mode that is taken when the first one is refused once more; 0: none
	closedAtConnect int            // connections in a row
	closes          map[string]int // connections that ended with this topic on its way, in a row
	leftOut         map[string]int // by topic the smallest size that the broker does not take, in bytes
	largest         int            // bytes of the largest message that it took
	tookRetained    bool
	tookQoS1        bool
	named           map[string]bool // what was logged
}

// A mode is what our messages and our last will may be.
type mode struct {
	retained bool
	qos      byte
}

// modes are tried in this order. mosquitto refuses the first with retain_available false or max_qos 0.
func modes() []mode { return []mode{{true, 1}, {false, 1}, {true, 0}, {false, 0}} }

func newAcceptance(broker string, log *slog.Logger) *acceptance {
	return &acceptance{broker: broker, log: log, closes: map[string]int{}, leftOut: map[string]int{}, named: map[string]bool{}}
}

// fit is a message as the broker takes it; false when it is to be left out.
func (a *acceptance) fit(m message) (message, bool) {
	if limit, is := a.leftOut[m.topic]; is && len(m.payload) >= limit {
		return m, false
	}
	now := modes()[a.mode]
	m.retained, m.qos = m.retained && now.retained, min(m.qos, now.qos)
	return m, true
}

// suspected tells whether a connection ended with a message on this topic on its way. Such a message is sent last.
func (a *acceptance) suspected(topic string) bool { return a.closes[topic] > 0 }

// took takes note that the broker took a message, as fit returned it.
func (a *acceptance) took(m message) {
	delete(a.closes, m.topic)
	a.largest = max(a.largest, len(m.payload))
	a.tookRetained = a.tookRetained || m.retained
	a.tookQoS1 = a.tookQoS1 || m.qos > 0
}

// connectClosed takes note that the broker closed a connection instead of accepting it. After some of that the next mode
// is tried.
func (a *acceptance) connectClosed() {
	if a.found > 0 { // the first mode was tried once more
		a.mode, a.found, a.confirmed = a.found, 0, true
		a.nameMode()
		return
	}
	if a.closedAtConnect++; a.closedAtConnect >= closesForRefusal && !a.confirmed {
		a.mode = (a.mode + 1) % len(modes())
	}
}

// connected takes note that the broker accepted a connection. It tells whether that is to be used: a mode that was found
// by trying counts only when the first one is refused once more, as the broker may have been starting.
func (a *acceptance) connected() (use bool) {
	a.closedAtConnect = 0
	if a.mode > 0 && !a.confirmed {
		a.mode, a.found = 0, a.mode
		return false
	}
	a.found = 0
	return true
}

// away takes note that the broker was not there: when it is back, it may have other settings. Each message that was left
// out is tried once more.
func (a *acceptance) away() {
	clear(a.closes)
	for topic := range a.leftOut {
		a.closes[topic] = closesForRefusal - 1
	}
	clear(a.leftOut)
	a.mode, a.confirmed, a.found, a.closedAtConnect = 0, false, 0, 0
	a.largest, a.tookRetained, a.tookQoS1 = 0, false, false
}

// closedDuring takes note that the connection ended while the broker was to take a message, as fit returned it.
func (a *acceptance) closedDuring(m message) {
	needed := closesForRefusal
	if len(m.payload) <= ordinarySize {
		needed = closesForSmallRefusal
	}
	if a.closes[m.topic]++; a.closes[m.topic] < needed {
		return
	}
	delete(a.closes, m.topic)
	now := modes()[a.mode]
	switch size := len(m.payload); {
	case size > max(ordinarySize, a.largest):
		a.leaveOut(m, fmt.Sprintf("raise max_packet_size and message_size_limit of the broker above %d; everything else works without it", size+len(m.topic)+16))
	case m.retained && !a.tookRetained:
		a.setMode(mode{false, now.qos})
	case m.qos > 0 && !a.tookQoS1:
		a.setMode(mode{now.retained, 0})
	default:
		a.leaveOut(m, "look into the broker's log for what it has against this message; everything else works without it")
	}
}

func (a *acceptance) leaveOut(m message, hint string) {
	a.leftOut[m.topic] = len(m.payload)
	a.name("left out: the broker closes the connection when this message comes", hint, "topic", m.topic, "bytes", len(m.payload))
}

func (a *acceptance) setMode(wanted mode) {
	for i, m := range modes() {
		if m == wanted {
			a.mode, a.confirmed = i, true
		}
	}
	a.nameMode()
}

func (a *acceptance) nameMode() {
	now := modes()[a.mode]
	var without, settings []string
	if !now.retained {
		without, settings = append(without, "retained messages"), append(settings, "retain_available true")
	}
	if now.qos == 0 {
		without, settings = append(without, "acknowledged messages (QoS 1)"), append(settings, "max_qos 1 or more")
	}
	a.name("broker takes no "+strings.Join(without, " and no ")+": what is published is lost for those who are away, such as a Home Assistant that restarts",
		"set "+strings.Join(settings, " and ")+" in the broker's settings")
}

// name logs something once for as long as the program runs.
func (a *acceptance) name(what, hint string, attributes ...any) {
	key := what
	if len(attributes) > 1 {
		key += fmt.Sprint(attributes[1]) // the topic
	}
	if a.named[key] {
		return
	}
	a.named[key] = true
	a.log.Warn(what, append(append([]any{"broker", a.broker}, attributes...), "hint", hint)...)
}

// A closedAtError means that the broker closed the connection at one message or subscription, which may be why.
type closedAtError struct {
	topic  string
	size   int  // bytes of the payload
	chance bool // it was most likely not why
	err    error
}

func (e *closedAtError) Error() string {
	if e.chance {
		return e.err.Error()
	}
	if e.size == 0 {
		return fmt.Sprintf("%v, at %s", e.err, e.topic)
	}
	return fmt.Sprintf("%v, at %s with %d bytes", e.err, e.topic, e.size)
}

func (e *closedAtError) Unwrap() error { return e.err }

// errClosedAtConnect means that the broker closed the connection in place of accepting it.
var errClosedAtConnect = errors.New("closed right after CONNECT")
