package player

import "guided/routines"

// gapSearch is how far ahead a message that may wait looks for a gap between the phrases.
const gapSearch = 30 * routines.Rate

// overlay is a message that is spoken over a session, whole: it begins when the phrase that sounds is over, and the
// routine is turned down under it.
type overlay struct {
	pcm     []int16
	inGap   bool // it may wait for a gap in the routine that holds it
	started bool // its turn has come
	delay   int  // frames until the routine goes down
	played  int  // frames since then
}

// remaining is how many frames the message still needs.
func (o overlay) remaining() int { return o.delay + duckDown + len(o.pcm) - o.played }

// updateOverlays is called before each block: it removes the messages that are over, brings the routine back after the
// last one, and gives the next one its turn.
func (s *session) updateOverlays() {
	for len(s.overlays) > 0 && s.overlays[0].started && s.overlays[0].remaining() <= 0 {
		s.covered += duckDown + len(s.overlays[0].pcm)
		if s.overlays[0].inGap {
			s.covered = 0
		}
		s.overlays = s.overlays[1:]
		if len(s.overlays) == 0 {
			s.endOverlays()
		}
	}
	if len(s.overlays) == 0 || s.overlays[0].started {
		return
	}
	o := &s.overlays[0]
	o.started = true
	if s.transition.silence == 0 && s.overlayGain.target == 1 {
		o.delay, o.inGap = s.overlayDelay(*o)
	}
}

// overlayDelay is how many frames a message waits: for the end of the phrase that sounds, or for a gap that holds it
// whole where it may wait for one. inGap tells whether it found one.
func (s *session) overlayDelay(o overlay) (delay int, inGap bool) {
	at := s.sound.Position()
	end := at // of the last phrase seen
	for _, c := range s.score.Cues {
		switch {
		case c.Clip.Say == "" || c.At+c.Len <= at:
		case !o.inGap && c.At > at:
			return end - at, false
		case c.At-end >= 2*duckDown+len(o.pcm):
			return end - at, true
		case c.At > at+gapSearch:
			o.inGap = false
			return s.overlayDelay(o)
		default:
			end = max(end, c.At+c.Len)
		}
	}
	return end - at, o.inGap
}

// endOverlays brings the routine back after the last message. What was covered for longer than repeatAfter is spoken
// again.
func (s *session) endOverlays() {
	covered := s.covered
	s.covered = 0
	at := s.sound.Position()
	if back := s.score.ResumePoint(at); covered > repeatAfter && back != at && s.transition.reason == carryOn && s.transition.silence == 0 {
		s.jumpTo(back)
		return
	}
	s.overlayGain.glideTo(1, duckUp)
}

// mixOverlay turns the routine down where it is ducked, and adds the message.
func (s *session) mixOverlay(samples [][2]float64) {
	if len(s.overlays) == 0 && s.duckGain.isUnity() && s.overlayGain.isUnity() {
		return
	}
	for i := range samples {
		spoken := s.nextOverlaySample()
		g := min(s.duckGain.next(), s.overlayGain.next())
		samples[i][0] = g*samples[i][0] + spoken
		samples[i][1] = g*samples[i][1] + spoken
	}
}

// overlayAudible reports whether a message is being heard.
func (s *session) overlayAudible() bool {
	return len(s.overlays) > 0 && s.overlays[0].played > 0
}

// nextOverlaySample is the next sample of the message, zero where there is none.
func (s *session) nextOverlaySample() float64 {
	if len(s.overlays) == 0 || !s.overlays[0].started {
		return 0
	}
	o := &s.overlays[0]
	if o.delay > 0 {
		o.delay--
		return 0
	}
	if o.played == 0 {
		s.overlayGain.glideTo(duckedGain, duckDown)
	}
	o.played++
	if k := o.played - 1 - duckDown; k >= 0 && k < len(o.pcm) {
		return float64(o.pcm[k]) / 32768
	}
	return 0
}
