package player

import "guided/routines"

// gapWithin is how far ahead a message that may wait looks for a place between the words.
const gapWithin = 30 * routines.Rate

// talk is a message on its way through a session's sound. It is said whole: it begins when the phrase that sounds is
// over, and the routine goes down under it.
type talk struct {
	pcm   []int16
	gap   bool // it may wait for a silence of the routine that is long enough
	begun bool
	delay int // frames until the routine goes down
	at    int // frames since then
}

// left is how many frames it still needs.
func (t talk) left() int { return t.delay + duckDown + len(t.pcm) - t.at }

// listen does what is due of the messages before a block: the next one begins, or after the last one the routine comes
// back. The caller holds the lock.
func (s *session) listen() {
	for len(s.talks) > 0 && s.talks[0].begun && s.talks[0].left() <= 0 {
		s.masked += duckDown + len(s.talks[0].pcm)
		if s.talks[0].gap {
			s.masked = 0
		}
		s.talks = s.talks[1:]
		if len(s.talks) == 0 {
			s.recover()
		}
	}
	if len(s.talks) == 0 || s.talks[0].begun {
		return
	}
	t := s.talks[0]
	t.begun = true
	if s.still == 0 && s.under.target == 1 {
		t.delay, t.gap = s.turn(t)
	}
	s.talks[0] = t
}

// turn is how many frames a message waits for its turn: for the end of the phrase that sounds, or for a silence that
// holds it whole where it may wait for one and there is one.
func (s *session) turn(t talk) (delay int, gap bool) {
	at := s.sound.Position()
	end := at
	for _, c := range s.score.Cues {
		switch {
		case c.Clip.Say == "" || c.At+c.Len <= at:
		case !t.gap && c.At > at:
			return end - at, false
		case c.At-end >= 2*duckDown+len(t.pcm):
			return end - at, true
		case c.At > at+gapWithin:
			t.gap = false
			return s.turn(t)
		default:
			end = max(end, c.At+c.Len)
		}
	}
	return end - at, t.gap
}

// recover lets the routine come back after a message: by the law, with what it covered said again.
func (s *session) recover() {
	covered := s.masked
	s.masked = 0
	at := s.sound.Position()
	if back := s.score.Return(at); covered > duckLimit && back != at && s.then == goOn && s.still == 0 {
		s.landAt = back
		s.leave(jump)
		return
	}
	s.under.to(1, duckUp)
}

// speak lowers the routine where somebody speaks over it, and adds what is being said.
func (s *session) speak(samples [][2]float64) {
	for i := range samples {
		said := s.utter()
		g := min(s.low.next(), s.under.next())
		samples[i][0] = g*samples[i][0] + said
		samples[i][1] = g*samples[i][1] + said
	}
}

// speaking tells whether a message is being heard.
func (s *session) speaking() bool {
	return len(s.talks) > 0 && s.talks[0].at > 0
}

// utter is the next frame of what is being said, zero for none.
func (s *session) utter() float64 {
	if len(s.talks) == 0 || !s.talks[0].begun {
		return 0
	}
	t := &s.talks[0]
	if t.delay > 0 {
		t.delay--
		return 0
	}
	if t.at == 0 {
		s.under.to(ducked, duckDown)
	}
	t.at++
	if k := t.at - 1 - duckDown; k >= 0 && k < len(t.pcm) {
		return float64(t.pcm[k]) / 32768
	}
	return 0
}

// unsaid lets a message that was interrupted begin anew.
func (s *session) unsaid() {
	if len(s.talks) > 0 {
		t := &s.talks[0]
		t.begun, t.delay, t.at = false, 0, 0
	}
	s.masked = 0
	s.under.at(1)
}
