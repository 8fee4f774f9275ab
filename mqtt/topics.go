package mqtt

import (
	"guided/homeassistant"
	"guided/player"
)

// A message is one thing said on the broker.
type message struct {
	topic    string
	payload  []byte
	qos      byte
	retained bool
}

// A topics is the node's level of the topics, "guided/mat"; all of what we say and hear stands below it, but for
// the command to every node.
type topics struct{ node, everyone string }

func (c Config) topics() topics {
	return topics{node: c.Prefix + "/" + c.Node, everyone: c.Prefix + "/all"}
}

func (p topics) commands() []string { return []string{p.node + "/command", p.everyone + "/command"} }

func (p topics) status(up bool) message {
	word := "offline"
	if up {
		word = "online"
	}
	return message{p.node + "/status", []byte(word), 1, true}
}

func (p topics) state(s player.State) (message, error) {
	b, err := homeassistant.EncodeJSON(s)
	return message{p.node + "/state", b, 1, true}, err
}

func (p topics) info(i player.Info) (message, error) {
	b, err := homeassistant.EncodeJSON(i)
	return message{p.node + "/info", b, 1, true}, err
}

func (p topics) response(r player.Response) message {
	b, _ := homeassistant.EncodeJSON(r) // words only, which cannot fail
	return message{p.node + "/response", b, 1, false}
}

// Events and what follows are never retained: they are true for the moment in which they are said.
func (p topics) event(e player.Event) (message, error) {
	b, err := homeassistant.EncodeJSON(e)
	return message{p.node + "/event", b, 1, false}, err
}

// A phase is sent once and not asked after: when it is late it is of no use.
func (p topics) phase(f player.Phase) (message, error) {
	b, err := homeassistant.EncodeJSON(f)
	return message{p.node + "/phase", b, 0, false}, err
}
