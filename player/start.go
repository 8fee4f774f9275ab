package player

import (
	"errors"
	"fmt"

	"guided/routines"
)

// start checks a routine and lets Run play it; what is running fades out first. Without a name it starts what is
// selected. Starting what plays already changes nothing; starting what is paused lets it go on.
func (p *Player) start(c Command) (bool, error) {
	name := c.Routine
	if name == "" {
		p.mu.Lock()
		name = p.selected
		p.mu.Unlock()
	}
	if name == "" {
		return false, errors.New("start what? name a routine, or select one first")
	}
	r, err := p.cfg.Library.Load(name)
	if err != nil {
		return false, err
	}
	bank, err := p.cfg.Bank.In(c.Voice)
	if err != nil {
		return false, fmt.Errorf("voice: %w", err)
	}
	req := request{r, bank, p.options(c.Parameters), c.Volume}
	req.options.Waits = p.cfg.Waits
	// What cannot be laid out, or not in the length asked for, is refused at once and not after the answer.
	if _, err := routines.Compile(r, bank.Measure, req.options); err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := p.chosen(r.Name)
	if current := p.running(); current != nil && current.same(req) {
		if c.Volume != nil && *c.Volume != p.loudness() {
			p.loud(c.Volume)
			changed = true
		}
		return p.goOn() || changed, nil
	}
	p.drop()
	p.next, p.paused, p.trouble = &req, false, ""
	if p.session != nil && p.session.playing {
		p.leave(finish)
	}
	p.changed()
	p.look()
	return true, nil
}

func (p *Player) choose(c Command) (bool, error) {
	if c.Routine == "" {
		return false, errors.New("select what? name a routine")
	}
	r, err := p.cfg.Library.Load(c.Routine)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.chosen(r.Name), nil
}

// chosen notes which routine is selected. The caller holds the lock.
func (p *Player) chosen(name string) bool {
	if p.selected == name {
		return false
	}
	p.selected = name
	p.changed()
	return true
}

// stop ends the session, takes back a start that has not sounded yet, and forgets a failed one.
func (p *Player) stop(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	silenced := p.quiet()
	if p.running() == nil && p.trouble == "" {
		return silenced, nil
	}
	p.drop()
	switch {
	case p.session == nil:
		p.paused, p.trouble = false, ""
		p.changed()
	case p.session.playing:
		p.leave(finish)
	default:
		p.end("routine_stopped")
	}
	p.look()
	return true, nil
}
