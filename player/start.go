package player

import (
	"context"
	"errors"
	"fmt"

	"guided/audio"
	"guided/audio/mix"
	"guided/routines"
)

// request is a start that was checked: what is to be played, and how.
type request struct {
	routine  *routines.Routine
	bank     *mix.Bank // of the voice asked for
	options  routines.Options
	volume   *int // for this session only, nil: the player's
	score    *routines.Score
	complete bool // every phrase of the score can be spoken at once
}

// same reports whether two starts ask for the same. Edits of the routine since, and the quiet hours, make no difference.
func (r request) same(o request) bool {
	a, b := r.options, o.options
	return r.routine.Name == o.routine.Name && r.bank == o.bank &&
		a.For == b.For && a.Verbosity == b.Verbosity && a.NoHolds == b.NoHolds && a.Bed == b.Bed
}

// compile makes the score, with tones in place of the phrases that no voice has.
func (r *request) compile() (err error) {
	r.complete = true
	r.score, err = routines.Compile(context.Background(), r.routine, func(c routines.Clip) (routines.Extent, bool) {
		e, has := r.bank.Measure(c)
		r.complete = r.complete && has
		return e, has
	}, r.options)
	return err
}

// start checks and compiles a routine, and queues it for Run; the session that is playing fades out first. Without a
// name it starts the selected routine. Starting what is playing changes nothing; starting what is paused resumes it.
func (p *Player) start(c Command) (bool, error) {
	r, err := p.newRequest(c)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := p.setSelected(r.routine.Name)
	if current := p.current(); current != nil && current.same(r) {
		if c.Volume != nil && *c.Volume != p.currentVolume() {
			p.setSessionVolume(c.Volume)
			changed = true
		}
		return p.resumeCurrent() || changed, nil
	}
	p.dropPending()
	p.pending, p.paused, p.problem = &r, false, ""
	if p.session != nil && p.session.playing {
		p.session.requestLeave(finish)
	}
	p.publishState()
	p.wakeRun()
	return true, nil
}

// newRequest is what a start asks for. Its score is made here, so that a routine that cannot be compiled, or not in the
// length asked for, is refused in the answer to the command.
func (p *Player) newRequest(c Command) (request, error) {
	name := c.Routine
	if name == "" {
		p.mu.Lock()
		name = p.selected
		p.mu.Unlock()
	}
	if name == "" {
		return request{}, errors.New("start what? name a routine, or select one first")
	}
	routine, err := p.cfg.Library.Load(context.Background(), name)
	if err != nil {
		return request{}, err
	}
	bank, err := p.cfg.Bank.ForVoice(c.Voice)
	if err != nil {
		return request{}, fmt.Errorf("voice: %w", err)
	}
	r := request{routine: routine, bank: bank, options: p.cfg.Options(c.Parameters), volume: c.Volume}
	r.options.Interactive = p.cfg.Waits
	return r, r.compile()
}

// selectRoutine notes what start and toggle begin without a name.
func (p *Player) selectRoutine(c Command) (bool, error) {
	if c.Routine == "" {
		return false, errors.New("select what? name a routine")
	}
	r, err := p.cfg.Library.Load(context.Background(), c.Routine)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.setSelected(r.Name), nil
}

// setSelected reports whether another routine was selected before. The caller holds the lock.
func (p *Player) setSelected(name string) bool {
	if p.selected == name {
		return false
	}
	p.selected = name
	p.publishState()
	return true
}

// prepare makes a session of a request. What takes time happens here, before the first sample, or in the loaders, ahead
// of each sample. ctx ends with the session.
func (p *Player) prepare(ctx context.Context, r request) {
	score, err := p.scoreFor(ctx, r)
	var sound *mix.LiveRenderer
	loading, cancelLoading := context.WithCancel(ctx)
	if err == nil {
		sound, err = r.bank.RenderLive(loading, score, p.loaders.Go)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil { // stopped or replaced meanwhile
		cancelLoading()
		return
	}
	endLifetime := p.cancelPreparing
	r = *p.preparing // its volume may have changed
	p.preparing, p.cancelPreparing = nil, nil
	if err != nil {
		cancelLoading()
		endLifetime()
		p.cfg.Log.Error("a routine cannot be played", "routine", r.routine.Name, "err", err)
		p.paused, p.problem = false, err.Error()
		p.publishEvent(Event{Type: "problem", Routine: r.routine.Name, Title: r.routine.Title, Error: p.problem, At: now()})
		p.publishState()
		return
	}
	r.score = score
	s := newSession(r, sound)
	s.lifetime, s.endLifetime, s.cancelLoading = ctx, endLifetime, cancelLoading
	p.session = s
	s.volumeGain = rampAt(audio.VolumeGain(p.currentVolume()))
	if p.paused {
		p.notifyPaused()
	}
	p.publishState()
}

// scoreFor is the score of a request: the one it was checked with, or where phrases are missing a new one after they
// were spoken, which takes mix.StartTimeout at most.
func (p *Player) scoreFor(ctx context.Context, r request) (*routines.Score, error) {
	if r.complete {
		return r.score, nil
	}
	clips, err := routines.Clips(ctx, r.routine)
	if err != nil {
		return nil, err
	}
	if err := r.bank.PrepareForStart(ctx, clips); err != nil && ctx.Err() == nil {
		p.cfg.Log.Warn("some phrases cannot be spoken; tones sound in their place", "routine", r.routine.Name, "err", err)
	}
	err = r.compile()
	return r.score, err
}

// dropPending cancels the request that has not become a session yet. The caller holds the lock.
func (p *Player) dropPending() {
	p.pending = nil
	if p.preparing != nil {
		p.cancelPreparing()
		p.preparing, p.cancelPreparing = nil, nil
	}
}
