package player

import "sort"

// An output may keep a second of sound ahead and still let a pause be heard at once, because it can take back what was
// pulled and not heard (audio.Rewinder). For that a session remembers what it was before each block, and what it was
// asked since: it goes back to the block and asks itself again.

// moment is what a session was before a block was pulled.
type moment struct {
	frames, at               int
	then, next               after
	leaving, still, entering int
	landAt                   int
	over                     bool
	volume, low, under       ramp
	talks                    []talk
	masked                   int
	parts                    []part
}

// order is something asked of the sound, and how many frames had been pulled by then.
type order struct {
	frame int
	do    func(s *session)
}

// ask does something to a session that an output pulls, and rings for the output to take back what it can, so that it
// is heard soon.
func (s *session) ask(do func(s *session)) {
	do(s)
	if !s.playing {
		return
	}
	s.orders = append(s.orders, order{s.frames, do})
	select {
	case s.changed <- struct{}{}:
	default: // it rings already
	}
}

// remember notes what the session is, and forgets what cannot be taken back any more.
func (s *session) remember() {
	if i := s.before(s.heard); i > 0 {
		s.moments = s.moments[i:]
	}
	for len(s.orders) > 0 && s.orders[0].frame < s.heard {
		s.orders = s.orders[1:]
	}
	s.moments = append(s.moments, moment{
		s.frames, s.sound.Position(), s.then, s.next, s.leaving, s.still, s.entering, s.landAt, s.over,
		s.volume, s.low, s.under, append([]talk(nil), s.talks...), s.masked, append([]part(nil), s.track.parts...),
	})
}

// before is the last moment at or before a frame.
func (s *session) before(frame int) int {
	return max(0, sort.Search(len(s.moments), func(i int) bool { return s.moments[i].frames > frame })-1)
}

// rewind goes back to where the last n frames had not been pulled, and asks again what was asked since.
func (s *session) rewind(n int) {
	to := s.frames - n
	if len(s.moments) == 0 || n <= 0 {
		return
	}
	i := s.before(to)
	m := s.moments[i]
	s.moments = s.moments[:i]
	s.frames, s.then, s.next, s.leaving, s.still, s.entering = m.frames, m.then, m.next, m.leaving, m.still, m.entering
	s.landAt, s.over, s.volume, s.low, s.under = m.landAt, m.over, m.volume, m.low, m.under
	s.talks, s.masked = append([]talk(nil), m.talks...), m.masked
	s.track.parts = m.parts
	s.seek(m.at)
	if s.frames < to {
		s.stream(make([][2]float64, to-s.frames))
	}
	for i, o := range s.orders {
		if o.frame > to {
			s.orders[i].frame = to
			o.do(s)
		}
	}
}

// Changed rings when what was pulled should be heard differently.
func (u puller) Changed() <-chan struct{} { return u.s.changed }

// Rewind takes back the last frames pulled.
func (u puller) Rewind(frames int) {
	u.p.mu.Lock()
	defer u.p.mu.Unlock()
	u.s.rewind(frames)
}
