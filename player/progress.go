package player

import (
	"cmp"
	"crypto/rand"
	"time"

	"guided/audio"
	"guided/routines"
)

// waitMargin is how long before its end an unanswered wait ends the session: more than an output pulls ahead.
const waitMargin = 3 * routines.Rate

// advanceHeard takes how many frames of a Play were heard, and publishes what was crossed since the last call. The
// caller holds the lock, as in all of this file.
func (p *Player) advanceHeard(s *session, frames int) {
	if frames <= s.heard {
		return
	}
	before := s.heard
	s.heard, s.heardAt = frames, time.Now()
	changed := before == 0
	if changed {
		p.notifyPlaying(s)
	}
	s.heardInAll.add(&s.timeline, s.score, before, frames)
	s.timeline.marks(s.score, before, frames, func(m routines.Mark, _ int) (more bool) {
		switch m.Kind {
		case routines.WaitMark:
			p.emitAt(s, "waiting", s.reportedStep)
			changed = true
		case routines.StepMark:
			if m != s.reportedStep { // a phrase that is spoken again starts no new step
				s.reportedStep = m
				p.emitAt(s, "step_started", m)
			}
			changed = true
		}
		return true
	})
	p.announcePhases(s)
	p.endExpiredWait(s)
	p.endExpiredDuck(s)
	if s.timeline.forget(frames) || changed {
		p.publishState()
	}
}

// notifyPlaying publishes that the first frames of a Play were heard.
func (p *Player) notifyPlaying(s *session) {
	p.problem = ""
	switch {
	case s.started.IsZero():
		s.started, s.startedAt = p.now(), time.Now()
		s.id = cmp.Or(s.id, rand.Text())
		p.cfg.Log.Info("a routine is heard", "routine", s.score.Name, "from", cmp.Or(s.from, "unknown"), "volume", p.currentVolume(), "length", routines.Duration(s.score.Len).Round(time.Second))
		p.emit(s, "routine_started")
	case s.reported != reportedPlaying:
		p.emit(s, "resumed")
	}
	s.reported = reportedPlaying
}

// notifyPaused publishes that the sound has left for a pause.
func (p *Player) notifyPaused() {
	if p.session.reported != reportedPaused {
		p.session.reported = reportedPaused
		p.emit(p.session, "paused")
	}
	p.publishState()
}

// endExpiredWait ends a session whose wait for next is about to end unanswered. The frames that the output has pulled
// ahead lie within the wait too.
func (p *Player) endExpiredWait(s *session) {
	at := s.position()
	if m, waits := s.score.WaitAt(at); waits && m.At+m.Len-at < waitMargin && s.transition.reason == carryOn {
		s.endsBecause("nobody said next", "")
		s.requestLeave(finish)
	}
}

// announcePhases publishes the phases that will be heard within the phase lead. Of a sound that leaves, only what was
// pulled will be heard.
func (p *Player) announcePhases(s *session) {
	to := s.heard + routines.Samples(p.cfg.PhaseLead)
	if s.transition.reason != carryOn {
		to = min(to, s.frames)
	}
	clock := p.cfg.Now().UTC()
	s.timeline.marks(s.score, s.announced, to, func(m routines.Mark, frame int) (more bool) {
		if m.Kind == routines.PhaseMark {
			at := clock.Add(routines.Duration(frame - s.heard)).Truncate(time.Millisecond)
			p.publishPhase(Phase{Phase: m.Name, At: at, Seconds: float64(m.Len) / routines.Rate, Side: m.Side})
		}
		return true
	})
	s.announced = max(s.announced, to)
}

