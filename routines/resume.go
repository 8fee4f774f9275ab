package routines

import "sort"

// ResumePoint is where playback resumes after an interruption at a sample: at the start of the breath or rep that is going
// on, else at the start of the phrase, else, in silence, at the sample itself.
func (s *Score) ResumePoint(at int) int {
	for {
		back := s.phraseAt(s.breathAt(at)) // a phrase may begin before the breath does
		if back == at {
			return at
		}
		at = back
	}
}

// breathAt is where the breath or rep begins that is going on at a sample; the sample itself when none is.
func (s *Score) breathAt(at int) int {
	for i := s.marksBefore(at) - 1; i >= 0; i-- {
		m := s.Marks[i]
		if m.Kind != BreathMark && m.Kind != RepMark || m.From > at {
			continue // no breath, or not yet begun
		}
		if at < m.At+m.Len {
			return m.From
		}
		break // breaths do not overlap: earlier ones have ended
	}
	return at
}

// phraseAt is where the phrase begins that is spoken at a sample; the sample itself when none is.
func (s *Score) phraseAt(at int) int {
	for i := sort.Search(len(s.Cues), func(i int) bool { return s.Cues[i].At > at }) - 1; i >= 0; i-- {
		if c := s.Cues[i]; c.Clip.Say != "" { // speech never overlaps speech: only the last can be going on
			if at < c.At+c.Len {
				return c.At
			}
			break
		}
	}
	return at
}
