package player

import "errors"

// setVolume sets the player's volume, in place of one that came with a start.
func (p *Player) setVolume(c Command) (bool, error) {
	if c.Volume == nil {
		return false, errors.New("volume: give a number from 0 to 100")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.volume == *c.Volume && p.loudness() == *c.Volume {
		return false, nil
	}
	p.volume = *c.Volume
	p.loud(nil)
	return true, nil
}

// loudness is the volume of the moment. The caller holds the lock.
func (p *Player) loudness() int {
	if r := p.running(); r != nil && r.volume != nil {
		return *r.volume
	}
	return p.volume
}

// loud gives what is running a volume of its own, nil for the player's. The caller holds the lock.
func (p *Player) loud(own *int) {
	r := p.running()
	if r != nil {
		r.volume = own
	}
	if p.session != nil && r == &p.session.asked {
		gain := gainOf(p.loudness())
		p.session.ask(func(s *session) { s.volume.to(gain, glide) })
	}
	p.changed()
}
