package player

import (
	"errors"

	"guided/audio"
)

// pause lets the sound fade out, and keeps a routine that is being prepared from sounding.
func (p *Player) pause(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pauseCurrent()
}

// resume lets the sound come back. A device that is unavailable is tried at once.
func (p *Player) resume(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current() == nil {
		return false, ErrIdle
	}
	return p.resumeCurrent(), nil
}

// toggle pauses what plays, resumes what is paused, and starts the selected routine when there is neither.
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

// stop ends the session, cancels a start that has not sounded yet, and clears the problem of a failed one. Messages are
// dropped.
func (p *Player) stop(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cancelled := p.cancelMessages()
	if p.current() == nil && p.problem == "" {
		return cancelled, nil
	}
	p.dropPending()
	switch {
	case p.session == nil:
		p.paused, p.problem = false, ""
		p.publishState()
	case p.session.playing:
		p.session.requestLeave(finish)
	default:
		p.endSession("routine_stopped")
	}
	p.wakeRun()
	return true, nil
}

// pauseCurrent is pause. The caller holds the lock.
func (p *Player) pauseCurrent() (bool, error) {
	if p.current() == nil {
		return false, ErrIdle
	}
	if p.paused {
		return false, nil
	}
	p.paused = true
	switch {
	case p.pending != nil || p.preparing != nil: // published when it is prepared
	case p.session.playing:
		p.session.requestLeave(pause)
	default:
		p.notifyPaused()
	}
	return true, nil
}

// resumeCurrent lets Run play again, and reports whether there was a pause. The caller holds the lock.
func (p *Player) resumeCurrent() bool {
	p.wakeRun()
	if !p.paused {
		return false
	}
	p.paused, p.problem = false, ""
	p.publishState()
	return true
}

// setVolume sets the player's volume, and ends one that came with a start.
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

// currentVolume is the volume in effect, from 0 to 100. The caller holds the lock.
func (p *Player) currentVolume() int {
	if r := p.current(); r != nil && r.volume != nil {
		return *r.volume
	}
	return p.volume
}

// setSessionVolume gives the current request a volume of its own, nil for the player's. The caller holds the lock.
func (p *Player) setSessionVolume(own *int) {
	r := p.current()
	if r != nil {
		r.volume = own
	}
	if p.session != nil && r == &p.session.request {
		gain := audio.VolumeGain(p.currentVolume())
		p.session.apply(func(s *session) { s.volumeGain.glideTo(gain, glideLen) })
	}
	p.publishState()
}
