package player

import (
	"context"

	"guided/audio/mix"
	"guided/routines"
)

// prepare makes a session of a request: everything that takes time happens before its first sample, or ahead of its
// own. ctx ends with the session.
func (p *Player) prepare(ctx context.Context, r request) {
	score, err := p.compile(ctx, r)
	var sound *mix.Live
	loading, drop := context.WithCancel(ctx)
	if err == nil {
		sound, err = r.bank.Begin(loading, score, p.loaders.Go)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil { // stopped or replaced meanwhile
		drop()
		return
	}
	abort := p.abort
	r = *p.loading // its volume may have changed
	p.loading, p.abort = nil, nil
	if err != nil {
		drop()
		abort()
		p.cfg.Log.Error("a routine cannot be played", "routine", r.routine.Name, "err", err)
		p.paused, p.trouble = false, err.Error()
		p.happened(Event{Type: "problem", Routine: r.routine.Name, Title: r.routine.Title, Error: p.trouble, At: now()})
		p.changed()
		return
	}
	p.session = newSession(score, sound, r)
	p.session.alive, p.session.unload, p.session.drop = ctx, abort, drop
	p.session.volume.at(gainOf(p.loudness()))
	if p.paused {
		p.hush()
	}
	p.changed()
}

// compile lays a routine out. What a voice must speak first, which may take minutes, it speaks before.
func (p *Player) compile(ctx context.Context, r request) (*routines.Score, error) {
	lacking := false
	score, err := routines.Compile(r.routine, func(c routines.Clip) (routines.Extent, bool) {
		e, has := r.bank.Measure(c)
		lacking = lacking || !has
		return e, has
	}, r.options)
	if err != nil || !lacking {
		return score, err
	}
	clips, err := routines.Clips(r.routine)
	if err != nil {
		return nil, err
	}
	if err := r.bank.Prepare(ctx, clips); err != nil && ctx.Err() == nil {
		p.cfg.Log.Warn("some phrases cannot be spoken; tones sound in their place", "routine", r.routine.Name, "err", err)
	}
	return routines.Compile(r.routine, r.bank.Measure, r.options)
}

// drop forgets what has not become a session. The caller holds the lock.
func (p *Player) drop() {
	p.next = nil
	if p.loading != nil {
		p.abort()
		p.loading, p.abort = nil, nil
	}
}