// nextReport is how many frames must be heard until something is to be published or to end. What moves it nearer either lies
// behind what was pulled, or signals a change to the output.
func (p *Player) nextReport(s *session) int {
	if s.heard == 0 {
		return 1
	}
	next := audio.FarAhead
	if len(s.timeline.segments) > 1 {
		next = s.timeline.segments[1].frame
	}
	if s.ducked {
		next = min(next, s.duckedAt+duckTimeout+1)
	}
	at := s.timeline.scoreAt(s.heard)
	if m, waits := s.score.WaitAt(at); waits && s.transition.reason == carryOn {
		next = min(next, s.heard+max(1, m.At+m.Len-waitMargin+1-at))
	}
	lead := routines.Samples(p.cfg.PhaseLead)
	s.timeline.marks(s.score, s.heard, audio.FarAhead, func(m routines.Mark, frame int) (more bool) {
		switch {
		case m.Kind == routines.StepMark || m.Kind == routines.WaitMark:
			next = min(next, frame+1)
		case m.Kind == routines.PhaseMark && frame >= s.announced && (s.transition.reason == carryOn || frame < s.frames):
			next = min(next, frame-lead+1)
		}
		return frame-lead < next
	})
	return max(next, s.heard+1)
}

// emit publishes an event at the step that is being heard.
func (p *Player) emit(s *session, kind string) {
	p.emitAt(s, kind, s.score.Marks[stepAt(s.score, s.position())])
}

// emitAt publishes an event at a step.
func (p *Player) emitAt(s *session, kind string, m routines.Mark) {
	e := Event{Type: kind, Routine: s.score.Name, Title: s.score.Title, Step: m.Name, StepNumber: m.Step, Steps: s.score.Steps, Side: m.Side, At: p.now()}
	if kind == "problem" {
		e.Error = p.problem
	}
	p.publishEvent(e)
}

// timeline maps the frames of one Play to samples of the score, so that the position that is heard follows from the
// number of frames heard.
type timeline struct {
	segments []segment // by their frames; the last one has no end
}

// segment is a run of frames: of the score from a sample on, or of the silence before that sample.
type segment struct {
	frame  int
	at     int
	silent bool
}

// set makes the score go on at a sample from a frame on, after so many frames of silence. It replaces the segments from
// that frame on.
func (t *timeline) set(frame, silence, at int) {
	for len(t.segments) > 0 && t.segments[len(t.segments)-1].frame >= frame {
		t.segments = t.segments[:len(t.segments)-1]
	}
	if silence > 0 {
		t.segments = append(t.segments, segment{frame, at, true})
	}
	t.segments = append(t.segments, segment{frame + silence, at, false})
}

// scoreAt is the sample of the score at a frame.
func (t *timeline) scoreAt(frame int) int {
	for i := len(t.segments) - 1; i >= 0; i-- {
		if s := t.segments[i]; s.frame <= frame {
			if s.silent {
				return s.at
			}
			return s.at + frame - s.frame
		}
	}
	return 0
}

// scoreAhead is the sample where the last segment begins if that is ahead of a frame, else the sample at the frame.
func (t *timeline) scoreAhead(frame int) int {
	if last := t.segments[len(t.segments)-1]; last.frame > frame {
		return last.at
	}
	return t.scoreAt(frame)
}

// silenceLeft is how many frames of silence are left at a frame.
func (t *timeline) silenceLeft(frame int) int {
	for i, s := range t.segments {
		if s.silent && s.frame <= frame && frame < t.segments[i+1].frame {
			return t.segments[i+1].frame - frame
		}
	}
	return 0
}

// marks calls f for every mark whose frame lies in [from, to), in order, until f returns false.
func (t *timeline) marks(score *routines.Score, from, to int, f func(m routines.Mark, frame int) (more bool)) {
	for i, s := range t.segments {
		if s.silent {
			continue
		}
		end := to
		if i+1 < len(t.segments) {
			end = min(end, t.segments[i+1].frame)
		}
		for _, m := range score.MarksFrom(s.at + max(0, from-s.frame)) {
			frame := s.frame + m.At - s.at
			if frame >= end {
				break
			}
			if !f(m, frame) {
				return
			}
		}
	}
}

// forget drops the segments that ended before a frame, and reports whether there were any.
func (t *timeline) forget(frame int) bool {
	n := len(t.segments)
	for len(t.segments) > 1 && t.segments[1].frame <= frame {
		t.segments = t.segments[1:]
	}
	return len(t.segments) < n
}
