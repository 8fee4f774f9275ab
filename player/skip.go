package player

import (
	"errors"

	"guided/routines"
)

// restartAfter is how far into a step `back` goes to its start instead of to the step before.
const restartAfter = 3 * routines.Rate

// skip goes to the next step, or the next side of this one; from the last one the routine ends.
func (p *Player) skip(Command) (bool, error) {
	return p.move(func(score *routines.Score, at int) int {
		if i := score.NextStep(score.StepAt(at)); i < len(score.Marks) {
			return score.Marks[i].At
		}
		return score.Len
	})
}

// back goes to the start of the step, or within its first seconds to the step before.
func (p *Player) back(Command) (bool, error) {
	return p.move(func(score *routines.Score, at int) int {
		i := score.StepAt(at)
		if at-score.Marks[i].At < restartAfter {
			i = score.PreviousStep(i)
		}
		return score.Marks[i].At
	})
}

// again goes to the start of the step.
func (p *Player) again(Command) (bool, error) {
	return p.move(func(score *routines.Score, at int) int { return score.Marks[score.StepAt(at)].At })
}

// move lets the sound leave and come back where to says, seen from where it is heard or is about to be.
func (p *Player) move(to func(score *routines.Score, at int) int) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.session
	switch {
	case p.running() == nil:
		return false, ErrIdle
	case p.next != nil || p.loading != nil:
		return false, errors.New("the routine is being prepared; wait until it sounds")
	}
	target := to(s.score, s.place())
	s.step = routines.Mark{}
	switch {
	case s.playing:
		s.ask(func(s *session) {
			s.landAt = target
			if s.then == goOn {
				s.leave(jump)
			}
		})
	case target == s.score.Len:
		p.end("routine_finished")
	default: // paused, or the device is away: it is tried at once
		s.seek(target)
		p.changed()
		p.look()
	}
	return true, nil
}
