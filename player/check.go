package player

import (
	"context"
	"errors"
)

// Check returns nil once what plays has shown that it works: the loop of Run has come round, or an output has pulled sound.
// The error says that neither has happened until ctx ends. A device that is away is tried again and again, and so it is no error.
func (p *Player) Check(ctx context.Context) error {
	alive := make(chan struct{})
	p.mu.Lock()
	p.checks = append(p.checks, alive)
	p.mu.Unlock()
	p.wakeRun()
	select {
	case <-alive:
		return nil
	case <-ctx.Done():
		return errors.New("the player neither plays nor takes commands")
	}
}

// answerChecks answers those who wait in Check. The caller holds the lock.
func (p *Player) answerChecks() {
	for _, alive := range p.checks {
		close(alive)
	}
	p.checks = nil
}
