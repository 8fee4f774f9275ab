package player

import (
	"time"

	"guided/routines"
)

// waitMargin is how long before its end a wait is given up: more than an output pulls ahead.
const waitMargin = 3 * routines.Rate

// advanceHeard takes how many frames of a Play were heard: what was crossed since the last call is told now. The caller holds
// the lock.
func (p *Player) advanceHeard(s *session, frames int) {
	if frames <= s.heard {
		return
	}
	before := s.heard
	s.heard = frames
	changed := before == 0
	if changed {
		p.notifyPlaying(s)
	}
	s.timeline.marks(s.score, before, frames, func(m routines.Mark, _ int) {
		switch {
		case m.Kind == routines.WaitMark:
			p.emitAt(s, "waiting", s.reportedStep)
			changed = true
			return
		case m.Kind != routines.StepMark:
			return
		}
		if m != s.reportedStep { // a phrase that is said again starts no new step
			s.reportedStep = m
			p.emitAt(s, "step_started", m)
		}
		changed = true
	})
	p.announcePhases(s)
	p.endExpiredWait(s)
	p.endExpiredDuck(s)
	if s.timeline.forget(frames) || changed {
		p.publishState()
	}
}

// notifyPlaying tells that a Play is heard.
func (p *Player) notifyPlaying(s *session) {
	p.problem = ""
	switch {
	case s.started.IsZero():
		s.started = now()
		p.emit(s, "routine_started")
	case s.reported != reportedPlaying:
		p.emit(s, "resumed")
	}
	s.reported = reportedPlaying
}

// endExpiredWait ends a session when nobody has said next for as long as one waits. What the output has pulled already lies
// within the wait too.
func (p *Player) endExpiredWait(s *session) {
	at := s.position()
	if m, waits := s.score.Waits(at); waits && m.At+m.Len-at < waitMargin && s.reason == carryOn {
		p.cfg.Log.Info("nobody said next: the routine ends", "routine", s.score.Name)
		p.leaveSession(finish)
	}
}

// notifyPaused tells that the sound has left for a pause. The caller holds the lock.
func (p *Player) notifyPaused() {
	if p.session.reported != reportedPaused {
		p.session.reported = reportedPaused
		p.emit(p.session, "paused")
	}
	p.publishState()
}

// announcePhases tells the phases that will be heard within the lead. Where the sound is leaving, nothing lies ahead but
// what was pulled.
func (p *Player) announcePhases(s *session) {
	to := s.heard + routines.Samples(p.cfg.PhaseLead)
	if s.reason != carryOn {
		to = min(to, s.frames)
	}
	clock := time.Now().UTC()
	s.timeline.marks(s.score, s.announced, to, func(m routines.Mark, frame int) {
		if m.Kind == routines.PhaseMark {
			at := clock.Add(routines.Duration(frame - s.heard)).Truncate(time.Millisecond)
			p.publishPhase(Phase{Phase: m.Name, At: at, Seconds: float64(m.Len) / routines.Rate, Side: m.Side})
		}
	})
	s.announced = max(s.announced, to)
}

// emit makes an event of where a session is heard. The caller holds the lock.
func (p *Player) emit(s *session, kind string) {
	p.emitAt(s, kind, s.score.Marks[s.score.StepAt(s.position())])
}

func (p *Player) emitAt(s *session, kind string, m routines.Mark) {
	e := Event{Type: kind, Routine: s.score.Name, Title: s.score.Title, Step: m.Name, StepNumber: m.Step, Steps: s.score.Steps, Side: m.Side, At: now()}
	if kind == "problem" {
		e.Error = p.problem
	}
	p.publishEvent(e)
}

// timeline remembers which part of the score each frame of an output's stream came from, so that what is heard can be
// told from how many frames were heard. Frames count from the start of one Play.
type timeline struct {
	segments []segment // in order of their frames; the last one goes on
}

// segment is a run of frames. A still one is silence that belongs before a sample of the score.
type segment struct {
	frame  int
	at     int
	silent bool
}

// set notes that from a frame on, after so many still frames, the score goes on at pos. Later parts that were planned
// are forgotten.
func (t *timeline) set(frame, still, pos int) {
	for len(t.segments) > 0 && t.segments[len(t.segments)-1].frame >= frame {
		t.segments = t.segments[:len(t.segments)-1]
	}
	if still > 0 {
		t.segments = append(t.segments, segment{frame, pos, true})
	}
	t.segments = append(t.segments, segment{frame + still, pos, false})
}

// scoreAt is the sample of the score that a frame stands for.
func (t *timeline) scoreAt(frame int) int {
	for i := len(t.segments) - 1; i >= 0; i-- {
		if p := t.segments[i]; p.frame <= frame {
			if p.silent {
				return p.at
			}
			return p.at + frame - p.frame
		}
	}
	return 0
}

// scoreAhead is where the last part begins when a frame lies before it, else what the frame stands for.
func (t *timeline) scoreAhead(frame int) int {
	if last := t.segments[len(t.segments)-1]; last.frame > frame {
		return last.at
	}
	return t.scoreAt(frame)
}

// silenceLeft is how many still frames are to come at a frame.
func (t *timeline) silenceLeft(frame int) int {
	for i, p := range t.segments {
		if p.silent && p.frame <= frame && frame < t.segments[i+1].frame {
			return t.segments[i+1].frame - frame
		}
	}
	return 0
}

// marks calls f for every mark whose frame lies in [from, to), in order.
func (t *timeline) marks(score *routines.Score, from, to int, f func(m routines.Mark, frame int)) {
	for i, p := range t.segments {
		if p.silent {
			continue
		}
		end := to
		if i+1 < len(t.segments) {
			end = min(end, t.segments[i+1].frame)
		}
		for _, m := range score.MarksFrom(p.at + max(0, from-p.frame)) {
			frame := p.frame + m.At - p.at
			if frame >= end {
				break
			}
			f(m, frame)
		}
	}
}

// forget drops the parts that ended before a frame, and tells whether there were any.
func (t *timeline) forget(frame int) bool {
	n := len(t.segments)
	for len(t.segments) > 1 && t.segments[1].frame <= frame {
		t.segments = t.segments[1:]
	}
	return len(t.segments) < n
}
