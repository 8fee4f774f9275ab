package cli

import (
	"errors"
	"fmt"
	"strings"

	"guided/mqtt"
)

type sendCommand struct {
	Words []string `arg:"" passthrough:"" help:"The command, such as: start 4-4-6 for 5m"`
}

// Run publishes the words on the daemon's command topic and prints its response.
func (o *sendCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	if c.MQTT.Broker == "" {
		c.MQTT.Broker = "mqtt://" + mqtt.DefaultAddress // the daemon's embedded broker
	}
	r, err := mqtt.Send(p.ctx, c.MQTTOptions(nil), strings.Join(o.Words, " "))
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(r)
	}
	switch {
	case r.Status != "ok":
		return errors.New(r.Error)
	case r.Unchanged:
		_, err = fmt.Fprintln(p.stdout, "ok, nothing had to change")
	default:
		_, err = fmt.Fprintln(p.stdout, "ok")
	}
	return err
}
