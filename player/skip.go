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

// A destination is the position to go to from the one that is being heard.
type destination func(score *routines.Score, at int) int

// toNext is the next step, or the next side of this one; from the last one the end of the routine.
func toNext(score *routines.Score, at int) int {
	if i := score.NextStep(score.StepAt(at)); i < len(score.Marks) {
		return score.Marks[i].At
	}
	return score.Len
}

// toPrevious is the start of the step, or within its first seconds that of the step before.
func toPrevious(score *routines.Score, at int) int {
	i := score.StepAt(at)
	if at-score.Marks[i].At < restartAfter {
		i = score.PreviousStep(i)
	}
	return score.Marks[i].At
}

// toStart is the start of the step.
func toStart(score *routines.Score, at int) int { return score.Marks[score.StepAt(at)].At }

// toResumePoint is where the breath, rep or phrase begins.
func toResumePoint(score *routines.Score, at int) int { return score.ResumePoint(at) }

// now lets the sound leave and come back at the position, unless the sound there has to be loaded first, or a start is
// in hand that was given before.
func (to destination) now(p *Player, _ Command) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.startInHand() != nil {
		return false, errSlow
	}
	sound, _, err := p.tryJump(to, false)
	if sound != nil {
		return false, errSlow
	}
	return err == nil, err
}

// slowly loads the sound first. Meanwhile the routine goes on, so that the position is computed again afterwards.
func (to destination) slowly(p *Player, _ Command, w *slowCommand) (bool, error) {
	ctx, cancel := context.WithTimeout(w.ctx, loadTimeout)
	defer cancel()
	for {
		sound, target, err := p.commitJump(to, w, ctx.Err() != nil)
		if sound == nil || err != nil {
			return err == nil, err
		}
		_ = sound.Preload(ctx, target) // after the timeout the jump is made without it
	}
}

// commitJump is tryJump for a slow command.
func (p *Player) commitJump(to destination, w *slowCommand, atOnce bool) (*mix.LiveRenderer, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := w.commit(); err != nil {
		return nil, 0, err
	}
	sound, target, err := p.tryJump(to, atOnce)
	w.committed = sound == nil
	return sound, target, err
}

// tryJump jumps if the sound of the target is loaded, or atOnce; else it returns what has to be loaded, and from where.
// The caller holds the lock.
func (p *Player) tryJump(to destination, atOnce bool) (*mix.LiveRenderer, int, error) {
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
