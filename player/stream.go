package player

import (
	"slices"
	"sort"

	"guided/audio"
	"guided/routines"
)

// source is a session as an output sees it.
//
// An output may keep a second of sound ahead and still let a pause be heard at once, because it can take back frames
// that were pulled and not heard yet (audio.Rewinder). For that the session keeps a snapshot of itself from before each block,
// and the operations since: it goes back to a snapshot and applies them again at an earlier frame.
type source struct {
	p *Player
	s *session
}

var _ audio.Rewinder = source{}

// Stream fills a block under the player's lock, which is never held across I/O. Before that it waits for what is still being
// decoded of the first words.
func (u source) Stream(samples [][2]float64) (int, bool) {
	u.p.mu.Lock()
	sound := u.s.sound
	u.p.mu.Unlock()
	sound.Await(len(samples))
	u.p.mu.Lock()
	defer u.p.mu.Unlock()
	u.p.answerChecks()
	return u.s.stream(samples)
}

// Err is always nil: a session cannot fail.
func (u source) Err() error { return nil }

// Changed signals that frames already pulled should sound different now.
func (u source) Changed() <-chan struct{} { return u.s.changed }

// Rewind takes back the last frames pulled.
func (u source) Rewind(frames int) {
	u.p.mu.Lock()
	defer u.p.mu.Unlock()
	u.s.rewind(frames)
}

// stream fills a block. It returns less than a block only when the score has ended, or the sound has left for a pause or
// for good.
func (s *session) stream(samples [][2]float64) (int, bool) {
	s.takeSnapshot()
	s.updateOverlays()
	n := 0
	for n < len(samples) && !s.transition.drained {
		n += s.streamPart(samples[n:])
	}
	if !s.volumeGain.isUnity() {
		for i := range samples[:n] {
			gain := s.volumeGain.next()
			samples[i][0] *= gain
			samples[i][1] *= gain
		}
	}
	return n, n > 0
}

// streamPart fills samples as far as nothing begins or ends in them.
func (s *session) streamPart(samples [][2]float64) int {
	n := s.transition.limit(len(samples))
	if s.crossfade > 0 {
		n = min(n, s.crossfade)
	}
	n, more := s.fill(samples[:n])
	s.frames += n
	samples = samples[:n]
	var left bool
	if s.transition.reason == jump { // a message is not faded: it goes on over the jump
		left = s.transition.applyFadeOut(samples)
		s.mixOverlay(samples)
	} else {
		s.mixOverlay(samples)
		left = s.transition.applyFadeOut(samples)
	}
	switch {
	case s.transition.reason != carryOn && (left || !more):
		s.finishTransition()
	case !more && len(s.overlays) > 0: // silence under the rest of a message
		s.transition.silence = max(1, s.overlays[0].remaining())
		s.timeline.set(s.frames, s.transition.silence, s.score.Len)
	case !more:
		s.transition.drained = true
	}
	return n
}

// fill takes the next samples of the score, or of the silence before it goes on. more is false at the end of the score.
func (s *session) fill(samples [][2]float64) (n int, more bool) {
	if s.transition.silence > 0 {
		clear(samples)
		s.transition.silence -= len(samples)
		return len(samples), true
	}
	n, more = s.sound.Stream(samples)
	s.applyCrossfade(samples[:n])
	s.transition.applyFadeIn(samples[:n])
	return n, more
}

// applyCrossfade fades from the sound before the score was revised. Both differ only in the bed, whose swell depends on
// the length of the whole.
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

// snapshot is a session before a block was pulled.
type snapshot struct {
	pulled
	at int // the position of the sound
}

// operation is a change to the sound, and how many frames had been pulled when it was made.
type operation struct {
	frame int
	do    func(s *session)
}

// apply makes a change to the session, and signals the output to take back what it can so that it is heard soon.
func (s *session) apply(do func(s *session)) {
	do(s)
	if !s.playing {
		return
	}
	s.operations = append(s.operations, operation{s.frames, do})
	select {
	case s.changed <- struct{}{}:
	default: // signalled already
	}
}

// takeSnapshot stores the session as it is, and drops what lies before the last frame heard.
func (s *session) takeSnapshot() {
	if i := s.snapshotBefore(s.heard); i > len(s.snapshots)/2 { // seldom, because the rest is moved
		s.snapshots = slices.Delete(s.snapshots, 0, i)
	}
	for len(s.operations) > 0 && s.operations[0].frame < s.heard {
		s.operations = s.operations[1:]
	}
	s.snapshots = append(s.snapshots, snapshot{s.pulled.clone(), s.sound.Position()})
}

// snapshotBefore is the index of the last snapshot at or before a frame.
func (s *session) snapshotBefore(frame int) int {
	return max(0, sort.Search(len(s.snapshots), func(i int) bool { return s.snapshots[i].frames > frame })-1)
}

// rewind takes back the last n frames: it restores a snapshot, pulls up to where they began, and applies the operations
// since then again.
func (s *session) rewind(n int) {
	to := s.frames - n
	if len(s.snapshots) == 0 || n <= 0 {
		return
	}
	i := s.snapshotBefore(to)
	restored := s.snapshots[i]
	s.snapshots = s.snapshots[:i]
	s.pulled = restored.pulled
	s.seek(restored.at)
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

// glideLen is how many frames a change of volume takes: 20 ms.
const glideLen = routines.Rate * 2 / 100

// ramp is a gain that goes to its target in even steps, one a frame.
type ramp struct{ value, target, slope float64 }

// rampAt is a ramp that stays at a value.
func rampAt(value float64) ramp { return ramp{value: value, target: value} }

// glideTo lets the gain reach a target within so many frames.
func (r *ramp) glideTo(target float64, frames int) {
	r.target = target
	r.slope = (target - r.value) / float64(frames)
}

// isUnity tells whether the gain is and stays 1.
func (r *ramp) isUnity() bool { return r.value == 1 && r.target == 1 }

// next is the gain of the next frame.
func (r *ramp) next() float64 {
	if r.value != r.target {
		if r.value += r.slope; (r.slope > 0) == (r.value > r.target) {
			r.value = r.target
		}
	}
	return r.value
}
