package player

import "guided/routines"

// gapSearch is how far ahead a message that may wait looks for a place between the words.
const gapSearch = 30 * routines.Rate

// overlay is a message on its way through a session's sound. It is said whole: it begins when the phrase that sounds is
// over, and the routine goes down under it.
type overlay struct {
	pcm     []int16
	inGap   bool // it may wait for a silence of the routine that is long enough
	started bool
	delay   int // frames until the routine goes down
	played  int // frames since then
}

// left is how many frames it still needs.
func (t overlay) left() int { return t.delay + duckDown + len(t.pcm) - t.played }

// updateOverlays does what is due of the messages before a block: the next one begins, or after the last one the routine comes
// back. The caller holds the lock.
func (s *session) updateOverlays() {
	for len(s.overlays) > 0 && s.overlays[0].started && s.overlays[0].left() <= 0 {
		s.covered += duckDown + len(s.overlays[0].pcm)
		if s.overlays[0].inGap {
			s.covered = 0
		}
		s.overlays = s.overlays[1:]
		if len(s.overlays) == 0 {
			s.endOverlay()
		}
	}
	if len(s.overlays) == 0 || s.overlays[0].started {
		return
	}
	t := s.overlays[0]
	t.started = true
	if s.silence == 0 && s.overlayGain.target == 1 {
		t.delay, t.inGap = s.overlayDelay(t)
	}
	s.overlays[0] = t
}

// overlayDelay is how many frames a message waits for its turn: for the end of the phrase that sounds, or for a silence that
// holds it whole where it may wait for one and there is one.
func (s *session) overlayDelay(t overlay) (delay int, gap bool) {
	at := s.sound.Position()
	end := at
	for _, c := range s.score.Cues {
		switch {
		case c.Clip.Say == "" || c.At+c.Len <= at:
		case !t.inGap && c.At > at:
			return end - at, false
		case c.At-end >= 2*duckDown+len(t.pcm):
			return end - at, true
		case c.At > at+gapSearch:
			t.inGap = false
			return s.overlayDelay(t)
		default:
			end = max(end, c.At+c.Len)
		}
	}
	return end - at, t.inGap
}

// endOverlay lets the routine come back after a message: by the law, with what it covered said again.
func (s *session) endOverlay() {
	covered := s.covered
	s.covered = 0
	at := s.sound.Position()
	if back := s.score.Return(at); covered > repeatAfter && back != at && s.reason == carryOn && s.silence == 0 {
		s.landAt = back
		s.leave(jump)
		return
	}
	s.overlayGain.glideTo(1, duckUp)
}

// mixOverlay lowers the routine where somebody speaks over it, and adds what is being said.
func (s *session) mixOverlay(samples [][2]float64) {
	for i := range samples {
		said := s.nextOverlaySample()
		g := min(s.duckGain.next(), s.overlayGain.next())
		samples[i][0] = g*samples[i][0] + said
		samples[i][1] = g*samples[i][1] + said
	}
}

// overlayAudible tells whether a message is being heard.
func (s *session) overlayAudible() bool {
	return len(s.overlays) > 0 && s.overlays[0].played > 0
}

// nextOverlaySample is the next frame of what is being said, zero for none.
func (s *session) nextOverlaySample() float64 {
	if len(s.overlays) == 0 || !s.overlays[0].started {
		return 0
	}
	t := &s.overlays[0]
	if t.delay > 0 {
		t.delay--
		return 0
	}
	if t.played == 0 {
		s.overlayGain.glideTo(duckedGain, duckDown)
	}
	t.played++
	if k := t.played - 1 - duckDown; k >= 0 && k < len(t.pcm) {
		return float64(t.pcm[k]) / 32768
	}
	return 0
}

// restartOverlay lets a message that was interrupted begin anew.
func (s *session) restartOverlay() {
	if len(s.overlays) > 0 {
		t := &s.overlays[0]
		t.started, t.delay, t.played = false, 0, 0
	}
	s.covered = 0
	s.overlayGain.jumpTo(1)
}
