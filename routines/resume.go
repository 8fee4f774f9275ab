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
	turns := s.landmarks().turns
	for i := s.marksUpTo(turns, at+maxBeat) - 1; i >= 0; i-- { // the sound of the last ones may have begun before their beat
		m := s.Marks[turns[i]]
		if m.From > at {
			continue // not yet begun
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
	speech := s.landmarks().speech
	// Speech never overlaps speech: only the last can be going on.
	if n := sort.Search(len(speech), func(i int) bool { return s.Cues[speech[i]].At > at }); n > 0 {
		if c := s.Cues[speech[n-1]]; at < c.At+c.Len {
			return c.At
		}
	}
	return at
}
