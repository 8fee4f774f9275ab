package player

import (
	"time"

	"guided/routines"
)

// lastCall is how long before its end a wait is given up: more than an output pulls ahead.
const lastCall = 3 * routines.Rate

// hear takes how many frames of a Play were heard: what was crossed since the last call is told now. The caller holds
// the lock.
func (p *Player) hear(s *session, frames int) {
	if frames <= s.heard {
		return
	}
	before := s.heard
	s.heard = frames
	changed := before == 0
	if changed {
		p.sounds(s)
	}
	s.track.marks(s.score, before, frames, func(m routines.Mark, _ int) {
		switch {
		case m.Kind == routines.WaitMark:
			p.tellAt(s, "waiting", s.step)
			changed = true
			return
		case m.Kind != routines.StepMark:
			return
		}
		if m != s.step { // a phrase that is said again starts no new step
			s.step = m
			p.tellAt(s, "step_started", m)
		}
		changed = true
	})
	p.announce(s)
	p.waited(s)
	p.forgotten(s)
	if s.track.forget(frames) || changed {
		p.changed()
	}
}

// sounds tells that a Play is heard.
func (p *Player) sounds(s *session) {
	p.trouble = ""
	switch {
	case s.started.IsZero():
		s.started = now()
		p.tell(s, "routine_started")
	case s.told != sounding:
		p.tell(s, "resumed")
	}
	s.told = sounding
}

// waited ends a session when nobody has said next for as long as one waits. What the output has pulled already lies
// within the wait too.
func (p *Player) waited(s *session) {
	at := s.position()
	if m, waits := s.score.Waits(at); waits && m.At+m.Len-at < lastCall && s.then == goOn {
		p.cfg.Log.Info("nobody said next: the routine ends", "routine", s.score.Name)
		p.leave(finish)
	}
}

// hush tells that the sound has left for a pause. The caller holds the lock.
func (p *Player) hush() {
	if p.session.told != silent {
		p.session.told = silent
		p.tell(p.session, "paused")
	}
	p.changed()
}

// announce tells the phases that will be heard within the lead. Where the sound is leaving, nothing lies ahead but
// what was pulled.
func (p *Player) announce(s *session) {
	to := s.heard + routines.Samples(p.cfg.PhaseLead)
	if s.then != goOn {
		to = min(to, s.frames)
	}
	clock := time.Now().UTC()
	s.track.marks(s.score, s.warned, to, func(m routines.Mark, frame int) {
		if m.Kind == routines.PhaseMark {
			at := clock.Add(routines.Duration(frame - s.heard)).Truncate(time.Millisecond)
			p.announced(Phase{Phase: m.Name, At: at, Seconds: float64(m.Len) / routines.Rate, Side: m.Side})
		}
	})
	s.warned = max(s.warned, to)
}

// tell makes an event of where a session is heard. The caller holds the lock.
func (p *Player) tell(s *session, kind string) {
	p.tellAt(s, kind, s.score.Marks[s.score.StepAt(s.position())])
}

func (p *Player) tellAt(s *session, kind string, m routines.Mark) {
	e := Event{Type: kind, Routine: s.score.Name, Title: s.score.Title, Step: m.Name, StepNumber: m.Step, Steps: s.score.Steps, Side: m.Side, At: now()}
	if kind == "problem" {
		e.Error = p.trouble
	}
	p.happened(e)
}
