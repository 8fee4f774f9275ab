package mqtt

import (
	"context"
	"slices"
)

// withoutValue is what is missing where a topic of Values cannot be subscribed to.
const withoutValue = "what waits for its value takes it as unknown"

// valueTopics are the topics of Values, as they were told last. They are not to be changed.
func (p *publisher) valueTopics() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.values
}

func (p *publisher) setValueTopics(all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values = all
}

// changeValues subscribes to the topics that are new, and leaves those that are none any more: their values are no longer
// known.
func (p *publisher) changeValues(ctx context.Context, c *connection, all []string) error {
	before := p.valueTopics()
	p.setValueTopics(all)
	for _, topic := range before {
		if slices.Contains(all, topic) {
			continue
		}
		if !p.listensTo(topic) {
			if err := c.wait(ctx, c.client.Unsubscribe(topic)); err != nil {
				return err
			}
		}
		p.options.Values.Set(topic, "")
	}
	for _, topic := range all {
		if slices.Contains(before, topic) || slices.Contains(p.topics.commands(), topic) {
			continue
		}
		if err := p.subscribeOptional(ctx, c, topic, withoutValue); err != nil {
			return err
		}
	}
	return nil
}
