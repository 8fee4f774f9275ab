package player

import (
	"context"

	"guided/audio"
	"guided/routines"
)

// prepare makes a session of a request: everything that takes time happens before its first sample, or ahead of its
// own. ctx ends with the session.
func (p *Player) prepare(ctx context.Context, r request) {
	score, sound, err := p.compile(ctx, r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil { // stopped or replaced meanwhile
		return
	}
	abort := p.abort
	r = *p.loading // its volume may have changed
	p.loading, p.abort = nil, nil
	if err != nil {
		abort()
		p.cfg.Log.Error("a routine cannot be played", "routine", r.routine.Name, "err", err)
		p.paused, p.trouble = false, err.Error()
		p.happened(Event{Type: "problem", Routine: r.routine.Name, Title: r.routine.Title, Error: p.trouble, At: now()})
		p.changed()
		return
	}
	p.session = newSession(score, sound, r)
	p.session.unload = abort
	p.session.target = gainOf(p.loudness())
	if p.paused {
		p.hush()
	}
	p.changed()
}

func (p *Player) compile(ctx context.Context, r request) (*routines.Score, *audio.Renderer, error) {
	clips, err := routines.Clips(r.routine)
	if err != nil {
		return nil, nil, err
	}
	if err := p.cfg.Bank.Prepare(ctx, clips); err != nil && ctx.Err() == nil {
		p.cfg.Log.Warn("some phrases cannot be spoken; tones sound in their place", "routine", r.routine.Name, "err", err)
	}
	score, err := routines.Compile(r.routine, p.cfg.Bank.Measure, routines.Options{For: r.length})
	if err != nil {
		return nil, nil, err
	}
	sound, err := p.cfg.Bank.Begin(ctx, score, p.loaders.Go)
	return score, sound, err
}

// drop forgets what has not become a session. The caller holds the lock.
func (p *Player) drop() {
	p.next = nil
	if p.loading != nil {
		p.abort()
		p.loading, p.abort = nil, nil
	}
}
