package player

import (
	"cmp"
	"time"

	"guided/routines"
)

// Record is one session of which something was heard: what was done, and how it ended. Breaths, reps and the time are
// those that were heard: what is heard again after a pause or a step back counts again, what was skipped does not. A breath
// or rep counts when its end is heard after its beginning, without an interruption between.
type Record struct {
	Routine  string    `json:"routine"`
	Title    string    `json:"title"`
	Started  time.Time `json:"started"` // when its first sound was heard
	Ended    time.Time `json:"ended"`
	Heard    float64   `json:"heard_s"` // seconds, without pauses, waits for next, and the silence of an interruption
	Breaths  int       `json:"breaths"`
	Reps     int       `json:"reps"`
	Finished bool      `json:"finished"`       // its end was heard
	Step     string    `json:"step,omitempty"` // where it stopped
	Number   int       `json:"step_number"`    // of that step, from 1
	Steps    int       `json:"steps"`          // how many there are
	Side     string    `json:"side,omitempty"` // of that step
	Reason   string    `json:"reason"`         // why it ended, for people: finished, stopped by …
	From     string    `json:"from,omitempty"` // where its start came from, as in Command
}

// tally counts what of a session was heard.
type tally struct {
	samples       int64 // of the score, without waits
	breaths, reps int
	underway      routines.Mark // the breath or rep of which the beginning was heard last, until its end is; zero: none
}

// add counts the frames of a Play in [from, to).
func (y *tally) add(t *timeline, score *routines.Score, from, to int) {
	for i, s := range t.segments {
		end := to
		if i+1 < len(t.segments) {
			end = min(end, t.segments[i+1].frame)
		}
		begin := max(from, s.frame)
		if s.silent || begin >= end {
			continue
		}
		if begin == s.frame { // the sound comes from elsewhere
			y.underway = routines.Mark{}
		}
		y.addScore(score, s.at+begin-s.frame, s.at+end-s.frame)
	}
}

// addScore counts the samples of the score in [from, to).
func (y *tally) addScore(score *routines.Score, from, to int) {
	y.samples += int64(score.Elapsed(to) - score.Elapsed(from))
	y.endUnderway(to)
	for _, m := range score.MarksFrom(from) {
		if m.At >= to {
			return
		}
		if m.Kind == routines.BreathMark || m.Kind == routines.RepMark {
			y.underway = m
			y.endUnderway(to)
		}
	}
}

// endUnderway counts the breath or rep that is under way, if its end lies before a sample or at it.
func (y *tally) endUnderway(to int) {
	m := y.underway
	if m.Kind == "" || m.At+m.Len > to {
		return
	}
	y.underway = routines.Mark{}
	if m.Kind == routines.BreathMark {
		y.breaths++
	} else {
		y.reps++
	}
}

// record hands on the record of a session that ends now, if any of it was heard. The caller holds the lock.
func (p *Player) record(s *session, reason string, finished bool) {
	if p.cfg.Record == nil || s.heardInAll.samples == 0 {
		return
	}
	m, ended := s.score.Marks[stepAt(s.score, min(s.position(), s.score.Len-1))], p.now()
	p.cfg.Record(Record{
		Routine: s.score.Name, Title: s.score.Title,
		Started: ended.Add(-time.Since(s.startedAt)).Truncate(time.Millisecond), Ended: ended,
		Heard: float64(s.heardInAll.samples/(routines.Rate/1000)) / 1000, Breaths: s.heardInAll.breaths, Reps: s.heardInAll.reps,
		Finished: finished, Step: m.Name, Number: m.Step, Steps: s.score.Steps, Side: m.Side,
		Reason: reason, From: cmp.Or(s.from, "unknown"),
	})
}
