package player

import "errors"

// pause lets the sound leave, and keeps what is being prepared from sounding.
func (p *Player) pause(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pauseCurrent()
}

// resume lets the sound come back. Where the device is away it is tried at once.
func (p *Player) resume(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current() == nil {
		return false, ErrIdle
	}
	return p.resumeCurrent(), nil
}

// toggle pauses what plays, goes on with what is paused, and starts what is selected when nothing is.
func (p *Player) toggle(c Command) (bool, error) {
	p.mu.Lock()
	switch {
	case p.current() == nil:
		p.mu.Unlock()
		return p.start(c)
	case p.paused:
		defer p.mu.Unlock()
		return p.resumeCurrent(), nil
	}
	defer p.mu.Unlock()
	return p.pauseCurrent()
}

// pauseCurrent pauses what is running. The caller holds the lock.
func (p *Player) pauseCurrent() (bool, error) {
	if p.current() == nil {
		return false, ErrIdle
	}
	if p.paused {
		return false, nil
	}
	p.paused = true
	switch {
	case p.pending != nil || p.preparing != nil: // told when it is prepared
	case p.session.playing:
		p.leaveSession(pause)
	default:
		p.notifyPaused()
	}
	return true, nil
}

// resumeCurrent takes a pause back, and tells whether there was one. The caller holds the lock.
func (p *Player) resumeCurrent() bool {
	p.wakeRun()
	if !p.paused {
		return false
	}
	p.paused, p.problem = false, ""
	p.publishState()
	return true
}

// leaveSession lets the sound of a playing session leave. One that has not been pulled yet need not wait for its device. The
// caller holds the lock.
func (p *Player) leaveSession(then reason) {
	s := p.session
	s.apply(func(s *session) { s.leave(then) })
	if s.frames == 0 && then != jump {
		s.cancelPlay()
	}
}

// setVolume sets the player's volume, in place of one that came with a start.
func (p *Player) setVolume(c Command) (bool, error) {
	if c.Volume == nil {
		return false, errors.New("volume: give a number from 0 to 100")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.volume == *c.Volume && p.currentVolume() == *c.Volume {
		return false, nil
	}
	p.volume = *c.Volume
	p.setSessionVolume(nil)
	return true, nil
}

// currentVolume is the volume of the moment. The caller holds the lock.
func (p *Player) currentVolume() int {
	if r := p.current(); r != nil && r.volume != nil {
		return *r.volume
	}
	return p.volume
}

// setSessionVolume gives what is running a volume of its own, nil for the player's. The caller holds the lock.
func (p *Player) setSessionVolume(own *int) {
	r := p.current()
	if r != nil {
		r.volume = own
	}
	if p.session != nil && r == &p.session.request {
		gain := gainOf(p.currentVolume())
		p.session.apply(func(s *session) { s.volumeGain.glideTo(gain, glideLen) })
	}
	p.publishState()
}

// stop ends the session, takes back a start that has not sounded yet, and forgets a failed one.
func (p *Player) stop(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	silenced := p.cancelMessages()
	if p.current() == nil && p.problem == "" {
		return silenced, nil
	}
	p.dropPending()
	switch {
	case p.session == nil:
		p.paused, p.problem = false, ""
		p.publishState()
	case p.session.playing:
		p.leaveSession(finish)
	default:
		p.endSession("routine_stopped")
	}
	p.wakeRun()
	return true, nil
}
