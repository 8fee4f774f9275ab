package player

import (
	"context"
	"errors"
	"time"

	"guided/audio/mix"
	"guided/routines"
)

// restartAfter is how far into a step `back` goes to its start instead of to the step before.
const restartAfter = 3 * routines.Rate

// next goes to the next step, or the next side of this one; from the last one the routine ends.
func (p *Player) next(Command) (bool, error) {
	return p.jump(func(score *routines.Score, at int) int {
		if i := score.NextStep(score.StepAt(at)); i < len(score.Marks) {
			return score.Marks[i].At
		}
		return score.Len
	})
}

// back goes to the start of the step, or within its first seconds to the step before.
func (p *Player) back(Command) (bool, error) {
	return p.jump(func(score *routines.Score, at int) int {
		i := score.StepAt(at)
		if at-score.Marks[i].At < restartAfter {
			i = score.PreviousStep(i)
		}
		return score.Marks[i].At
	})
}

// repeat goes to the start of the step.
func (p *Player) repeat(Command) (bool, error) {
	return p.jump(func(score *routines.Score, at int) int { return score.Marks[score.StepAt(at)].At })
}

// loadTimeout is how long the sound is waited for before it comes back without it.
const loadTimeout = 2 * time.Second

// jump lets the sound leave and come back where to says, seen from where it is heard or is about to be. The sound of
// the place is loaded before; meanwhile the one that is heard goes on, so that the place may have to be found again.
func (p *Player) jump(to func(score *routines.Score, at int) int) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	for {
		sound, target, err := p.tryJump(to, ctx.Err() != nil)
		if sound == nil || err != nil {
			return err == nil, err
		}
		_ = sound.Load(ctx, target) // what takes too long is missed
	}
}

// tryJump moves when the sound of the target is there, or at once; else it tells what is to load it.
func (p *Player) tryJump(to func(score *routines.Score, at int) int, atOnce bool) (*mix.Live, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.session
	switch {
	case p.current() == nil:
		return nil, 0, ErrIdle
	case p.pending != nil || p.preparing != nil:
		return nil, 0, errors.New("the routine is being prepared; wait until it sounds")
	}
	target := to(s.score, s.target())
	if !s.sound.Reach(target) && !atOnce {
		return s.sound, target, nil
	}
	s.reportedStep = routines.Mark{}
	switch {
	case s.playing:
		s.apply(func(s *session) {
			s.landAt = target
			if s.reason == carryOn {
				s.leave(jump)
			}
		})
	case target == s.score.Len:
		p.endSession("routine_finished")
	default: // paused, or the device is away: it is tried at once
		s.seek(target)
		p.publishState()
		p.wakeRun()
	}
	return nil, 0, nil
}
