package player

import (
	"math"
	"sort"

	"guided/audio"
	"guided/routines"
)

const (
	fadeLen  = routines.Rate / 100     // 10 ms: how every interrupted sound leaves
	glideLen = routines.Rate * 2 / 100 // how long a change of volume takes
)

// stream fills a block; the caller holds the player's lock. It is drained when the score has ended or the sound has
// left for a pause or a stop.
func (s *session) stream(samples [][2]float64) (int, bool) {
	s.takeSnapshot()
	s.updateOverlays()
	n := 0
	for n < len(samples) && !s.drained {
		n += s.streamPart(samples[n:])
	}
	s.applyVolume(samples[:n])
	return n, n > 0
}

// streamPart fills samples up to the next turn of events.
func (s *session) streamPart(samples [][2]float64) int {
	for _, most := range []int{s.silence, s.fadeOutLeft, s.fadeIn, s.crossfade} {
		if most > 0 {
			samples = samples[:min(most, len(samples))]
		}
	}
	n, more := s.fill(samples)
	s.frames += n
	samples = samples[:n]
	if s.reason == jump {
		s.fadeOut(samples) // what somebody says goes on
		s.mixOverlay(samples)
	} else {
		s.mixOverlay(samples)
		s.fadeOut(samples)
	}
	left := s.fadeOutLeft > 0 && s.fadeOutLeft <= n
	s.fadeOutLeft = max(0, s.fadeOutLeft-n)
	switch {
	case s.reason != carryOn && (left || !more):
		s.left()
	case !more && len(s.overlays) > 0: // what is being said is said to its end
		s.silence = max(1, s.overlays[0].left())
		s.timeline.set(s.frames, s.silence, s.score.Len)
	case !more:
		s.drained = true
	}
	return n
}

// fill takes the next samples of the score, or of the silence before it goes on.
func (s *session) fill(samples [][2]float64) (n int, more bool) {
	if s.silence > 0 {
		clear(samples)
		s.silence -= len(samples)
		return len(samples), true
	}
	n, more = s.sound.Stream(samples)
	s.applyCrossfade(samples[:n])
	for i := range min(n, s.fadeIn) {
		fadeShape(&samples[i], fadeLen-s.fadeIn+i+1)
	}
	s.fadeIn = max(0, s.fadeIn-n)
	return n, more
}

// fadeOut shapes what leaves.
func (s *session) fadeOut(samples [][2]float64) {
	for i := range min(len(samples), s.fadeOutLeft) {
		fadeShape(&samples[i], s.fadeOutLeft-i)
	}
}

// applyCrossfade goes over from the sound of the score before it was changed: both are the same but for the bed, which knows how
// long the whole is.
func (s *session) applyCrossfade(samples [][2]float64) {
	if s.crossfade == 0 {
		return
	}
	var before [glideLen][2]float64
	n, _ := s.previous.Stream(before[:len(samples)])
	for i := range n {
		old := float64(s.crossfade-i) / glideLen
		samples[i][0] += old * (before[i][0] - samples[i][0])
		samples[i][1] += old * (before[i][1] - samples[i][1])
	}
	if s.crossfade -= len(samples); s.crossfade == 0 {
		s.previous = nil
	}
}

// fadeShape scales a frame by the k-th step of a ramp of `fade` steps, a raised cosine.
func fadeShape(f *[2]float64, k int) {
	g := 0.5 - 0.5*math.Cos(math.Pi*float64(k)/fadeLen)
	f[0] *= g
	f[1] *= g
}

// applyVolume applies the volume, in a ramp where it changes.
func (s *session) applyVolume(samples [][2]float64) {
	for i := range samples {
		gain := s.volumeGain.next()
		samples[i][0] *= gain
		samples[i][1] *= gain
	}
}

// gainOf is the factor of a volume from 0 to 100: (v/100)³, near to how loudness is felt.
func gainOf(volume int) float64 {
	v := float64(volume) / 100
	return v * v * v
}

// source is the session as an output sees it.
type source struct {
	p *Player
	s *session
}

var _ audio.Rewinder = source{}

