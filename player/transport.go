package player

import (
	"errors"

	"guided/audio"
)

// pause lets the sound fade out, and keeps a routine that is being prepared from sounding.
func (p *Player) pause(c Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pauseCurrent(c)
}

// resume lets the sound come back. A device that is unavailable is tried at once. Where nothing plays it takes up the lost
// session that is offered, slowly.
func (p *Player) resume(c Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch nothing := p.current() == nil && p.startInHand() == nil; {
	case nothing && (p.offer != nil || c.place != nil):
		return false, errSlow // takeUp
	case nothing:
		return false, p.nothingToResume()
	case c.place != nil || c.offered:
		return false, errNotIdle
	}
	return p.resumeCurrent(), nil
}

// toggle pauses what plays, resumes what is paused, and starts the selected routine when there is neither. It takes up no
// lost session: whoever presses one button must know what it does.
func (p *Player) toggle(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.startInHand()
	switch {
	case p.current() == nil && w == nil:
		return false, errSlow // start
	case w != nil && w.paused || w == nil && p.paused:
		return p.resumeCurrent(), nil
	}
	return p.pauseCurrent(Command{Verb: "toggle"})
}

// stop ends the session, interrupts slow commands, cancels a start that has not sounded yet, and clears the problem of a
// failed one. Messages are dropped, and the offer of a lost session is withdrawn.
func (p *Player) stop(c Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	interrupted := p.interruptSlow(c)
	cancelled := p.cancelMessages()
	withdrawn := p.endOffer(because("it was stopped", c.From))
	if p.atEnd != nil && (p.session == nil || p.session.id != p.atEnd.ID) {
		p.recordLost(*p.atEnd)
	}
	p.atEnd = nil
	if p.current() == nil && p.problem == "" {
		if withdrawn {
			p.publishState()
		}
		return cancelled || interrupted || withdrawn, nil
	}
	p.dropPending()
	switch {
	case p.session == nil:
		p.paused, p.problem = false, ""
		p.publishState()
	case p.session.playing:
		p.session.endsBecause("stopped", c.From)
		p.session.requestLeave(finish)
	default:
		p.session.endsBecause("stopped", c.From)
		p.endSession("routine_stopped")
	}
	p.wakeRun()
	return true, nil
}

// pauseCurrent is pause, also of a start in hand. The caller holds the lock.
func (p *Player) pauseCurrent(c Command) (bool, error) {
	p.interruptSlow(c)
	changed := false
	w := p.startInHand()
	if w != nil {
		changed, w.paused = !w.paused, true
	}
	switch {
	case p.current() == nil && w == nil:
		return false, ErrIdle
	case p.current() == nil || p.paused:
		return changed, nil
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

// resumeCurrent lets Run play again, also what a start in hand is about to, and reports whether there was a pause. A
// message that is being spoken alone makes way. The caller holds the lock.
func (p *Player) resumeCurrent() bool {
	changed := false
	if w := p.startInHand(); w != nil {
		changed, w.paused = w.paused, false
	}
	if p.current() != nil {
		p.displaceAnnouncement()
	}
	p.wakeRun()
	if !p.paused {
		return changed
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
	w := p.startInHand()
	if w != nil {
		w.otherVolume = true
	}
	if p.volume == *c.Volume && p.currentVolume() == *c.Volume && (w == nil || w.command.Volume == nil) {
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
	p.changeAnnouncementVolume()
	p.publishState()
}
