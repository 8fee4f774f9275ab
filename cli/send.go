package cli

import (
	"errors"
	"fmt"
	"strings"

	"guided/mqtt"
	"guided/player"
)

// ask gives the daemon a command over MQTT and waits for its response.
func (p *process) ask(command string) (player.Response, error) {
	c, err := p.settings()
	if err != nil {
		return player.Response{}, err
	}
	if c.MQTT.Broker == "" {
		c.MQTT.Broker = "mqtt://" + mqtt.DefaultAddress // the daemon's embedded broker
	}
	return mqtt.Send(p.ctx, c.MQTTOptions(nil), command)
}

type sendCommand struct {
	Words []string `arg:"" passthrough:"" help:"The command, such as: start 4-4-6 for 5m"`
}

// Run publishes the words on the daemon's command topic and prints its response.
func (o *sendCommand) Run(p *process) error {
	r, err := p.ask(strings.Join(o.Words, " "))
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(r)
	}
	switch {
	case r.Status != "ok":
		return errors.New(r.Error)
	case r.Note != "":
		_, err = fmt.Fprintln(p.stdout, "ok:", r.Note)
	case r.Unchanged:
		_, err = fmt.Fprintln(p.stdout, "ok, nothing had to change")
	default:
		_, err = fmt.Fprintln(p.stdout, "ok")
	}
	return err
}
