package cli

import "guided/homeassistant"

type packageCommand struct{ sheet }

// Run writes what answers the sentences.
func (o *packageCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	return o.put(p, homeassistant.Package(c.MQTT.Prefix+"/"+c.Node, c.HomeAssistant.Name))
}
