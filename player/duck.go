package player

import "guided/routines"

const (
	duckedGain  = 0.1                    // what is left of the routine while it is ducked: −20 dB
	duckDown    = routines.Rate / 5      // how long the way down takes
	duckUp      = routines.Rate * 7 / 10 // and the way back
	duckTimeout = 60 * routines.Rate     // heard; a remote that has not sent unduck by then is assumed to be gone
	repeatAfter = 2 * routines.Rate      // heard; a cue that was covered for longer is spoken again
)

// duck turns the routine down so that someone can speak over it. Where nothing sounds it changes nothing: the next start
// is at full volume.
func (p *Player) duck(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.session
	if s == nil || !s.playing || s.transition.reason == pause || s.transition.reason == finish || s.ducked {
		return false, nil
	}
	s.ducked, s.duckedAt = true, s.heardNow()
	s.apply(func(s *session) { s.duckGain.glideTo(duckedGain, duckDown) })
	return true, nil
}

// unduck turns the routine up again: where it is after up to repeatAfter, else with the cue spoken again from its
// beginning, as soon as that is loaded.
func (p *Player) unduck(c Command) (bool, error) {
	p.mu.Lock()
	s := p.session
	if s == nil || !s.ducked {
		p.mu.Unlock()
		return false, nil
	}
	covered := s.heardNow()-s.duckedAt > repeatAfter && s.transition.reason == carryOn && s.comeback() != s.target()
	if !covered {
		defer p.mu.Unlock()
		p.unduckSession(s)
		return true, nil
	}
	s.ducked = false
	p.mu.Unlock()
	back := destination(toResumePoint)
	if _, err := back.now(p, c); err == errSlow {
		p.enqueue(verb{name: "unduck", slow: back.slowly}, c, func(_ bool, _ string, err error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if err != nil && p.session == s { // interrupted
				p.unduckSession(s)
			}
		})
	}
	return true, nil
}

// unduckSession turns a session up where it is. The caller holds the lock.
func (p *Player) unduckSession(s *session) {
	s.ducked = false
	s.apply(func(s *session) { s.duckGain.glideTo(1, duckUp) })
}

// endExpiredDuck ends a duck after duckTimeout. The caller holds the lock.
func (p *Player) endExpiredDuck(s *session) {
	if s.ducked && s.heard-s.duckedAt > duckTimeout {
		p.unduckSession(s)
	}
}
