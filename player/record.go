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
	ID       string    `json:"id,omitempty"` // names the session, in every process in which it played; empty in records of before there were any
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

// SoFar is what of a session was heard, in all the processes in which it played.
type SoFar struct {
	ID      string    `json:"id"`       // as in Record; empty: all that was heard is in a record already
	Began   time.Time `json:"began_at"` // as Record.Started
	Until   time.Time `json:"until"`    // when it was so
	Samples int64     `json:"heard"`    // of the score, as Record.Heard
	Breaths int       `json:"breaths"`
	Reps    int       `json:"reps"`
	Reason  string    `json:"reason"` // why it was lost, as Record.Reason; empty: it is not, or that is not known yet
}

// Record is the record of a lost session that nobody takes up; false where there is nothing to tell that is in no record.
func (pl Place) Record() (Record, bool) {
	return Record{
		ID: pl.ID, Routine: pl.Routine, Title: pl.Title, Started: pl.Began, Ended: pl.Until, Heard: heardSeconds(pl.Samples), Breaths: pl.Breaths, Reps: pl.Reps,
		Step: pl.Step, Number: pl.StepNumber, Steps: pl.Steps, Side: pl.Side, Reason: pl.Reason, From: cmp.Or(pl.From, "unknown"),
	}, pl.ID != "" && pl.Samples > 0
}

// heardSeconds is samples as seconds, to the millisecond.
func heardSeconds(samples int64) float64 { return float64(samples/(routines.Rate/1000)) / 1000 }

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

// soFar is what was heard of a session of which something was.
func (s *session) soFar(now time.Time) SoFar {
	f := SoFar{ID: s.id, Began: s.began, Until: now, Samples: s.heardInAll.samples, Breaths: s.heardInAll.breaths, Reps: s.heardInAll.reps}
	if !f.Began.IsZero() {
		return f
	}
	f.Began = now.Add(-time.Since(s.startedAt)).Truncate(time.Millisecond)
	if told := s.started; f.Began.Sub(told).Abs() <= time.Millisecond && !told.After(now) { // the clock was not set since, only cut off
		f.Began = told
	}
	return f
}

// goOnFrom has the session count on from what was heard of it in other processes.
func (s *session) goOnFrom(f SoFar) {
	s.id, s.began = f.ID, f.Began
	s.heardInAll.samples, s.heardInAll.breaths, s.heardInAll.reps = f.Samples, f.Breaths, f.Reps
}

// recordNow is the record of a session that ends now; false where nothing of it was heard. The caller holds the lock.
func (s *session) recordNow(now time.Time, reason string, finished bool) (Record, bool) {
	if s.id == "" {
		return Record{}, false
	}
	m := s.score.Marks[stepAt(s.score, min(s.position(), s.score.Len-1))]
	pl := Place{
		Routine: s.score.Name, Title: s.score.Title, From: s.from, Step: m.Name, StepNumber: m.Step, Steps: s.score.Steps, Side: m.Side, SoFar: s.soFar(now),
	}
	pl.Reason = reason
	r, heard := pl.Record()
	r.Finished = finished
	return r, heard
}

// record hands on the record of a session that ends now, if any of it was heard. Where the next process can go on with the
// session, what it hears then is another one. The caller holds the lock.
func (p *Player) record(s *session, reason string, finished bool) {
	if r, heard := s.recordNow(p.now(), reason, finished); heard && p.cfg.Record != nil {
		p.cfg.Record(r)
	}
	if p.atEnd != nil && p.atEnd.ID == s.id {
		pl := *p.atEnd // observers may have the old one
		pl.SoFar = SoFar{}
		p.atEnd = &pl
	}
}

// recordLost hands on the record of a lost session that nobody takes up any more. The caller holds the lock.
func (p *Player) recordLost(pl Place) {
	if r, heard := pl.Record(); heard && p.cfg.Record != nil {
		p.cfg.Record(r)
	}
}
