package player

import (
	"context"
	"time"

	"guided/audio/mix"
	"guided/routines"
)

// restartAfter is how far into a step back goes to its start instead of to the step before.
const restartAfter = 3 * routines.Rate

// loadTimeout is how long a jump waits for the sound of its target before it is made without.
const loadTimeout = 2 * time.Second

// next goes to the next step, or to the next side of this one; from the last one the routine ends.
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

// jump lets the sound leave and come back at the position that to makes of the one being heard. The sound there is
// loaded first; meanwhile the routine goes on, so that the position is computed again afterwards.
func (p *Player) jump(to func(score *routines.Score, at int) int) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	for {
		sound, target, err := p.tryJump(to, ctx.Err() != nil)
		if sound == nil || err != nil {
			return err == nil, err
		}
		_ = sound.Preload(ctx, target) // after the timeout the jump is made without it
	}
}

// tryJump jumps if the sound of the target is loaded, or atOnce; else it returns what has to be loaded, and from where.
func (p *Player) tryJump(to func(score *routines.Score, at int) int, atOnce bool) (*mix.LiveRenderer, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.playable()
	if err != nil {
		return nil, 0, err
	}
	target := to(s.score, s.target())
	if !s.sound.Ready(target) && !atOnce {
		return s.sound, target, nil
	}
	s.reportedStep = routines.Mark{}
	switch {
	case s.playing:
		s.apply(func(s *session) { s.jumpTo(target) })
	case target == s.score.Len:
		p.endSession("routine_finished")
	default: // paused, or waiting for its device: that is tried at once
		s.seek(target)
		p.publishState()
		p.wakeRun()
	}
	return nil, 0, nil
}
