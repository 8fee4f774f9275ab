package player

import (
	"math"

	"guided/audio"
	"guided/routines"
)

const (
	fade  = routines.Rate / 100     // 10 ms: how every interrupted sound leaves
	glide = routines.Rate * 2 / 100 // how long a change of volume takes
)

// stream fills a block; the caller holds the player's lock. It is drained when the score has ended or the sound has
// left for a pause or a stop.
func (s *session) stream(samples [][2]float64) (int, bool) {
	s.remember()
	s.listen()
	n := 0
	for n < len(samples) && !s.over {
		n += s.run(samples[n:])
	}
	s.level(samples[:n])
	return n, n > 0
}

// run fills samples up to the next turn of events.
func (s *session) run(samples [][2]float64) int {
	for _, most := range []int{s.still, s.leaving, s.entering, s.blending} {
		if most > 0 {
			samples = samples[:min(most, len(samples))]
		}
	}
	n, more := s.fill(samples)
	s.frames += n
	samples = samples[:n]
	if s.then == jump {
		s.fadeOut(samples) // what somebody says goes on
		s.speak(samples)
	} else {
		s.speak(samples)
		s.fadeOut(samples)
	}
	left := s.leaving > 0 && s.leaving <= n
	s.leaving = max(0, s.leaving-n)
	switch {
	case s.then != goOn && (left || !more):
		s.left()
	case !more && len(s.talks) > 0: // what is being said is said to its end
		s.still = max(1, s.talks[0].left())
		s.track.to(s.frames, s.still, s.score.Len)
	case !more:
		s.over = true
	}
	return n
}

// fill takes the next samples of the score, or of the silence before it goes on.
func (s *session) fill(samples [][2]float64) (n int, more bool) {
	if s.still > 0 {
		clear(samples)
		s.still -= len(samples)
		return len(samples), true
	}
	n, more = s.sound.Stream(samples)
	s.blend(samples[:n])
	for i := range min(n, s.entering) {
		shape(&samples[i], fade-s.entering+i+1)
	}
	s.entering = max(0, s.entering-n)
	return n, more
}

// fadeOut shapes what leaves.
func (s *session) fadeOut(samples [][2]float64) {
	for i := range min(len(samples), s.leaving) {
		shape(&samples[i], s.leaving-i)
	}
}

// blend goes over from the sound of the score before it was changed: both are the same but for the bed, which knows how
// long the whole is.
func (s *session) blend(samples [][2]float64) {
	if s.blending == 0 {
		return
	}
	var before [glide][2]float64
	n, _ := s.old.Stream(before[:len(samples)])
	for i := range n {
		old := float64(s.blending-i) / glide
		samples[i][0] += old * (before[i][0] - samples[i][0])
		samples[i][1] += old * (before[i][1] - samples[i][1])
	}
	if s.blending -= len(samples); s.blending == 0 {
		s.old = nil
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
		gain := s.volume.next()
		samples[i][0] *= gain
		samples[i][1] *= gain
	}
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

var _ audio.Rewinder = puller{}

// Stream fills a block under the player's lock, which is never held across I/O.
func (u puller) Stream(samples [][2]float64) (int, bool) {
	u.p.mu.Lock()
	defer u.p.mu.Unlock()
	return u.s.stream(samples)
}

// Err is nil: a session cannot fail.
func (u puller) Err() error { return nil }
