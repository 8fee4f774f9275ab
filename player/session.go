package player

import (
	"context"
	"time"

	"guided/audio/mix"
	"guided/routines"
)

// landingSilence is the silence between leaving one place and coming back at another.
const landingSilence = routines.Rate * 3 / 10

// reported is the last thing told about a session's sound.
type reported int

const (
	unreported reported = iota
	reportedPlaying
	reportedPaused  // paused
	reportedProblem // the device is away
)

// session is one routine being played: a streamer that an output pulls. It has no clock; pause and skip move an
// integer. The player's lock guards every field.
type session struct {
	score         *routines.Score
	sound         *mix.Live
	request       request
	lifetime      context.Context    // ends with the session
	endLifetime   context.CancelFunc // ends it
	cancelLoading context.CancelFunc // ends the loading of its sound
	started       time.Time          // when it was heard first
	reported      reported
	reportedStep  routines.Mark // the step told last

	// One Play.
	playing    bool // an output pulls it, or is about to
	playCtx    context.Context
	cancelPlay context.CancelFunc // ends the Play at once
	timeline   timeline
	frames     int // pulled
	heard      int // of those, heard; marks below it have been told
	announced  int // phases below it have been announced

	// How it leaves and comes back.
	reason      reason
	fadeOutLeft int    // frames of fade-out to come, 0: none
	queued      reason // what comes after a jump over which somebody speaks
	drained     bool   // the sound has left: the stream is drained
	landAt      int    // where it comes back, -1: by the law
	silence     int    // silent frames to come before the score goes on
	fadeIn      int    // frames of fade-in to come

	previous  *mix.Live // what the sound goes over from when the score was changed, nil: nothing
	crossfade int       // frames of that to come

	volumeGain  ramp
	ducked      bool // by command
	duckedAt    int  // how much had been heard then
	duckGain    ramp // by command
	overlays    []overlay
	overlayGain ramp // by what is being said
	covered     int  // frames of the routine that messages have covered without a pause between them

	// What may be taken back.
	snapshots  []snapshot
	operations []operation
	changed    chan struct{}
}

func newSession(score *routines.Score, sound *mix.Live, asked request) *session {
	s := &session{score: score, sound: sound, request: asked, landAt: -1, changed: make(chan struct{}, 1)}
	s.duckGain.jumpTo(1)
	s.overlayGain.jumpTo(1)
	return s
}

// begin makes the session ready for an output that starts counting frames from zero, at the place where it stands.
func (s *session) begin(ctx context.Context, cut context.CancelFunc) {
	s.playing, s.playCtx, s.cancelPlay = true, ctx, cut
	s.timeline, s.frames, s.heard, s.announced = timeline{}, 0, 0, 0
	s.reason, s.queued, s.fadeOutLeft, s.drained, s.landAt = carryOn, carryOn, 0, false, -1
	s.volumeGain.jumpTo(s.volumeGain.target)
	s.ducked = false
	s.duckGain.jumpTo(1)
	s.restartOverlay()
	s.snapshots, s.operations = nil, nil
	select {
	case <-s.changed: // it rang for the output before
	default:
	}
	silence := 0
	if !s.started.IsZero() {
		silence = landingSilence
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
	s.silence, s.fadeIn = silence, 0
	if !s.ducked {
		s.duckGain.jumpTo(1)
	}
	if len(s.overlays) == 0 {
		s.overlayGain.jumpTo(1)
	}
	if cueSoundsAt(s.score, at) {
		s.fadeIn = fadeLen
	}
	s.timeline.set(s.frames, silence, at)
	s.announced = min(s.announced, s.frames)
}

// cueSoundsAt tells whether a sound is going on at a sample, so that coming in there needs a fade.
func cueSoundsAt(score *routines.Score, at int) bool {
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
	s.previous, s.crossfade = nil, 0
	// Positions come from the score itself, so they lie inside it.
	if err := s.sound.Seek(at); err != nil {
		panic(err)
	}
}

// leave lets the sound fade out within 10 ms, and then does what is asked. In silence there is nothing to fade.
func (s *session) leave(then reason) {
	if s.reason == jump && then != jump && s.fadeOutLeft > 0 && s.overlayAudible() {
		s.queued = then // the routine is leaving, and what is said is not
		return
	}
	s.reason = then
	switch {
	case s.drained || s.fadeOutLeft > 0:
	case s.frames == 0 || s.silence > 0 && (then == jump || !s.overlayAudible()):
		s.left()
	default:
		s.fadeOutLeft = fadeLen
	}
}

// left does what was asked for when the sound has left.
func (s *session) left() {
	s.fadeOutLeft = 0
	if s.reason != jump {
		s.drained = true
		return
	}
	at, silence := s.landAt, landingSilence
	if at == s.score.Len {
		silence = 0
	}
	s.reason, s.landAt = carryOn, -1
	s.land(at, silence)
	if next := s.queued; next != carryOn {
		s.queued = carryOn
		s.leave(next)
	}
}

// position is the sample that is heard, or where a silent session stands.
func (s *session) position() int {
	if s.playing {
		return s.timeline.scoreAt(s.heard)
	}
	return s.sound.Position()
}

// target is where the listener is, or will be after the jumps asked for: what the next jump is seen from.
func (s *session) target() int {
	switch {
	case s.landAt >= 0:
		return s.landAt
	case s.playing:
		return s.timeline.scoreAhead(s.heard)
	}
	return s.sound.Position()
}

// comeback is where the sound returns after an interruption, by the law: the start of the breath or rep or phrase
// that was heard last, or the same place in silence.
func (s *session) comeback() int { return s.score.Return(s.target()) }
