package cli

import (
	"errors"
	"fmt"
	"log/slog"

	"guided/config"
	"guided/mqtt"
)

type purgeCommand struct{}

// Run removes what the daemon left with the broker, and forgets it. It refuses while the daemon runs.
func (purgeCommand) Run(p *process) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	if c.MQTT.Broker == "" {
		return errors.New("the broker inside guided keeps nothing when it ends: there is nothing to remove; where Home Assistant still shows the device, delete it there")
	}
	log := p.logger(slog.LevelWarn)
	who, err := config.TakeIdentity(p.config)
	switch {
	case errors.Is(err, config.ErrIdentityTaken):
		return mqtt.ErrOnline
	case err != nil:
		log.Warn("the daemon's own memory cannot be read; what the broker tells is used", "err", err)
	default:
		defer who.Release()
	}
	removed, err := mqtt.Purge(p.ctx, c.MQTTOptions(who), log)
	if err != nil && len(removed) == 0 {
		return err
	}
	if p.json {
		if removed == nil {
			removed = []string{}
		}
		return errors.Join(err, p.printJSON(map[string]any{"broker": c.MQTT.Broker, "removed": removed}))
	}
	for _, topic := range removed {
		fmt.Fprintln(p.stdout, "removed", topic)
	}
	if len(removed) == 0 {
		fmt.Fprintf(p.stdout, "%s keeps nothing of %s\n", c.MQTT.Broker, c.Node)
	}
	for _, broker := range mqtt.Elsewhere(c.MQTTOptions(who), log) {
		fmt.Fprintf(p.stdout, "%s may keep something too; name it as mqtt.broker, and purge again\n", broker)
	}
	return err
}
