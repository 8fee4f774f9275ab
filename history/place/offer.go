package place

import (
	"context"
	"log/slog"
	"time"

	"guided/player"
)

// clockEvery is how often the clock is looked at while it is not trusted and a session is offered.
const clockEvery = 5 * time.Second

// goOn does with a lost session what the settings say. The channel fires when its offer is over.
func (k *Keeper) goOn(ctx context.Context, play *player.Player) <-chan time.Time {
	l := k.found.Session
	if l == nil {
		return nil
	}
	p, log := k.resume.planFor(*l, k.how, k.machine), k.logOf(l)
	if p.do == Auto {
		if r := play.ResumeAt(l.Place, "guided, "+p.why); r.Error == "" {
			log.Info("a lost session goes on", "note", r.Note)
			return nil
		} else {
			p = plan{Ask, r.Error}
		}
	}
	if p.do == Ask {
		until := k.machine.Now().Add(k.resume.Within)
		k.offerEnds = time.Now().Add(k.resume.Within)
		if !k.machine.ClockTrusted() {
			k.unknown, k.mayGoOn = time.After(clockEvery), k.resume.Mode == Auto
		}
		if err := play.Offer(ctx, l.Place, until); err != nil {
			k.unknown = nil
			p = plan{Never, err.Error()}
		} else {
			log.Info("a lost session is offered; resume goes on with it", "until", until, "reason", p.why)
			return time.After(k.resume.Within)
		}
	}
	log.Info("a lost session is not gone on with", "reason", p.why)
	k.recordLost(*l)
	return nil
}

func (k *Keeper) logOf(l *lost) *slog.Logger {
	return k.log.With("routine", l.Routine, "step", l.Step, "position", time.Duration(l.Position*float64(time.Second)).Round(time.Second), "lost_by", string(k.how))
}

// reconsider decides again about the session that is offered, once the clock is trusted and tells how long ago it was lost.
// Nothing goes on where the offer has ended or something else was begun.
func (k *Keeper) reconsider(play *player.Player) {
	k.unknown = nil
	l := k.found.Session
	if play.State().ResumeOffer == nil {
		return
	}
	if !k.machine.ClockTrusted() {
		k.unknown = time.After(clockEvery)
		return
	}
	log := k.logOf(l)
	switch p := k.resume.planFor(*l, k.how, k.machine); {
	case p.do == Never:
		log.Info("a lost session is offered no more", "reason", p.why)
		play.EndOffer(p.why)
	case p.do == Auto && k.mayGoOn:
		play.TakeUpOffer("guided, "+p.why, func(r player.Response) {
			log.Info("the clock is known now, and the lost session goes on", "note", r.Note, "err", r.Error)
		})
	default: // the clock may have been set
		play.SetOfferEnd(k.machine.Now().Add(time.Until(k.offerEnds)))
	}
}

// change puts other settings into force.
func (k *Keeper) change(s settings, play *player.Player) {
	k.settings = s
	k.mayGoOn = k.mayGoOn && s.resume.Mode == Auto
	if s.resume.Mode == Never {
		play.EndOffer(`resume.mode is "never" now`)
	}
}
