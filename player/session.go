package player

import (
	"context"
	"slices"
	"time"

	"guided/audio/mix"
	"guided/routines"
)

// reported is what observers last heard about a session's sound.
type reported int

const (
	unreported reported = iota
	reportedPlaying
	reportedPaused
	reportedProblem // the device is unavailable
)

// session is one routine being played: the stream that an output pulls, and what of it was heard. It has no clock; pause
// and skip move an integer. Positions are samples of the score; frames count from the start of one Output.Play. The
// player's lock guards every field.
type session struct {
	request                          // what is played, and how
	sound         *mix.LiveRenderer  // of the score; its position is the next sample to be pulled
	lifetime      context.Context    // ends with the session
	endLifetime   context.CancelFunc // cancels lifetime
	cancelLoading context.CancelFunc // ends the loading of sound

	started      time.Time // when the first sound was heard, zero before
	startedAt    time.Time // the same on the clock that nobody sets
	id           string    // of its record; empty: nothing was heard yet
	began        time.Time // when its first sound was heard in another process; zero: in this one, at startedAt
	heardInAll   tally
	reported     reported
	endReason    string        // why it is being stopped, for people; empty: it is not
	reportedStep routines.Mark // the step that was published last

	playing    bool            // an output pulls the session, or is about to
	playCtx    context.Context // of this Play
	cancelPlay context.CancelFunc
	heard      int       // frames heard, as reported last; the marks before this frame were published
	heardAt    time.Time // when that was, zero while no output reports
	nextReport int       // the number of frames heard at which the output reports again at the latest
	announced  int       // the phases before this frame were published

	ducked   bool // by command
	duckedAt int  // frames heard at that time

	pulled                       // what pulling changes; snapshots hold copies of it
	previous   *mix.LiveRenderer // the sound before the score was revised, while it is crossfaded; nil: none
	crossfade  int               // frames of the crossfade left
	snapshots  []snapshot        // before each block that is not heard yet
	operations []operation
	changed    chan struct{} // signals an operation to the output
}

// pulled is everything about a session that changes with the frames pulled, except for the position of its sound. An
// output may take frames back, so a snapshot copies it whole.
type pulled struct {
	frames      int // pulled
	transition  transition
	timeline    timeline
	volumeGain  ramp
	duckGain    ramp      // of the duck command
	overlayGain ramp      // of the routine under a message
	overlays    []overlay // messages to be spoken over the routine, the first one may have started
	covered     int       // frames of the routine that messages covered one after another
}

// clone is a copy that shares no memory.
func (p pulled) clone() pulled {
	p.timeline.segments = slices.Clone(p.timeline.segments)
	p.overlays = slices.Clone(p.overlays)
	return p
}

func newSession(r request, sound *mix.LiveRenderer) *session {
	return &session{
		request: r, sound: sound, changed: make(chan struct{}, 1),
		pulled: pulled{transition: steady(), duckGain: rampAt(1), overlayGain: rampAt(1)},
	}
}

// begin prepares the session for a new Play at the position where it stands. A message that was interrupted will be
// spoken from its beginning.
func (s *session) begin(ctx context.Context, cancel context.CancelFunc) {
	s.playing, s.playCtx, s.cancelPlay = true, ctx, cancel
	s.heard, s.heardAt, s.nextReport, s.announced, s.ducked = 0, time.Time{}, 0, 0, false
	if len(s.overlays) > 0 {
		s.overlays[0] = overlay{pcm: s.overlays[0].pcm, inGap: s.overlays[0].inGap}
	}
	s.pulled = pulled{
		transition: steady(), volumeGain: rampAt(s.volumeGain.target), duckGain: rampAt(1), overlayGain: rampAt(1), overlays: s.overlays,
	}
	s.snapshots, s.operations = nil, nil
	select {
	case <-s.changed: // meant for the Play before
	default:
	}
	silence := 0
	if !s.started.IsZero() || s.place != nil {
		silence = landingSilence
	}
	s.land(s.sound.Position(), silence)
}

// rest keeps the session at a position until the next begin.
func (s *session) rest(at int) {
	s.playing, s.transition.landAt = false, nowhere
	s.seek(at)
}

// requestLeave makes the sound leave as soon as the output can: it takes back what was not heard. A Play that has not
// pulled anything ends at once and does not wait for its device.
func (s *session) requestLeave(why reason) {
	s.apply(func(s *session) { s.beginTransition(why) })
	if s.frames == 0 {
		s.cancelPlay()
	}
}

// beginTransition makes the sound fade out within 10 ms and then do what the reason says.
func (s *session) beginTransition(why reason) {
	if s.transition.begin(why, s.frames > 0, s.overlayAudible()) {
		s.finishTransition()
	}
}

// jumpTo makes the sound leave and come back at a position. A sound that is leaving already comes back there.
func (s *session) jumpTo(at int) {
	s.transition.landAt = at
	if s.transition.reason == carryOn {
		s.beginTransition(jump)
	}
}

// finishTransition is called when the sound has left.
func (s *session) finishTransition() {
	at, queued, jumps := s.transition.finish()
	if !jumps {
		return
	}
	silence := landingSilence
	if at == s.score.Len {
		silence = 0
	}
	s.land(at, silence)
	if queued != carryOn {
		s.beginTransition(queued)
	}
}

// land lets the sound go on at a position after so many frames of silence.
func (s *session) land(at, silence int) {
	s.seek(at)
	s.transition.silence, s.transition.fadeIn = silence, 0
	if cueSoundsAt(s.score, at) {
		s.transition.fadeIn = fadeLen
	}
	if !s.ducked {
		s.duckGain = rampAt(1)
	}
	if len(s.overlays) == 0 {
		s.overlayGain = rampAt(1)
	}
	s.timeline.set(s.frames, silence, at)
	s.announced = min(s.announced, s.frames)
}

// cueSoundsAt reports whether a cue that began before a position is still sounding there.
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

// seek moves the sound. Positions come from the score, so one outside it is a bug.
func (s *session) seek(at int) {
	s.previous, s.crossfade = nil, 0
	if err := s.sound.Seek(at); err != nil {
		panic(err)
	}
}

// heardNow is how many frames are heard by now: those that were reported, and the time since then. It stays before whatever
// is to be reported first, and within what was pulled.
func (s *session) heardNow() int {
	if s.heardAt.IsZero() {
		return s.heard
	}
	return max(s.heard, min(s.heard+routines.Samples(time.Since(s.heardAt)), s.nextReport-1, s.frames))
}

// position is the sample that is being heard, or where a session that is not playing stands.
func (s *session) position() int {
	if s.playing {
		return s.timeline.scoreAt(s.heardNow())
	}
	return s.sound.Position()
}

// target is the position after the jumps asked for so far: the one that the next jump counts from.
func (s *session) target() int {
	switch {
	case s.transition.landAt != nowhere:
		return s.transition.landAt
	case s.playing:
		return s.timeline.scoreAhead(s.heardNow())
	}
	return s.sound.Position()
}

// comeback is where the sound returns after an interruption: the start of the breath, rep or phrase that was heard last,
// or the same position where it was silent.
func (s *session) comeback() int { return s.score.ResumePoint(s.target()) }
