package player

import (
	"context"
	"errors"
	"time"

	"guided/audio"
	"guided/audio/mix"
	"guided/routines"
)

const (
	paceStep         = 1.05              // slower multiplies the length of a breath by it, faster divides
	maxPace          = 2                 // the longest breath, in times the written one; the shortest is its inverse
	reviseLead       = routines.Rate / 2 // how far ahead of the pulled position a change takes effect: time to compile
	defaultExtension = 30 * routines.Rate
	reviseTries      = 3                  // how often a change is made, each time further ahead
	maxReviseLead    = 30 * routines.Rate // more than changeTimeout allows
)

// extend makes the current step longer.
func (p *Player) extend(c Command, w *slowCommand) (bool, error) {
	more := c.Extend
	if more == (routines.Length{}) {
		more.Samples = defaultExtension
	}
	return p.revise(w, routines.Change{Extend: more})
}

// slower and faster change the length of the breaths from the next one on; their ratio stays.
func (p *Player) slower(_ Command, w *slowCommand) (bool, error) {
	return p.revise(w, routines.Change{Pace: paceStep})
}

func (p *Player) faster(_ Command, w *slowCommand) (bool, error) {
	return p.revise(w, routines.Change{Pace: 1 / paceStep})
}

// revise compiles the session's score again with a change of what is ahead, and lets the session go on with it. The
// sound goes on meanwhile; where it has passed the change, the change is made again further on, by what it took.
func (p *Player) revise(w *slowCommand, c routines.Change) (bool, error) {
	lead := reviseLead
	for range reviseTries {
		began := time.Now()
		done, err := p.tryRevise(w, c, lead)
		if done || err != nil {
			return done, err
		}
		lead = reviseLead + min(2*routines.Samples(time.Since(began)), maxReviseLead)
	}
	return false, errTooSlow
}

// tryRevise makes a change once, so far ahead of what was pulled. It reports false without an error where the session
// has passed it.
func (p *Player) tryRevise(w *slowCommand, c routines.Change, lead int) (bool, error) {
	p.mu.Lock()
	s, err := p.revisable(c)
	if err != nil {
		p.mu.Unlock()
		return false, err
	}
	from := s.furthest()
	c.At = from + lead
	old, lifetime := s.request, s.lifetime
	p.mu.Unlock()

	revised := old
	revised.score, revised.options, err = routines.Revise(w.ctx, old.routine, old.bank.Measure, old.options, old.score, c)
	if err != nil {
		return false, err
	}
	revised.fingerprint = revised.score.Fingerprint()
	ctx, cancel := context.WithCancel(lifetime)
	load := context.AfterFunc(w.ctx, cancel)
	sound, err := p.loadRevised(ctx, revised, from)
	if !load() || err != nil {
		cancel()
		return false, ErrIdle // the session has ended, or the command was interrupted
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session != s || s.score != old.score || s.furthest() > revised.options.Changes[len(revised.options.Changes)-1].At {
		cancel()
		return false, nil
	}
	if err := w.commit(); err != nil {
		cancel()
		return false, err
	}
	s.cancelLoading()
	at, previous := s.sound.Position(), s.sound
	s.score, s.fingerprint, s.options, s.sound, s.cancelLoading = revised.score, revised.fingerprint, revised.options, sound, cancel
	s.seek(at)
	s.previous, s.crossfade = previous, glideLen
	p.publishState()
	return true, nil
}

// furthest is the last position that the session may still come to without a further command: where it is pulled, where it
// is about to land, and both as a rewind would restore them. A change must lie behind it, as positions behind the change
// mean something else in the new score.
func (s *session) furthest() int {
	at := max(s.sound.Position(), s.transition.landAt)
	for _, before := range s.snapshots {
		at = max(at, before.at, before.transition.landAt)
	}
	return at
}

// revisable is the session, and why it cannot take a change. The caller holds the lock.
func (p *Player) revisable(c routines.Change) (*session, error) {
	s, err := p.playable()
	if err != nil {
		return nil, err
	}
	if _, waits := s.score.WaitAt(s.target()); c.Pace == 0 && waits {
		return nil, errors.New("this step waits for you already; say next to go on")
	}
	if c.Pace > 0 && !paceAllowed(s.options.Changes, c.Pace) {
		return nil, errors.New("the breath is as slow or as fast as it can be")
	}
	return s, nil
}

// loadRevised loads the sound of a revised score around a position.
func (p *Player) loadRevised(ctx context.Context, r request, at int) (*mix.LiveRenderer, error) {
	sound, err := r.bank.RenderLive(ctx, r.score, p.background.Go)
	if err != nil {
		return nil, err
	}
	for _, at := range []int{at, max(0, at-audio.RewindDepth)} { // an output may rewind that far
		loading, cancel := context.WithTimeout(ctx, loadTimeout)
		_ = sound.Preload(loading, at) // after the timeout it goes on without
		cancel()
	}
	return sound, ctx.Err()
}

// paceAllowed reports whether one more change of pace leaves the breath between half and double its written length.
func paceAllowed(changes []routines.Change, pace float64) bool {
	for _, c := range changes {
		if c.Pace > 0 {
			pace *= c.Pace
		}
	}
	return pace <= maxPace && pace >= 1.0/maxPace
}
