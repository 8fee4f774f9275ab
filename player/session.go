package player

import (
	"math"

	"github.com/gopxl/beep/v2"

	"guided/audio"
	"guided/routines"
)

const (
	fade      = routines.Rate / 100     // 10 ms: how every interrupted sound leaves, and comes back
	landing   = routines.Rate * 3 / 10  // the silence between leaving one place and coming back at another
	volumeFor = routines.Rate * 2 / 100 // how long a change of volume takes
)

// after is what becomes of a session when its sound has left.
type after int

const (
	goOn   after = iota // it has not left
	jump                // it comes back at another place
	rest                // paused
	finish              // stopped
)

// session is one routine being played: a streamer that an output pulls. It has no clock; pause and skip move an
// integer. The player's lock guards every field.
type session struct {
	score *routines.Score
	sound *audio.Renderer
	asked request

	track  track
	frames int // pulled by the output in this Play
	heard  int // of those, heard
	told   int // marks up to this frame have been told
	warned int // phases up to this frame have been announced

	still    int   // silent frames to come before the score goes on
	leaving  int   // frames of fade-out to come, 0: none
	then     after // what follows the fade-out
	ended    bool  // the score was heard to its end
	landAt   int   // where a jump lands
	moved    bool  // landAt is where a pause lands too
	entering int   // frames of fade-in to come
	over     bool  // the sound has left for good: the stream is drained
	playing  bool  // an output pulls it

	gain, target, step float64 // volume, and where it is going
}

func newSession(score *routines.Score, sound *audio.Renderer, asked request, gain float64) *session {
	return &session{score: score, sound: sound, asked: asked, gain: gain, target: gain}
}

// begin makes the session ready for an output that starts counting frames from zero, at the place where it stands.
func (s *session) begin() {
	s.frames, s.heard, s.told, s.warned = 0, 0, -1, -1
	s.leaving, s.then, s.over, s.still, s.playing = 0, goOn, false, 0, true
	s.gain, s.moved = s.target, false
	s.track = track{}
	s.land(s.sound.Position(), 0)
}

// land puts the sound at a sample, after so much silence.
func (s *session) land(pos, silence int) {
	s.seek(pos)
	s.still, s.entering = silence, fade
	s.track.to(s.frames, silence, s.sound.Position())
}

func (s *session) seek(pos int) {
	// Positions come from the score itself, so they lie inside it.
	if err := s.sound.Seek(max(0, min(pos, s.score.Len))); err != nil {
		panic(err)
	}
}

// leave lets the sound fade out within 10 ms, and then does what is asked.
func (s *session) leave(then after, landAt int) {
	if then == rest && s.leaving > 0 && s.then == jump { // a pause in the middle of a skip: it lands there
		s.moved, landAt = true, s.landAt
	}
	s.then, s.landAt = then, landAt
	if s.leaving == 0 {
		s.leaving = fade
	}
}

// place is where the score stands, or will stand when the fade-out that is going on is over.
func (s *session) place() int {
	if s.leaving > 0 && (s.then == jump || s.moved) {
		return s.landAt
	}
	return s.sound.Position()
}

// stream fills a block; the caller holds the player's lock. It is drained when the score has ended or the sound has
// left for a pause or a stop.
func (s *session) stream(samples [][2]float64) (int, bool) {
	n := 0
	for n < len(samples) && !s.over {
		n += s.run(samples[n:])
	}
	s.level(samples[:n])
	return n, n > 0
}

// run fills samples up to the next turn of events.
func (s *session) run(samples [][2]float64) int {
	if s.still > 0 {
		n := min(s.still, len(samples))
		clear(samples[:n])
		s.still -= n
		s.frames += n
		if s.leaving > 0 { // in silence there is nothing to fade
			s.left()
		}
		return n
	}
	for _, ramp := range []int{s.leaving, s.entering} {
		if ramp > 0 {
			samples = samples[:min(ramp, len(samples))]
		}
	}
	n, more := s.sound.Stream(samples)
	s.frames += n
	for i := range n {
		if s.leaving > 0 {
			shape(&samples[i], s.leaving-i)
		}
		if s.entering > 0 {
			shape(&samples[i], fade-s.entering+i+1)
		}
	}
	s.entering = max(0, s.entering-n)
	switch {
	case s.leaving > 0:
		if s.leaving -= n; s.leaving == 0 || !more {
			s.left()
		}
	case !more:
		s.over, s.ended = true, true
	}
	return n
}

// left does what was asked for when the sound has left. It returns by the law: at the start of a breath or a phrase.
func (s *session) left() {
	s.leaving, s.entering = 0, 0
	switch s.then {
	case jump:
		s.then = goOn
		s.land(s.landAt, landing)
	case rest:
		s.over = true
		if s.moved {
			s.seek(s.landAt)
		} else {
			s.seek(s.score.Return(s.sound.Position()))
		}
	default:
		s.over = true
	}
}

// shape scales a frame by the k-th step of a ramp of `fade` steps, a raised cosine.
func shape(f *[2]float64, k int) {
	g := 0.5 - 0.5*math.Cos(math.Pi*float64(k)/fade)
	f[0] *= g
	f[1] *= g
}

// level applies the volume, in a ramp where it changes.
func (s *session) level(samples [][2]float64) {
	for i := range samples {
		if s.gain != s.target {
			if s.gain += s.step; (s.step > 0) == (s.gain > s.target) {
				s.gain, s.moved = s.target, false
			}
		}
		samples[i][0] *= s.gain
		samples[i][1] *= s.gain
	}
}

func (s *session) setGain(gain float64) {
	s.target = gain
	s.step = (gain - s.gain) / volumeFor
}

// gainOf is the factor of a volume from 0 to 100: (v/100)³, near to how loudness is felt.
func gainOf(volume int) float64 {
	v := float64(volume) / 100
	return v * v * v
}

// puller is the session as an output sees it.
type puller struct {
	p *Player
	s *session
}

var _ beep.Streamer = puller{}

// Stream fills a block under the player's lock, which is never held across I/O.
func (u puller) Stream(samples [][2]float64) (int, bool) {
	u.p.mu.Lock()
	defer u.p.mu.Unlock()
	return u.s.stream(samples)
}

// Err is nil: a session cannot fail.
func (u puller) Err() error { return nil }
