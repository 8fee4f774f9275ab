package player

import (
	"time"

	"guided/routines"
)

// hear is called by the output with the frames that were heard: what was crossed since the last call is told now.
func (p *Player) hear(s *session, frames int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if frames <= s.heard {
		return
	}
	s.heard = frames
	first := s.told < 0
	if p.trouble != "" {
		p.trouble = ""
		p.changed()
	}
	if first && p.started.IsZero() {
		p.started = now()
		p.tell(s, "routine_started")
	} else if first {
		p.tell(s, "resumed")
	}
	stepped := first
	s.track.marks(s.score, s.told, frames, func(m routines.Mark, _ int) {
		if m.Kind == routines.StepMark {
			p.tellAt(s, "step_started", m)
			stepped = true
		}
	})
	s.told = frames
	p.announce(s)
	s.track.forget(frames)
	if stepped {
		p.changed()
	}
}

// announce tells the phases that will be heard within the lead.
func (p *Player) announce(s *session) {
	upTo := s.heard + routines.Samples(p.cfg.PhaseLead)
	clock := time.Now().UTC()
	s.track.marks(s.score, s.warned, upTo, func(m routines.Mark, frame int) {
		if m.Kind == routines.PhaseMark {
			at := clock.Add(routines.Duration(frame - s.heard)).Truncate(time.Millisecond)
			p.announced(Phase{Phase: m.Name, At: at, Seconds: float64(m.Len) / routines.Rate, Side: m.Side})
		}
	})
	s.warned = upTo
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

// position is the sample that is heard, or where a silent session stands.
func (s *session) position() int {
	if s.over || len(s.track.parts) == 0 {
		return s.sound.Position()
	}
	return s.track.at(s.heard)
}
