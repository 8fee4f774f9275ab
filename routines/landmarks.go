package routines

import "sort"

// landmarks is what of a score its lookups ask for, each kind by itself: a lookup then searches, where walking would pass
// the thousands of counts and tones between two of a kind. The indices are in order, as marks and cues are.
type landmarks struct {
	steps  []int32 // of Marks: the steps
	turns  []int32 // of Marks: the breaths and reps
	waits  []int32 // of Marks: the waits for the listener, which never overlap
	waited []int   // by wait: the samples of all waits before it
	speech []int32 // of Cues: those that speak, which never overlap
}

func newLandmarks(marks []Mark, cues []Cue) *landmarks {
	var steps, turns, speech int
	for i := range marks {
		switch marks[i].Kind {
		case StepMark:
			steps++
		case BreathMark, RepMark:
			turns++
		}
	}
	for i := range cues {
		if cues[i].Clip.Say != "" {
			speech++
		}
	}
	l := &landmarks{steps: make([]int32, 0, steps), turns: make([]int32, 0, turns), speech: make([]int32, 0, speech)}
	waited := 0
	for i := range marks {
		switch marks[i].Kind {
		case StepMark:
			l.steps = append(l.steps, int32(i))
		case BreathMark, RepMark:
			l.turns = append(l.turns, int32(i))
		case WaitMark:
			l.waits, l.waited = append(l.waits, int32(i)), append(l.waited, waited)
			waited += marks[i].Len
		}
	}
	for i := range cues {
		if cues[i].Clip.Say != "" {
			l.speech = append(l.speech, int32(i))
		}
	}
	return l
}

// landmarks is that of a compiled score; of one that was made by hand it is found anew each time.
func (s *Score) landmarks() *landmarks {
	if s.index != nil {
		return s.index
	}
	return newLandmarks(s.Marks, s.Cues)
}

// marksUpTo counts those of some marks that lie at a sample or before it.
func (s *Score) marksUpTo(list []int32, at int) int {
	return sort.Search(len(list), func(i int) bool { return s.Marks[list[i]].At > at })
}
