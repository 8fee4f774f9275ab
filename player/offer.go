package player

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// errNotIdle is the error of going on with a lost session while something else is to play.
var errNotIdle = errors.New("something else plays already")

// offer is a lost session that resume takes up.
type offer struct {
	place Place
	until time.Time
}

// ResumeOffer is the lost session that is offered, as observers see it.
type ResumeOffer struct {
	Routine  string    `json:"routine"`
	Title    string    `json:"title"`
	Step     string    `json:"step"`
	Position float64   `json:"position_s"`
	Until    time.Time `json:"until"`
}

// published is the offer for the state; nil for none.
func (o *offer) published() *ResumeOffer {
	if o == nil {
		return nil
	}
	return &ResumeOffer{o.place.Routine, o.place.Title, o.place.Step, o.place.Position, o.until}
}

// Restored is what a player begins with after a restart.
type Restored struct {
	Selected string // the routine that start begins without a name
	Volume   int    // 0 to 100
	Problem  string // why the daemon is not as it was; empty: none
}

// Restore sets what was kept over a restart. It is called before Run.
func (p *Player) Restore(r Restored) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.selected, p.volume, p.problem = r.Selected, r.Volume, r.Problem
	p.publishState()
}

// Offer lets resume take up a lost session, until EndOffer, a start or a stop. The error says why it cannot be: its
// routine or its step is gone, or something else is to play. until is for observers.
func (p *Player) Offer(ctx context.Context, pl Place, until time.Time) error {
	if _, _, err := p.lostRequest(ctx, pl); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current() != nil || p.startInHand() != nil {
		return errNotIdle
	}
	p.offer = &offer{pl, until.UTC().Truncate(time.Millisecond)}
	p.publishEvent(Event{Type: "resume_offered", Routine: pl.Routine, Title: pl.Title, Step: pl.Step, StepNumber: pl.StepNumber, Steps: pl.Steps, Side: pl.Side, At: p.now()})
	p.publishState()
	return nil
}

// SetOfferEnd tells observers that the offer, if one stands, ends at another time: the clock was set.
func (p *Player) SetOfferEnd(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.offer != nil {
		p.offer.until = until.UTC().Truncate(time.Millisecond)
		p.publishState()
	}
}

// EndOffer withdraws the offer, if one stands. why completes the sentence "It is no longer offered:".
func (p *Player) EndOffer(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.endOffer(why) {
		p.publishState()
	}
}

// endOffer withdraws the offer, and reports whether there was one. A later resume is told why. The caller holds the lock,
// and publishes the state.
func (p *Player) endOffer(why string) bool {
	if p.offer == nil {
		return false
	}
	p.offerEnded = fmt.Sprintf("%s is no longer offered: %s", p.offer.place.Title, why)
	p.recordLost(p.offer.place)
	p.offer = nil
	return true
}

// nothingToResume is the answer to a resume where nothing plays and nothing is offered. The caller holds the lock.
func (p *Player) nothingToResume() error {
	if p.offerEnded == "" {
		return ErrIdle
	}
	return fmt.Errorf("nothing is playing, and %s; start it anew", p.offerEnded)
}

// ResumeAt goes on with a lost session at its place, as if a remote had taken it up. from is who does.
func (p *Player) ResumeAt(pl Place, from string) Response {
	return p.Do(Command{Verb: "resume", From: from, place: &pl})
}

// TakeUpOffer goes on with the lost session that is offered, unless the offer has ended or something is to play. from is who
// does. It does not wait; answer is called once, and must not block.
func (p *Player) TakeUpOffer(from string, answer func(Response)) {
	p.Submit(Command{Verb: "resume", From: from, offered: true}, answer)
}

// takeUp goes on with a lost session: the one of the command, or the one that is offered.
func (p *Player) takeUp(c Command, w *slowCommand) (bool, error) {
	p.mu.Lock()
	lost := c.place
	if lost == nil && p.offer != nil {
		lost = &p.offer.place
	}
	gone := p.nothingToResume()
	p.mu.Unlock()
	if lost == nil {
		return false, gone
	}
	r, note, err := p.lostRequest(w.ctx, *lost)
	if err != nil {
		return false, err
	}
	r.from = cmp.Or(lost.From, c.From) // it stays the schedule's, say
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.current() != nil:
		return false, errNotIdle
	case c.place == nil && p.offer == nil:
		return false, p.nothingToResume() // it has ended meanwhile
	}
	if err := w.commit(); err != nil {
		return false, err
	}
	if w.otherVolume {
		r.volume = nil
	}
	w.note = note
	p.selected = r.routine.Name
	p.queue(&r, w)
	return true, nil
}
