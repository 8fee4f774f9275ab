package player

import (
	"context"
	"time"

	"guided/audio/mix"
	"guided/routines"
)

// landing is the silence between leaving one place and coming back at another.
const landing = routines.Rate * 3 / 10

// after is what becomes of a session when its sound has left.
type after int

const (
	goOn   after = iota // it has not left
	jump                // it comes back at another place
	pause               // it waits
	finish              // it has ended
)

// telling is the last thing told about a session's sound.
type telling int

const (
	nothing telling = iota
	sounding
	silent   // paused
	troubled // the device is away
)

// session is one routine being played: a streamer that an output pulls. It has no clock; pause and skip move an
// integer. The player's lock guards every field.
type session struct {
	score   *routines.Score
	sound   *mix.Live
	asked   request
	alive   context.Context    // ends with the session
	unload  context.CancelFunc // ends it
	drop    context.CancelFunc // ends the loading of its sound
	started time.Time          // when it was heard first
	told    telling
	step    routines.Mark // the step told last

	// One Play.
	playing bool // an output pulls it, or is about to
	ctx     context.Context
	cut     context.CancelFunc // ends the Play at once
	track   track
	frames  int // pulled
	heard   int // of those, heard; marks below it have been told
	warned  int // phases below it have been announced

	// How it leaves and comes back.
	then     after
	leaving  int   // frames of fade-out to come, 0: none
	next     after // what comes after a jump over which somebody speaks
	over     bool  // the sound has left: the stream is drained
	landAt   int   // where it comes back, -1: by the law
	still    int   // silent frames to come before the score goes on
	entering int   // frames of fade-in to come

	old      *mix.Live // what the sound goes over from when the score was changed, nil: nothing
	blending int       // frames of that to come

	volume   ramp
	ducked   bool // by command
	duckedAt int  // how much had been heard then
	low      ramp // by command
	talks    []talk
	under    ramp // by what is being said
	masked   int  // frames of the routine that messages have covered without a pause between them

	// What may be taken back.
	moments []moment
	orders  []order
	changed chan struct{}
}

func newSession(score *routines.Score, sound *mix.Live, asked request) *session {
	s := &session{score: score, sound: sound, asked: asked, landAt: -1, changed: make(chan struct{}, 1)}
	s.low.at(1)
	s.under.at(1)
	return s
}

// begin makes the session ready for an output that starts counting frames from zero, at the place where it stands.
func (s *session) begin(ctx context.Context, cut context.CancelFunc) {
	s.playing, s.ctx, s.cut = true, ctx, cut
	s.track, s.frames, s.heard, s.warned = track{}, 0, 0, 0
	s.then, s.next, s.leaving, s.over, s.landAt = goOn, goOn, 0, false, -1
	s.volume.at(s.volume.target)
	s.ducked = false
	s.low.at(1)
	s.unsaid()
	s.moments, s.orders = nil, nil
	select {
	case <-s.changed: // it rang for the output before
	default:
	}
	silence := 0
	if !s.started.IsZero() {
		silence = landing
	}
	s.land(s.sound.Position(), silence)
}

// rest lets the session stand at a sample until the next begin.
func (s *session) rest(at int) {
	s.playing, s.landAt = false, -1
	s.seek(at)
}

// land puts the sound at a sample, after so much silence.
func (s *session) land(at, silence int) {
	s.seek(at)
	s.still, s.entering = silence, 0
	if !s.ducked {
		s.low.at(1)
	}
	if len(s.talks) == 0 {
		s.under.at(1)
	}
	if inSound(s.score, at) {
		s.entering = fade
	}
	s.track.to(s.frames, silence, at)
	s.warned = min(s.warned, s.frames)
}

// inSound tells whether a sound is going on at a sample, so that coming in there needs a fade.
func inSound(score *routines.Score, at int) bool {
	for _, c := range score.Cues {
		if c.At >= at {
			break
		}
		if at < c.At+c.Len {
			return true
		}
	}
	return false
}

func (s *session) seek(at int) {
	s.old, s.blending = nil, 0
	// Positions come from the score itself, so they lie inside it.
	if err := s.sound.Seek(at); err != nil {
		panic(err)
	}
}

// leave lets the sound fade out within 10 ms, and then does what is asked. In silence there is nothing to fade.
func (s *session) leave(then after) {
	if s.then == jump && then != jump && s.leaving > 0 && s.speaking() {
		s.next = then // the routine is leaving, and what is said is not
		return
	}
	s.then = then
	switch {
	case s.over || s.leaving > 0:
	case s.frames == 0 || s.still > 0 && (then == jump || !s.speaking()):
		s.left()
	default:
		s.leaving = fade
	}
}

// left does what was asked for when the sound has left.
func (s *session) left() {
	s.leaving = 0
	if s.then != jump {
		s.over = true
		return
	}
	at, silence := s.landAt, landing
	if at == s.score.Len {
		silence = 0
	}
	s.then, s.landAt = goOn, -1
	s.land(at, silence)
	if next := s.next; next != goOn {
		s.next = goOn
		s.leave(next)
	}
}

// position is the sample that is heard, or where a silent session stands.
func (s *session) position() int {
	if s.playing {
		return s.track.at(s.heard)
	}
	return s.sound.Position()
}

// place is where the listener is, or will be after the jumps asked for: what the next jump is seen from.
func (s *session) place() int {
	switch {
	case s.landAt >= 0:
		return s.landAt
	case s.playing:
		return s.track.ahead(s.heard)
	}
	return s.sound.Position()
}

// comeback is where the sound returns after an interruption, by the law: the start of the breath or rep or phrase
// that was heard last, or the same place in silence.
func (s *session) comeback() int { return s.score.Return(s.place()) }
