package player

import (
	"context"
	"errors"
	"sync"
	"time"

	"guided/routines"
)

// The waits between attempts to open a device that is away.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// steady is how much sound a device must have played to count as well again.
const steady = 10 * routines.Rate

// lastWord is how long a device may take to play out when the program ends.
const lastWord = 2 * time.Second

// Run plays what is asked for until ctx ends; then the sound leaves in a fade, and Run returns.
func (p *Player) Run(ctx context.Context) {
	// A device is not cut off when ctx ends: the session fades out first. Only one that hangs is given up.
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer p.loaders.Wait()
	defer cancel()
	helpers.Go(func() { p.keepLibrary(ctx) })
	helpers.Go(func() { p.speaker(ctx) })
	helpers.Go(func() {
		select {
		case <-hard.Done():
		case <-ctx.Done():
			p.silence()
			last := time.NewTimer(lastWord)
			defer last.Stop()
			select {
			case <-hard.Done():
			case <-last.C:
				cancel()
			}
		}
	})
	retry := firstRetry
	for ctx.Err() == nil {
		s, work := p.turn(ctx, hard)
		switch {
		case work != nil:
			work()
			retry = firstRetry
		case s == nil:
			p.wait(ctx, 0)
		case p.play(s):
			retry = firstRetry
		default:
			if s.heard > steady {
				retry = firstRetry
			}
			p.wait(ctx, retry)
			retry = min(2*retry, lastRetry)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
	p.end("routine_stopped")
	p.changed()
}

// turn tells what there is to do: to play a session, or to prepare one. A request comes before the session that it
// replaces. A session is marked as playing in the same breath, so that a command that comes now is not lost.
func (p *Player) turn(ctx, hard context.Context) (*session, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s := p.session; {
	case ctx.Err() != nil: // checked under the lock: silence comes later, or has been here
	case len(p.alone) > 0:
		t := p.alone[0]
		p.alone = p.alone[1:]
		return nil, func() { p.speakAlone(hard, t) }
	case p.next != nil:
		p.loading, p.next = p.next, nil
		p.end("routine_stopped")
		var preparing context.Context
		preparing, p.abort = context.WithCancel(ctx)
		r := *p.loading
		return nil, func() { p.prepare(preparing, r) }
	case s != nil && !p.paused:
		s.begin(context.WithCancel(hard))
		return s, nil
	}
	return nil, nil
}

// wait ends when there is something to do, or after a time that is not zero.
func (p *Player) wait(ctx context.Context, most time.Duration) {
	var late <-chan time.Time
	if most > 0 {
		t := time.NewTimer(most)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-ctx.Done():
	case <-p.wake:
	case <-late:
	}
}

func (p *Player) look() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// silence lets the sound leave when the program ends.
func (p *Player) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet()
	if p.session != nil && p.session.playing {
		p.leave(finish)
	}
}

// play lets the output pull a session until its sound has left, and keeps the place where it comes back. It is false
// when the device failed.
func (p *Player) play(s *session) bool {
	p.await(s)
	err := p.cfg.Output.Play(s.ctx, puller{p, s}, func(frames int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hear(s, frames)
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	s.cut()
	if err == nil {
		p.hear(s, s.frames)
	}
	at := s.comeback()
	s.rest(at)
	switch {
	case at == s.score.Len:
		p.end("routine_finished")
	case s.then == finish:
		p.end("routine_stopped")
	case s.then == pause:
		if p.paused {
			p.hush()
		}
	case s.then == jump && err == nil: // asked for when the last sound was on its way
	default:
		p.lost(s, err)
		return false
	}
	return true
}

// await loads the sound of the place where a session comes back.
func (p *Player) await(s *session) {
	p.mu.Lock()
	sound, at := s.sound, s.sound.Position()
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	_ = sound.Load(ctx, at) // what takes too long is missed
}

// lost tells once that there is no sound, and why. The caller holds the lock.
func (p *Player) lost(s *session, err error) {
	if err == nil {
		err = errors.New("the output ended before the sound did")
	}
	fresh := p.trouble == ""
	p.trouble = err.Error()
	if fresh {
		p.cfg.Log.Error("no sound; the routine waits for the device", "err", err)
		s.told = troubled
		p.tell(s, "problem")
	}
	p.changed()
}

// end forgets the session, if there is one, and tells how it ended. The caller holds the lock.
func (p *Player) end(kind string) {
	s := p.session
	if s == nil {
		return
	}
	p.session = nil
	s.unload()
	if p.next == nil && p.loading == nil {
		p.paused, p.trouble = false, ""
	}
	if s.told != nothing || kind == "routine_finished" {
		p.tell(s, kind)
	}
	p.changed()
}
