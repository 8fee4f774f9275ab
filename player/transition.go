package player

import (
	"math"

	"guided/routines"
)

const (
	fadeLen        = routines.Rate / 100    // 10 ms: how every interrupted sound leaves
	landingSilence = routines.Rate * 3 / 10 // between leaving one position and coming back at another
)

// reason is why a session's sound leaves, and so what follows its fade-out.
type reason int

const (
	carryOn reason = iota // it does not leave
	jump                  // it comes back at another position
	pause                 // it waits for resume
	finish                // it has ended for good
)

// nowhere is a landAt that was not asked for.
const nowhere = -1

// transition is how the sound of a session leaves one position and comes in at another. Every interruption is one: a
// fade-out, a silence, and a fade-in where a cue is already sounding at the new position.
//
//	state     reason               fadeOut  silence  fadeIn  drained  what is pulled
//	steady    carryOn              0        0        0       no       the score
//	leaving   jump, pause, finish  > 0      any      any     no       what was pulled before, fading out
//	landing   carryOn              0        > 0      any     no       silence; then the score at its new position
//	entering  carryOn              0        0        > 0     no       the score, fading in
//	drained   any                  0        any      any     yes      nothing: the stream has ended
//
// begin takes steady, landing and entering to leaving, or at once to its end where nothing sounds. finish takes leaving
// with the reason jump to landing, and with pause or finish to drained. The silence and the fade-in are used up by the
// frames pulled. The end of the score is drained too, whatever the reason.
type transition struct {
	reason  reason
	fadeOut int    // frames of fade-out left
	silence int    // frames of silence left before the score goes on
	fadeIn  int    // frames of fade-in left, counted from the end of the silence
	landAt  int    // the sample where the sound comes back; nowhere: where session.comeback says
	queued  reason // what follows a jump that a spoken message covers: the message is not cut by it
	drained bool
}

// steady is the transition of a sound that is not interrupted.
func steady() transition { return transition{landAt: nowhere} }

// begin begins the fade-out and reports whether the sound has left already, because there is nothing to fade: no frame
// was pulled, or it is silent. speaking is whether a message is being heard.
func (t *transition) begin(why reason, pulled, speaking bool) (left bool) {
	if t.reason == jump && why != jump && t.fadeOut > 0 && speaking {
		t.queued = why
		return false
	}
	t.reason = why
	if t.drained || t.fadeOut > 0 {
		return false
	}
	if !pulled || t.silence > 0 && (why == jump || !speaking) {
		return true
	}
	t.fadeOut = fadeLen
	return false
}

// finish ends the fade-out. With jumps the sound lands at landAt, and then leaves again for what was queued; else the
// stream is drained.
func (t *transition) finish() (landAt int, queued reason, jumps bool) {
	t.fadeOut = 0
	if t.reason != jump {
		t.drained = true
		return 0, carryOn, false
	}
	landAt, queued = t.landAt, t.queued
	t.reason, t.landAt, t.queued = carryOn, nowhere, carryOn
	return landAt, queued, true
}

// limit is how many of n frames can be pulled before the next part of the transition ends.
func (t *transition) limit(n int) int {
	for _, left := range [...]int{t.fadeOut, t.silence, t.fadeIn} {
		if left > 0 {
			n = min(n, left)
		}
	}
	return n
}

// applyFadeOut fades the frames out and reports whether the fade-out ends with them.
func (t *transition) applyFadeOut(samples [][2]float64) (left bool) {
	for i := range min(len(samples), t.fadeOut) {
		scaleFade(&samples[i], t.fadeOut-i)
	}
	left = t.fadeOut > 0 && t.fadeOut <= len(samples)
	t.fadeOut = max(0, t.fadeOut-len(samples))
	return left
}

// applyFadeIn fades the frames in.
func (t *transition) applyFadeIn(samples [][2]float64) {
	for i := range min(len(samples), t.fadeIn) {
		scaleFade(&samples[i], fadeLen-t.fadeIn+i+1)
	}
	t.fadeIn = max(0, t.fadeIn-len(samples))
}

// scaleFade scales a frame by the k-th step of a raised cosine of fadeLen steps: 0 is silence, fadeLen is unity.
func scaleFade(f *[2]float64, k int) {
	g := 0.5 - 0.5*math.Cos(math.Pi*float64(k)/fadeLen)
	f[0] *= g
	f[1] *= g
}
