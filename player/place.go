package player

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"guided/routines"
)

// Place is where a session stands, and all that is needed to go on from there in another process.
type Place struct {
	Routine    string           `json:"routine"` // its name
	Title      string           `json:"title"`
	Voice      string           `json:"voice"`   // who speaks, by name
	Options    routines.Options `json:"options"` // what was asked for, before and while it played
	Volume     *int             `json:"volume"`  // of this session alone; nil: the player's
	From       string           `json:"from"`    // who started it, as Command.From
	Score      string           `json:"score"`   // the fingerprint of its score
	At         int              `json:"at"`      // the sample of the score that was heard
	Step       string           `json:"step"`
	StepNumber int              `json:"step_number"`
	Steps      int              `json:"steps"`
	Side       string           `json:"side"`
	Position   float64          `json:"position_s"`
	StartedAt  time.Time        `json:"started_at"`
	Paused     bool             `json:"paused"`
	SoFar
}

// Standing is what is to outlive the process.
type Standing struct {
	Selected string
	Volume   int     // the player's, from 0 to 100
	Session  *Place  // of the session that would be lost if the process ended now; nil: none
	Ending   *Record // of the session that is ending, which is handed on when its sound has left; nil: none
}

// Standing is what would be lost if the process ended now. Its session is the one that is heard, or the lost one that is
// still offered; after the end of Run the one that stood when that was asked to end. From the moment on at which a stop
// was asked for there is none.
func (p *Player) Standing() Standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Standing{Selected: p.selected, Volume: p.volume, Session: p.atEnd}
	if !p.ending {
		s.Session = p.place()
	}
	if e := p.session; e != nil && (s.Session == nil || s.Session.ID != e.id) {
		if r, heard := e.recordNow(p.now(), cmp.Or(e.endReason, endsWithUs), false); heard {
			s.Ending = &r
		}
	}
	return s
}

// place is the session of Standing while Run goes on. The caller holds the lock.
func (p *Player) place() *Place {
	r, s := p.current(), p.session
	switch {
	case r == nil && p.offer != nil:
		return &p.offer.place
	case r == nil:
		return nil
	case s == nil || r != &s.request || s.started.IsZero(): // nothing of it was heard yet
		return r.place
	}
	at := s.position()
	m := s.score.Marks[stepAt(s.score, at)]
	return &Place{
		Routine: s.score.Name, Title: s.score.Title, Voice: s.voice, Options: s.options, Volume: s.volume, From: s.from,
		Score: s.fingerprint, At: at, Step: m.Name, StepNumber: m.Step, Steps: s.score.Steps, Side: m.Side,
		Position: seconds(s.score.Elapsed(at)), StartedAt: s.started, Paused: p.paused, SoFar: s.soFar(p.now()),
	}
}

// noteEnding keeps where the session stands before Run ends it. The caller holds the lock.
func (p *Player) noteEnding() {
	if !p.ending {
		p.atEnd, p.ending = p.place(), true
	}
}

// maxChanges is how many changes of a session are kept: nobody asks for more, and each costs a layout of what follows it.
const maxChanges = 1000

// check is why a place, which may come from a file that anybody wrote, is none.
func (pl Place) check() error {
	if pl.Routine == "" || len(pl.Routine) > maxName || pl.At < 0 || pl.Samples < 0 || pl.Breaths < 0 || pl.Reps < 0 || len(pl.Options.Changes) > maxChanges {
		return errors.New("it is no place in a routine")
	}
	if v := pl.Volume; v != nil && (*v < 0 || *v > 100) {
		return fmt.Errorf("volume: %d is not from 0 to 100", *v)
	}
	before, pace := 0, 1.0
	for _, c := range pl.Options.Changes {
		if c.Pace != 0 {
			pace *= c.Pace
		}
		if c.At < before || c.Pace < 0 || math.IsNaN(pace) || pace > maxPace+0.01 || pace < 1.0/maxPace-0.01 || c.Extend.Samples < 0 || c.Extend.Breaths < 0 {
			return errors.New("its changes are none that can be asked for")
		}
		before = c.At
	}
	return pl.Options.Check()
}

// in is the sample of a score at which to go on, by the law of interruption: the start of the breath or phrase. In
// another score than the place's, because the routine was edited since, it is the start of the same step, and exact is
// false.
func (pl Place) in(score *routines.Score) (at int, exact bool, err error) {
	if score.Fingerprint() == pl.Score && pl.At <= score.Len {
		return score.ResumePoint(pl.At), true, nil
	}
	best, found := 0, false
	for _, m := range score.Marks {
		if m.Kind != routines.StepMark || m.Name != pl.Step || m.Side != pl.Side {
			continue
		}
		if d := distance(m.Step, pl.StepNumber); !found || d < best {
			at, best, found = m.At, d, true
		}
	}
	if !found {
		return 0, false, fmt.Errorf("%q was edited since, and has no step %q any more", pl.Title, pl.stepName())
	}
	return score.ResumePoint(at), false, nil
}

func distance(a, b int) int { return max(a-b, b-a) }

// stepName names the step of a place, with its side.
func (pl Place) stepName() string {
	if pl.Side == "" {
		return pl.Step
	}
	return pl.Step + ", " + pl.Side
}

// lostRequest makes the request that goes on at a place: with the voice, the parameters and the changes of then, softly
// where it began softly or the hours are quiet now. note says where it comes back. It reads and compiles the routine.
func (p *Player) lostRequest(ctx context.Context, pl Place) (r request, note string, err error) {
	if err := pl.check(); err != nil {
		return r, "", err
	}
	routine, err := p.index.Load(ctx, pl.Routine)
	if err != nil {
		return r, "", err
	}
	voice, err := p.voiceName(pl.Voice)
	if err != nil {
		return r, "", err
	}
	bank, err := p.cfg.Bank.ForVoice(voice)
	if err != nil {
		return r, "", fmt.Errorf("voice: %w", err)
	}
	r = request{routine: routine, bank: bank, voice: pl.Voice, options: pl.Options, volume: pl.Volume, place: &pl}
	r.options.Interactive = pl.Options.Interactive && p.cfg.Waits
	r.options.Quiet = pl.Options.Quiet || p.Options(Parameters{}).Quiet
	exact, err := p.compileAtPlace(ctx, &r)
	if err == nil && !exact && len(r.options.Changes) > 0 { // their samples mean nothing in the routine as it is now
		r.options.Changes = nil
		_, err = p.compileAtPlace(ctx, &r)
	}
	if err != nil {
		return r, "", err
	}
	note = fmt.Sprintf("goes on with %s at step %d of %d, %s", pl.Title, pl.StepNumber, pl.Steps, pl.stepName())
	if !exact {
		note = fmt.Sprintf("goes on with %s at the start of the step %s: the routine, or its voice, was changed since", pl.Title, pl.stepName())
	}
	return r, note, nil
}

// compileAtPlace compiles a request with every phrase that can be spoken, and reports whether its place is exactly there.
func (p *Player) compileAtPlace(ctx context.Context, r *request) (exact bool, err error) {
	if err := r.compile(ctx); err != nil {
		return false, err
	}
	if err := p.completeScore(ctx, r); err != nil {
		return false, err
	}
	_, exact, err = r.place.in(r.score)
	return exact, err
}
