package mqtt

import (
	"bytes"
	"encoding/json"
	"fmt"

	"guided/player"
)

// A message is one thing said on the broker.
type message struct {
	topic    string
	payload  []byte
	qos      byte
	retained bool
}

// A place is the node's level of the topics, "guided/mat"; all of what we say and hear stands below it, but for
// the command to every node.
type place struct{ node, everyone string }

func (c Config) place() place {
	return place{node: c.Prefix + "/" + c.Node, everyone: c.Prefix + "/all"}
}

func (p place) commands() []string { return []string{p.node + "/command", p.everyone + "/command"} }

func (p place) status(up bool) message {
	word := "offline"
	if up {
		word = "online"
	}
	return message{p.node + "/status", []byte(word), 1, true}
}

func (p place) state(s player.State) (message, error) {
	b, err := encode(s)
	return message{p.node + "/state", b, 1, true}, err
}

func (p place) info(i player.Info) (message, error) {
	b, err := encode(i)
	return message{p.node + "/info", b, 1, true}, err
}

func (p place) response(r player.Response) message {
	b, _ := encode(r) // words only, which cannot fail
	return message{p.node + "/response", b, 1, false}
}

// Events and what follows are never retained: they are true for the moment in which they are said.
func (p place) event(e player.Event) (message, error) {
	b, err := encode(e)
	return message{p.node + "/event", b, 1, false}, err
}

// A phase is sent once and not asked after: when it is late it is of no use.
func (p place) phase(f player.Phase) (message, error) {
	b, err := encode(f)
	return message{p.node + "/phase", b, 0, false}, err
}

// encode leaves < > & as they are: people read these.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing %T as JSON: %w", v, err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
