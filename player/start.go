package player

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"guided/audio/mix"
	"guided/routines"
)

// start checks a routine and lets Run play it; what is running fades out first. Without a name it starts what is
// selected. Starting what plays already changes nothing; starting what is paused lets it go on.
func (p *Player) start(c Command) (bool, error) {
	name := c.Routine
	if name == "" {
		p.mu.Lock()
		name = p.selected
		p.mu.Unlock()
	}
	if name == "" {
		return false, errors.New("start what? name a routine, or select one first")
	}
	r, err := p.cfg.Library.Load(name)
	if err != nil {
		return false, err
	}
	bank, err := p.cfg.Bank.In(c.Voice)
	if err != nil {
		return false, fmt.Errorf("voice: %w", err)
	}
	req := request{r, bank, p.options(c.Parameters), c.Volume}
	req.options.Waits = p.cfg.Waits
	// What cannot be laid out, or not in the length asked for, is refused at once and not after the answer.
	if _, err := routines.Compile(r, bank.Measure, req.options); err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := p.setSelected(r.Name)
	if current := p.current(); current != nil && current.same(req) {
		if c.Volume != nil && *c.Volume != p.currentVolume() {
			p.setSessionVolume(c.Volume)
			changed = true
		}
		return p.resumeCurrent() || changed, nil
	}
	p.dropPending()
	p.pending, p.paused, p.problem = &req, false, ""
	if p.session != nil && p.session.playing {
		p.leaveSession(finish)
	}
	p.publishState()
	p.wakeRun()
	return true, nil
}

func (p *Player) selectRoutine(c Command) (bool, error) {
	if c.Routine == "" {
		return false, errors.New("select what? name a routine")
	}
	r, err := p.cfg.Library.Load(c.Routine)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.setSelected(r.Name), nil
}

// setSelected notes which routine is selected. The caller holds the lock.
func (p *Player) setSelected(name string) bool {
	if p.selected == name {
		return false
	}
	p.selected = name
	p.publishState()
	return true
}

// options is what the compiler is asked for: the parameters over the settings.
func (p *Player) options(c Parameters) routines.Options {
	o := routines.Options{For: c.For, Verbosity: cmp.Or(c.Verbosity, p.cfg.Verbosity), NoHolds: p.cfg.NoHolds, Bed: c.Bed}
	if c.Holds != nil {
		o.NoHolds = !*c.Holds
	}
	if p.cfg.Quiet != nil {
		o.Quiet = p.cfg.Quiet()
	}
	return o
}

// request is one start, checked.
type request struct {
	routine *routines.Routine
	bank    *mix.Bank // of the voice asked for
	options routines.Options
	volume  *int // for this session only, nil: the player's
}

// same tells two starts of the same; what was changed since, and the hour, make no difference.
func (r request) same(o request) bool {
	a, b := r.options, o.options
	return r.routine.Name == o.routine.Name && r.bank == o.bank &&
		a.For == b.For && a.Verbosity == b.Verbosity && a.NoHolds == b.NoHolds && a.Bed == b.Bed
}

// prepare makes a session of a request: everything that takes time happens before its first sample, or ahead of its
// own. ctx ends with the session.
func (p *Player) prepare(ctx context.Context, r request) {
	score, err := p.scoreFor(ctx, r)
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
	abort := p.cancelPreparing
	r = *p.preparing // its volume may have changed
	p.preparing, p.cancelPreparing = nil, nil
	if err != nil {
		drop()
		abort()
		p.cfg.Log.Error("a routine cannot be played", "routine", r.routine.Name, "err", err)
		p.paused, p.problem = false, err.Error()
		p.publishEvent(Event{Type: "problem", Routine: r.routine.Name, Title: r.routine.Title, Error: p.problem, At: now()})
		p.publishState()
		return
	}
	p.session = newSession(score, sound, r)
	p.session.lifetime, p.session.endLifetime, p.session.cancelLoading = ctx, abort, drop
	p.session.volumeGain.jumpTo(gainOf(p.currentVolume()))
	if p.paused {
		p.notifyPaused()
	}
	p.publishState()
}

// scoreFor lays a routine out. What a voice must speak first, which may take minutes, it speaks before.
func (p *Player) scoreFor(ctx context.Context, r request) (*routines.Score, error) {
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

// dropPending forgets what has not become a session. The caller holds the lock.
func (p *Player) dropPending() {
	p.pending = nil
	if p.preparing != nil {
		p.cancelPreparing()
		p.preparing, p.cancelPreparing = nil, nil
	}
}
