package routines

import "math"

// turn is one breath or rep where it is laid out, from the start of its step's body.
type turn struct {
	Pattern
	at     int
	second int // how long a count lasts
}

// ramp is how the breaths of a step go: their pattern, and what they settle from.
func (l *layout) ramp(s *Step) ramp {
	r := ramp{to: *s.Pattern}
	if s.Kind != Reps {
		r.to = l.held(r.to)
	}
	if s.From == nil {
		return r
	}
	r.from = l.held(*s.From)
	r.whole = l.mode(s) == Spoken && r.from.whole() && r.to.whole()
	switch {
	case s.Over.Breaths > 0:
		r.n = s.Over.Breaths
	case s.Over.Samples > 0:
		r.n = max(1, int(math.Round(2*float64(s.Over.Samples)/float64(r.from.Len()+r.to.Len()))))
	case s.For.Breaths > 0:
		r.n = s.For.Breaths / 2
	default:
		r.n = int(float64(s.For.Samples) / float64(r.from.Len()+r.to.Len())) // half of the time
	}
	return r
}

// held is a breath as the listener asked for: with its holds, or without.
func (l *layout) held(p Pattern) Pattern {
	if l.asked.NoHolds {
		return p.without()
	}
	return p
}

// size is what a step counts: breaths, repeats, reps or samples; as written, or as a length asked for needs it.
func (l *layout) size(s *Step) int {
	if n, fitted := l.fitted[s]; fitted {
		return n
	}
	if s.Pattern == nil || s.Kind == Reps || s.For.Breaths > 0 {
		return s.count(l.breath)
	}
	return l.ramp(s).nearest(s.For.Samples)
}

// paced lays out a step's breaths or reps, and how long all of them were known to be, change by change.
func (l *layout) paced(s *Step) (turns []turn, lengths []int) {
	n := l.size(s) + l.carry()
	r := l.ramp(s)
	for known := range len(l.asked.Changes) + 1 {
		changes := l.asked.Changes[:known]
		turns = turns[:0]
		at, used, more := 0, l.used, 0
		for i := 0; ; i++ {
			for ; i == n+more && used < known && changes[used].At < l.at+at-leastLead; used++ {
				more += inTurns(changes[used].Extend, r.to)
			}
			if i >= n+more {
				break
			}
			pace := 1.0
			for _, c := range changes {
				if c.Pace > 0 && c.At <= l.at+at-leastLead {
					pace *= c.Pace
				}
			}
			b := turn{r.at(i).scaled(pace), at, int(math.Round(Rate * pace))}
			turns = append(turns, b)
			at += b.Len()
		}
		lengths = append(lengths, at)
		if known == len(l.asked.Changes) {
			l.spend(used, more)
		}
	}
	l.flexible(s, r.len)
	return turns, lengths
}

// inTurns is an extension in breaths or reps: whole ones, at least one.
func inTurns(a Amount, p Pattern) int {
	switch {
	case a.Breaths > 0:
		return a.Breaths
	case a.Samples > 0:
		return max(1, int(math.Round(float64(a.Samples)/float64(p.Len()))))
	}
	return 0
}
