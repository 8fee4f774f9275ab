package player

import (
	"context"
	"errors"

	"guided/audio"
	"guided/routines"
)

const (
	paceStep         = 1.05              // what slower makes of a breath, and faster takes back
	maxPace          = 2                 // times the pace that is written
	reviseLead       = routines.Rate / 2 // how far ahead of what is pulled a change takes effect: time to compile
	defaultExtension = 30 * routines.Rate
)

// extend makes the step that is heard longer.
func (p *Player) extend(c Command) (bool, error) {
	more := c.Extend
	if more == (routines.Amount{}) {
		more.Samples = defaultExtension
	}
	return p.revise(routines.Change{Extend: more})
}

// slower and faster change the breath from the next one on; its ratio stays.
func (p *Player) slower(Command) (bool, error) { return p.revise(routines.Change{Pace: paceStep}) }
func (p *Player) faster(Command) (bool, error) { return p.revise(routines.Change{Pace: 1 / paceStep}) }

// revise compiles the running score again with a change of what is ahead, and lets the session go on with it. The
// sound goes on meanwhile; where it has overtaken the change, the change is made again further on.
func (p *Player) revise(c routines.Change) (bool, error) {
	for {
		done, err := p.tryRevise(c)
		if done || err != nil {
			return done, err
		}
	}
}

func (p *Player) tryRevise(c routines.Change) (bool, error) {
	p.mu.Lock()
	s := p.session
	var err error
	switch {
	case p.current() == nil:
		err = ErrIdle
	case p.pending != nil || p.preparing != nil:
		err = errors.New("the routine is being prepared; wait until it sounds")
	case c.Pace == 0 && atWait(s):
		err = errors.New("this step waits for you already; say next to go on")
	case c.Pace > 0 && !paceAllowed(s.request.options.Changes, c.Pace):
		err = errors.New("the breath is as slow or as fast as it can be")
	}
	if err != nil {
		p.mu.Unlock()
		return false, err
	}
	c.At = max(s.sound.Position(), s.landAt) + reviseLead
	heard, asked := s.score, s.request
	p.mu.Unlock()

	score, options, err := routines.Revise(asked.routine, asked.bank.Measure, asked.options, heard, c)
	if err != nil {
		return false, err
	}
	ctx, drop := context.WithCancel(s.lifetime)
	sound, err := asked.bank.Begin(ctx, score, p.loaders.Go)
	if err == nil {
		err = sound.Load(ctx, c.At-reviseLead)
	}
	if err == nil { // an output may take back its way to here
		err = sound.Load(ctx, max(0, c.At-reviseLead-audio.Reserve))
	}
	if err != nil {
		drop()
		return false, ErrIdle // the session has ended
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	at := s.sound.Position()
	if p.session != s || s.score != heard || at > options.Changes[len(options.Changes)-1].At {
		drop()
		return false, nil
	}
	s.cancelLoading()
	old := s.sound
	s.score, s.sound, s.cancelLoading, s.request.options = score, sound, drop, options
	s.seek(at)
	s.previous, s.crossfade = old, glideLen
	p.publishState()
	return true, nil
}

func atWait(s *session) bool {
	_, waits := s.score.Waits(s.target())
	return waits
}

// paceAllowed tells whether one more change of pace leaves the breath between half and double.
func paceAllowed(changes []routines.Change, pace float64) bool {
	for _, c := range changes {
		if c.Pace > 0 {
			pace *= c.Pace
		}
	}
	return pace <= maxPace && pace >= 1.0/maxPace
}