// Stream fills a block under the player's lock, which is never held across I/O.
func (u source) Stream(samples [][2]float64) (int, bool) {
	u.p.mu.Lock()
	defer u.p.mu.Unlock()
	return u.s.stream(samples)
}

// Err is nil: a session cannot fail.
func (u source) Err() error { return nil }

// snapshot is what a session was before a block was pulled.
type snapshot struct {
	frames, at               int
	then, next               reason
	leaving, still, entering int
	landAt                   int
	over                     bool
	volume, low, under       ramp
	talks                    []overlay
	masked                   int
	parts                    []segment
}

// operation is something asked of the sound, and how many frames had been pulled by then.
type operation struct {
	frame int
	do    func(s *session)
}

// apply does something to a session that an output pulls, and rings for the output to take back what it can, so that it
// is heard soon.
func (s *session) apply(do func(s *session)) {
	do(s)
	if !s.playing {
		return
	}
	s.operations = append(s.operations, operation{s.frames, do})
	select {
	case s.changed <- struct{}{}:
	default: // it rings already
	}
}

// takeSnapshot notes what the session is, and forgets what cannot be taken back any more.
func (s *session) takeSnapshot() {
	if i := s.snapshotBefore(s.heard); i > 0 {
		s.snapshots = s.snapshots[i:]
	}
	for len(s.operations) > 0 && s.operations[0].frame < s.heard {
		s.operations = s.operations[1:]
	}
	s.snapshots = append(s.snapshots, snapshot{
		s.frames, s.sound.Position(), s.reason, s.queued, s.fadeOutLeft, s.silence, s.fadeIn, s.landAt, s.drained,
		s.volumeGain, s.duckGain, s.overlayGain, append([]overlay(nil), s.overlays...), s.covered, append([]segment(nil), s.timeline.segments...),
	})
}

// snapshotBefore is the last moment at or before a frame.
func (s *session) snapshotBefore(frame int) int {
	return max(0, sort.Search(len(s.snapshots), func(i int) bool { return s.snapshots[i].frames > frame })-1)
}

// rewind goes back to where the last n frames had not been pulled, and asks again what was asked since.
func (s *session) rewind(n int) {
	to := s.frames - n
	if len(s.snapshots) == 0 || n <= 0 {
		return
	}
	i := s.snapshotBefore(to)
	m := s.snapshots[i]
	s.snapshots = s.snapshots[:i]
	s.frames, s.reason, s.queued, s.fadeOutLeft, s.silence, s.fadeIn = m.frames, m.then, m.next, m.leaving, m.still, m.entering
	s.landAt, s.drained, s.volumeGain, s.duckGain, s.overlayGain = m.landAt, m.over, m.volume, m.low, m.under
	s.overlays, s.covered = append([]overlay(nil), m.talks...), m.masked
	s.timeline.segments = m.parts
	s.seek(m.at)
	if s.frames < to {
		s.stream(make([][2]float64, to-s.frames))
	}
	for i, o := range s.operations {
		if o.frame > to {
			s.operations[i].frame = to
			o.do(s)
		}
	}
}

// Changed rings when what was pulled should be heard differently.
func (u source) Changed() <-chan struct{} { return u.s.changed }

// Rewind takes back the last frames pulled.
func (u source) Rewind(frames int) {
	u.p.mu.Lock()
	defer u.p.mu.Unlock()
	u.s.rewind(frames)
}

// ramp is a factor on the sound that goes to its target in even steps.
type ramp struct{ value, target, slope float64 }

// glideTo goes to a target within so many frames.
func (r *ramp) glideTo(target float64, frames int) {
	r.target = target
	r.slope = (target - r.value) / float64(frames)
}

// jumpTo is at a value at once.
func (r *ramp) jumpTo(value float64) { *r = ramp{value: value, target: value} }

// next is the factor of the next frame.
func (r *ramp) next() float64 {
	if r.value != r.target {
		if r.value += r.slope; (r.slope > 0) == (r.value > r.target) {
			r.value = r.target
		}
	}
	return r.value
}
