package player

import "guided/routines"

const (
	duckedGain  = 0.1                    // what is left of the sound under somebody's voice: −20 dB
	duckDown    = routines.Rate / 5      // how long the way down takes
	duckUp      = routines.Rate * 7 / 10 // and the way back
	duckTimeout = 60 * routines.Rate     // heard; then nobody seems to be left who would take it back
	repeatAfter = 2 * routines.Rate      // heard; after more than this the cue is said again
)

// duck lets the routine go on softly under somebody's voice. What does not sound cannot be softer: the next start is
// as loud as ever.
func (p *Player) duck(Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.session
	if s == nil || !s.playing || s.reason == pause || s.reason == finish || s.ducked {
		return false, nil
	}
	s.ducked, s.duckedAt = true, s.heard
	s.apply(func(s *session) { s.duckGain.glideTo(duckedGain, duckDown) })
	return true, nil
}

// unduck lets it come back: after a word at the place it has reached, after more than that with the cue said again
// from its beginning.
func (p *Player) unduck(Command) (bool, error) {
	p.mu.Lock()
	s := p.session
	if s == nil || !s.ducked {
		p.mu.Unlock()
		return false, nil
	}
	if s.heard-s.duckedAt > repeatAfter && s.reason == carryOn && s.comeback() != s.target() {
		s.ducked = false
		p.mu.Unlock()
		_, err := p.jump(func(score *routines.Score, at int) int { return score.Return(at) })
		return err == nil, nil
	}
	defer p.mu.Unlock()
	p.unduckSession(s)
	return true, nil
}

// unduckSession takes the ducking of a session back. The caller holds the lock.
func (p *Player) unduckSession(s *session) {
	s.ducked = false
	s.apply(func(s *session) { s.duckGain.glideTo(1, duckUp) })
}

// endExpiredDuck takes back a duck that nobody takes back. The caller holds the lock.
func (p *Player) endExpiredDuck(s *session) {
	if s.ducked && s.heard-s.duckedAt > duckTimeout {
		p.unduckSession(s)
	}
}
