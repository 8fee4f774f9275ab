package mqtt

import (
	"guided/history"
	"guided/homeassistant"
	"guided/player"
)

// A message is one publication.
type message struct {
	topic    string
	payload  []byte
	qos      byte
	retained bool
}

// topics are where a node publishes and subscribes: below node ("guided/mat"), and the command topic of every node below
// all ("guided/all").
type topics struct{ node, all string }

func (o Options) topics() topics {
	return topics{node: o.Prefix + "/" + o.Node, all: o.Prefix + "/all"}
}

// commands are the command topics, the node's own first.
func (t topics) commands() []string { return []string{t.node + "/command", t.all + "/command"} }

func (t topics) status(online bool) message {
	payload := "offline"
	if online {
		payload = "online"
	}
	return message{t.node + "/status", []byte(payload), 1, true}
}

func (t topics) state(s player.State) (message, error) {
	b, err := homeassistant.EncodeJSON(boundState(s))
	return message{t.node + "/state", b, 1, true}, err
}

// info says too what was left out of it, as it was too much.
func (t topics) info(i player.Info) (m message, leftOut string, err error) {
	b, leftOut, err := boundInfo(i)
	return message{t.node + "/info", b, 1, true}, leftOut, err
}

// history clears what the broker has of it where none is kept.
func (t topics) history(s *history.Summary) (m message, err error) {
	m = message{t.node + "/history", nil, 1, true}
	if s != nil {
		m.payload, err = homeassistant.EncodeJSON(boundSummary(*s))
	}
	return m, err
}

func (t topics) response(r player.Response) message {
	b, _ := homeassistant.EncodeJSON(boundResponse(r)) // strings cannot fail
	return message{t.node + "/response", b, 1, false}
}

// event is not retained: an event is true only at the moment of its publication.
func (t topics) event(e player.Event) (message, error) {
	b, err := homeassistant.EncodeJSON(boundEvent(e))
	return message{t.node + "/event", b, 1, false}, err
}

// phase is published at QoS 0: a phase that had to be sent twice would be too late.
func (t topics) phase(f player.Phase) (message, error) {
	b, err := homeassistant.EncodeJSON(f)
	return message{t.node + "/phase", b, 0, false}, err
}
